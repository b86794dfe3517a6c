package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/scantling-dev/scantling/internal/diff"
	"github.com/scantling-dev/scantling/lint"
)

// manyChanges are n objects that changed, each in one field, with long texts.
func manyChanges(n int) *Changes {
	c := &Changes{Objects: &diff.Changes{}}
	for i := range n {
		before, after := strings.Repeat("a", 300), strings.Repeat("`", 300)
		c.Objects.Entries = append(c.Objects.Entries, &diff.Change{
			Kind:    diff.Changed,
			Object:  diff.Subject{Ref: lint.Ref{APIVersion: "v1", Kind: "ConfigMap", Name: fmt.Sprintf("c%d", i)}},
			Objects: []diff.Subject{{Ref: lint.Ref{APIVersion: "v1", Kind: "ConfigMap", Name: fmt.Sprintf("c%d", i)}}},
			Units:   []string{"apps"}, File: "apps/a.yaml",
			Fields: []diff.Field{{Path: "data.x", Kind: diff.Changed, Before: &before, After: &after}},
		})
		c.Objects.Unknown = append(c.Objects.Unknown, diff.UnknownUnit{Unit: fmt.Sprintf("unit%d", i), Head: true, Reason: strings.Repeat("@", 300)})
	}
	c.Findings = findings()
	for i := range c.Findings {
		c.Findings[i].State = lint.New
	}
	return c
}

func written(t *testing.T, format string, c *Changes) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteChanges(&b, format, c, Options{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestChangesBounds: a comment is not longer than GitHub takes it, and says what is
// missing. So does the text.
func TestChangesBounds(t *testing.T) {
	for _, n := range []int{0, 1, 60, 90, 120, 5000} {
		text := written(t, "markdown", manyChanges(n))
		if size := utf8.RuneCountInString(text); size > 65536 {
			t.Errorf("%d changes: %d characters", n, size)
		}
		if n == 5000 && !strings.Contains(text, "more units") || strings.Count(text, "<details>") != strings.Count(text, "</details>") {
			t.Errorf("%d changes: the comment is cut off", n)
		}
		if strings.Contains(text, "@@") {
			t.Errorf("%d changes: mentions in the comment", n)
		}
	}
	few := manyChanges(500)
	few.Objects.Unknown = nil
	if text := written(t, "markdown", few); !strings.Contains(text, "more objects") {
		t.Error("nothing says that objects are left out")
	}
	if text := written(t, "text", manyChanges(5000)); !strings.Contains(text, "and 4,000 changes more") || !strings.Contains(text, "and 4,000 units more") {
		t.Error("nothing says that changes are left out")
	}
}

// TestChangesJSON: the JSON is valid, and has lists where nothing is.
func TestChangesJSON(t *testing.T) {
	for _, n := range []int{0, 3} {
		c := manyChanges(n)
		c.Findings = c.Findings[:2]
		var out struct {
			Version int
			Objects []struct {
				Fields []struct{ Before, After *string }
			}
			Findings []struct{ State string }
			Unknown  []struct{ Tree, Status string }
		}
		if err := json.Unmarshal([]byte(written(t, "json", c)), &out); err != nil {
			t.Fatal(err)
		}
		if out.Version != 1 || out.Objects == nil || len(out.Objects) != n || len(out.Findings) != 2 || out.Unknown == nil || len(out.Unknown) != n {
			t.Errorf("%d changes: %+v", n, out)
		}
	}
}

// TestChangesNoise: what decides nothing is counted, and shown with All.
func TestChangesNoise(t *testing.T) {
	c := manyChanges(2)
	c.Objects.Entries[0].Fields[0].Noise = true
	if text := written(t, "text", c); strings.Contains(text, "ConfigMap c0") || !strings.Contains(text, "1 field of noise left out, which is all that changed in 1 more object: --all shows it") {
		t.Errorf("noise is shown, or not counted:\n%s", text)
	}
	c.All = true
	if text := written(t, "text", c); !strings.Contains(text, "ConfigMap c0") || strings.Contains(text, "left out") {
		t.Errorf("noise is left out:\n%s", text)
	}
}
