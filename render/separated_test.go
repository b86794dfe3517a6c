package render

import (
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/releaseutil"
)

// Helm finds as many documents in a text as there are for YAML once the text is
// separated, and each line keeps its number.
func TestSeparated(t *testing.T) {
	for _, text := range []string{
		"a: 1\n---# comment\nb: 2\n", "a: 1\n\n---b: 2\n", "# head\n---b: 2\nc: 3\n", "a: 1\n---\nb: 2\n--- # c\nc: 3\n",
		"a: 1\n", "---\na: 1\n---   \nb: 2\n", "a: 1\n# x\n---   b: 2\nc: 1\n",
	} {
		want := 0
		for _, doc := range releaseutil.SplitManifests(text) {
			if strings.Contains(doc, ": ") && !strings.HasPrefix(strings.TrimSpace(doc), "# head") {
				want++
			}
		}
		b, err := (&settings{}).builder()
		if err != nil {
			t.Fatal(err)
		}
		got := separated(text)
		docs, problems := b.limits.YAML.Parse([]byte(got))
		if len(problems) > 0 || len(docs) != want {
			t.Errorf("%q is separated as %q: %d documents, %v; helm has %d", text, got, len(docs), problems, want)
		}
		if strings.Count(got, "\n") != strings.Count(text, "\n") {
			t.Errorf("%q has other lines than %q", got, text)
		}
	}
}
