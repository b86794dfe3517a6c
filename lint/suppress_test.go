package lint

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/scantling-dev/scantling/internal/manifest"
)

func suppressRules() []*Rule {
	rule := func(id string, s Severity, c Category) *Rule { return &Rule{ID: id, Severity: s, Category: c} }
	optional := rule("opt-in", Low, PodSecurity)
	optional.Profile = All
	key := rule("private-key-in-repo", Critical, Secrets)
	key.ByPathOnly = true
	changed := rule("edited", High, Secrets)
	changed.Compares = true
	return []*Rule{
		rule("privileged-container", Critical, PodSecurity), rule("image-tag-mutable", Medium, Image),
		key, changed, rule("schema", Low, Problems), rule("internal", High, Problems),
		rule(ignoreWithoutReason, Medium, Problems), rule(ignoreUnknownRule, Medium, Problems), rule(ignoreUnused, Low, Problems), rule(ignoreExpired, Medium, Problems),
		optional,
	}
}

func finding(rule string, line int) Finding {
	return Finding{Rule: rule, Severity: High, Message: "m", Origin: manifest.Origin{Span: manifest.Span{File: "a.yaml", Line: line, Column: 1}, Exact: true}}
}

// TestCover gives each line of a file a finding. The lines marked with < must
// be suppressed, and no other.
func TestCover(t *testing.T) {
	const ignore = "# scantling:ignore privileged-container -- why"
	for _, tt := range []struct{ name, text string }{
		{"end of a line", `
a: 1
b: IGNORE <
  c: 2 <
  d: <
    - 3 <
e: 4
`},
		{"above a key", `
a: 1
IGNORE
b: <
  c: 2 <

  d: 3 <
e: 4
`},
		{"above a key with other comments between", `
a: 1
IGNORE
# another

b: <
  c: 2 <
e: 4
`},
		{"above the first key", `
# head
IGNORE
a: 1 <
b: <
- 2 <
---
c: 3
`},
		{"before the document's mark", `
IGNORE
---
a: 1 <
b: 2 <
---
c: 3
`},
		{"on the document's mark", `
a: 1
--- IGNORE
b: 2 <
c: 2 <
`},
		{"under the last key covers nothing", `
a: 1
IGNORE
---
b: 2
`},
		{"list at the key's own column", `
a: 0
IGNORE
list: <
- a <
- b: 1 <
  c: 2 <
next: 1
`},
		{"list item", `
list:
  - name: x IGNORE <
    image: y <
    env: <
      - z <
  - name: y
`},
		{"above a list item", `
list:
- name: x
IGNORE
- name: y <
  image: z <
- name: q
`},
		{"key of a list item", `
list:
  - name: x
    image: y IGNORE <
    env: z
  - name: y
`},
		{"key of a list item with a list", `
list:
  - name: x
    IGNORE
    ports: <
    - 1 <
    - 2 <
    env: z
`},
		{"item above the first document key stays an item", `
IGNORE
- op: add <
  path: /x <
- op: remove
`},
		{"block scalar belongs to its key", `
a: 1
script: | IGNORE <
  one <

  two <
b: 1
`},
		{"inside a block scalar it is text", `
script: |
  IGNORE
  text
b: 1
`},
		{"inside a block scalar of a list item", `
args:
  - |
    IGNORE
    text
  - >-
    IGNORE
  - key: |2-
      IGNORE
    other: !!str |
      IGNORE
b: 1
`},
		{"behind a block scalar", `
list:
  - script: |
      text
    image: x IGNORE <
    c: 2
`},
		{"a pipe that opens nothing", `
cmd: cat a |
b: 1 IGNORE <
c: "a: |"
d: 1 IGNORE <
`},
		{"inside quotes it is text", `
a: " IGNORE"
b: 'it''s IGNORE'
c: "over
  IGNORE
  lines"
d: "x" IGNORE <
e: 1
`},
		{"an apostrophe opens nothing", `
a: 1
b: don't IGNORE <
c: say, "hi IGNORE <
d: [a, "b # x"] IGNORE <
e: {a: 'IGNORE'}
f: 2
`},
		{"no space before it", `
a: x#IGNORE
b: 1
`},
		{"templates", `
{{- if .Values.x }}
IGNORE
apiVersion: v1 <
{{- end }} <
spec: <
  a: {{ "x # y" }} <
`},
		{"template keys", `
kind: Pod
{{- if .Values.x }}
{{/* scantling:ignore privileged-container -- why */}}
spec: <
  {{- with .Values.y }} <
  a: {{ . }} <
  {{- end }} <
  b: {{ include "z" . | quote }} <
{{- end }}
other: 1
`},
		{"trimmed template comment", `
kind: Pod
{{- /* scantling:ignore privileged-container -- why */ -}}
a: 1 <
b: 1
`},
		{"above an action that prints", `
spec:
  {{- /* scantling:ignore privileged-container -- why */}}
  {{- include "x" . | nindent 2 }} <
  a: 1
  IGNORE
  {{- if .x }}
  {{- $y := 1 }}
  b: 1 <
  {{- end }}
`},
		{"action over lines", `
kind: Pod
a: {{ include "x" IGNORE
  (dict "a: |" 1) }}
b: 2 IGNORE <
c: 1
`},
		{"template comment at the end of a line", `
kind: Pod
a: {{ .x }} {{/* scantling:ignore privileged-container -- why */}} <
  b: 1 <
c: 1 {{- /* scantling:ignore privileged-container -- why */ -}} <
d: {{ "/* x */" }}
`},
		{"inside a patch", `
patches:
  - patch: |-
      - op: add
        path: /x IGNORE <
      - op: add
        IGNORE
        path: /y <
        value: 1
    target: {kind: Pod}
a: 1
`},
		{"above all of a patch", `
patches:
  - target: {kind: Pod}
    patch: |-

      IGNORE
      kind: Pod <
      spec: <
        a: 1 <
      ---
      kind: Pod
a: 1
`},
		{"in the items of patchesStrategicMerge and of no other list", `
patchesStrategicMerge:
- a.yaml
- |-
  kind: Pod
  spec: IGNORE <
    a: 1 <
patches:
- |-
  spec: IGNORE
`},
		{"in values as text, and in a patch of values", `
values: |
  a: 1
  b: 2 IGNORE <
data:
  values.yaml: |
    patch: |
      a: 1 IGNORE <
      b: 1
    script: |
      a: 1 IGNORE
  "x.yml": |
    a: 1 IGNORE <
  run.sh: |
    a IGNORE
`},
		{"windows", "a: 1\r\nb: IGNORE <\r\n  c: 1 <\r\nd: 1\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var lines, want []string
			for i, line := range strings.Split(strings.TrimPrefix(tt.text, "\n"), "\n") {
				end := ""
				if strings.HasSuffix(line, "\r") {
					line, end = strings.TrimSuffix(line, "\r"), "\r"
				}
				if cut, ok := strings.CutSuffix(line, " <"); ok {
					line = cut
					want = append(want, fmt.Sprint(i+1))
				}
				lines = append(lines, strings.ReplaceAll(line, "IGNORE", ignore)+end)
			}
			text := strings.Join(lines, "\n")
			s := NewSuppressor(suppressRules(), func(string) []byte { return []byte(text) })
			var findings []Finding
			for i := range lines {
				findings = append(findings, finding("privileged-container", i+1), finding("image-tag-mutable", i+1))
			}
			// A comment's own line holds no key: leave it out of the count.
			var got []string
			for _, f := range Fold(s.Comments(findings, nil)) {
				if f.Suppressed == nil {
					continue
				}
				if f.Rule != "privileged-container" || f.Suppressed.Kind != "comment" || f.Suppressed.Reason != "why" {
					t.Errorf("line %d: %s is suppressed by %+v", f.Origin.Line, f.Rule, f.Suppressed)
				}
				if line := strings.TrimSpace(lines[f.Origin.Line-1]); line != "" && line[0] != '#' {
					got = append(got, fmt.Sprint(f.Origin.Line))
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("covers lines %v, want %v of\n%s", got, want, text)
			}
		})
	}
}

// TestCommentsOnTheWay: a comment excuses what is written at its line, and what
// passes there on the way from where it is written.
func TestCommentsOnTheWay(t *testing.T) {
	files := map[string]string{
		"values.yaml":     "image:\n  tag: latest\n",
		"template.yaml":   "a: 1\n# scantling:ignore image-tag-mutable, schema -- the template's\nimage: {{ .Values.image.tag }}\nb: 1\n",
		"release.yaml":    "# scantling:ignore image-tag-mutable -- the release's\nkind: HelmRelease\n",
		"settings.env":    "# scantling:ignore image-tag-mutable -- the first\nA=1\nB=2 # scantling:ignore image-tag-mutable -- no comment\n  # scantling:ignore image-tag-mutable -- the last\n\nC=3\n",
		"excused.yaml":    "tag: latest # scantling:ignore image-tag-mutable -- the value's\n",
		"unrelated.yaml":  "tag: latest\n",
		"elsewhere.yaml":  "tag: latest # scantling:ignore image-tag-mutable -- never\n",
		"properties.ini":  "a=1\n",
		"dir/.env.broken": "# scantling:ignore\nx=1\n",
	}
	at := func(file string, line int, via ...manifest.Step) Finding {
		f := finding("image-tag-mutable", line)
		f.Object = Ref{Kind: "Pod", Name: file}
		f.Origin.File = file
		f.own = len(via)
		f.Origin.Via = append(via, manifest.Step{Span: manifest.Span{File: "release.yaml", Line: 2}, What: "HelmRelease a"})
		return f
	}
	step := func(line int) manifest.Step {
		return manifest.Step{Span: manifest.Span{File: "template.yaml", Line: line}, What: "template"}
	}
	findings := []Finding{
		at("values.yaml", 2, step(3)), at("values.yaml", 2, step(4)), at("excused.yaml", 1, step(3)), at("unrelated.yaml", 1),
		at("settings.env", 2), at("settings.env", 3), at("settings.env", 6), at("properties.ini", 1), at("dir/.env.broken", 2),
	}
	s := NewSuppressor(suppressRules(), func(file string) []byte { return []byte(files[file]) })
	got := s.Comments(findings, []string{"elsewhere.yaml"})
	for i, want := range []string{"the template's", "", "the value's", "", "the first", "", "the last", "", ""} {
		reason := ""
		if sup := got[i].Suppressed; sup != nil {
			reason = sup.Reason
		}
		if reason != want {
			t.Errorf("%s:%d is excused by %q, want %q", got[i].Origin.File, got[i].Origin.Line, reason, want)
		}
	}
	var wrong []string
	for _, f := range got[len(findings):] {
		wrong = append(wrong, fmt.Sprintf("%s:%d %s", f.Origin.File, f.Origin.Line, f.Message))
	}
	want := []string{
		"dir/.env.broken:1 the comment names no rule to ignore", "elsewhere.yaml:1 no image-tag-mutable finding here to ignore",
		"template.yaml:2 no schema finding here to ignore",
	}
	if !slices.Equal(wrong, want) {
		t.Errorf("got  %q\nwant %q", wrong, want)
	}
	// The way that nothing excuses is what is left.
	folded := Fold(got[:2])
	if len(folded) != 1 || folded[0].Suppressed != nil || folded[0].Origin.Via[0].Line != 4 {
		t.Errorf("got %+v", folded)
	}
}

func TestWrongComments(t *testing.T) {
	for _, tt := range []struct {
		name, comment string
		want          []string
	}{
		{"sound", "scantling:ignore privileged-container -- why", nil},
		{"two rules", "scantling:ignore privileged-container, image-tag-mutable -- why", nil},
		{"no reason", "scantling:ignore privileged-container", []string{"ignore-without-reason: privileged-container is ignored without a reason", "open"}},
		{"empty reason", "scantling:ignore privileged-container -- ", []string{"ignore-without-reason: privileged-container is ignored without a reason", "open"}},
		{"a dash of another kind", "scantling:ignore privileged-container — why", []string{"ignore-without-reason: privileged-container is ignored without a reason", "open"}},
		{"unknown", "scantling:ignore priviliged-container -- why", []string{`ignore-unknown-rule: there is no rule "priviliged-container" to ignore: did you mean privileged-container?`, "open"}},
		{"all", "scantling:ignore all -- why", []string{`ignore-unknown-rule: there is no rule "all" to ignore`, "open"}},
		{"none", "scantling:ignore -- why", []string{"ignore-unknown-rule: the comment names no rule to ignore", "open"}},
		{"no commas", "scantling:ignore privileged-container schema -- why", []string{"ignore-unknown-rule: the rules to ignore are not separated by commas", "open"}},
		{"another verb", "scantling:disable privileged-container", []string{"ignore-unknown-rule: scantling:disable is not known: only scantling:ignore is", "open"}},
		{"unused", "scantling:ignore schema, privileged-container -- why", []string{"ignore-unused: no schema finding here to ignore"}},
		{"off is not unused", "scantling:ignore opt-in, privileged-container -- why", nil},
		{"never", "scantling:ignore private-key-in-repo -- why", []string{"ignore-unknown-rule: rule private-key-in-repo can't be ignored here: only an entry of ignore in the configuration that names paths excuses it", "open"}},
		{"about ignores", "scantling:ignore ignore-unused -- why", []string{"ignore-unknown-rule: rule ignore-unused can't be ignored", "open"}},
		{"no directive", "see scantling:ignore", []string{"open"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := "# " + tt.comment + "\na: 1\n"
			s := NewSuppressor(suppressRules(), func(string) []byte { return []byte(text) })
			var got []string
			for _, f := range Fold(s.Comments([]Finding{finding("privileged-container", 2), finding("private-key-in-repo", 2), finding("image-tag-mutable", 2)}, nil)) {
				switch {
				case strings.HasPrefix(f.Rule, "ignore-"):
					got = append(got, f.Rule+": "+f.Message)
					if f.Origin.Line != 1 || f.Origin.Column != 1 || f.Fix == "" || f.Fingerprint == "" {
						t.Errorf("incomplete: %+v", f)
					}
				case f.Rule == "privileged-container" && f.Suppressed == nil:
					got = append(got, "open")
				case f.Rule == "private-key-in-repo" && f.Suppressed != nil:
					t.Error("a private key was excused")
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestUnusedInFileWithoutFindings(t *testing.T) {
	text := "a: 1 # scantling:ignore schema -- why\n"
	off := false
	rules := suppressRules()
	source := func(string) []byte { return []byte(text) }
	got := NewSuppressor(rules, source).Comments(nil, []string{"b.yaml", "b.yaml"})
	if len(got) != 1 || got[0].Rule != ignoreUnused || got[0].Origin.File != "b.yaml" || got[0].Origin.Column != 6 {
		t.Errorf("got %+v", got)
	}
	if got := NewSuppressor(rules, source).With(Selection{Rules: map[string]Setting{"schema": {Enabled: &off}}}).Comments(nil, []string{"b.yaml"}); len(got) != 0 {
		t.Errorf("a rule that is off counts as unused: %+v", got)
	}
	if got := NewSuppressor(rules, source).With(Selection{Rules: map[string]Setting{ignoreUnused: {Enabled: &off}}}).Comments(nil, []string{"b.yaml"}); len(got) != 0 {
		t.Errorf("ignore-unused is off and reported: %+v", got)
	}
	if got := NewSuppressor(rules, func(string) []byte { return nil }).Comments(nil, []string{"gone.yaml"}); len(got) != 0 {
		t.Errorf("a file that can't be read gives %+v", got)
	}
}

func object(t *testing.T, text string) *manifest.Object {
	t.Helper()
	docs, problems := manifest.Parse([]byte(text))
	if len(problems) > 0 || len(docs) != 1 {
		t.Fatalf("can't read the manifest: %v", problems)
	}
	return manifest.New(docs[0], manifest.Origin{Span: manifest.Span{File: "a.yaml"}}, nil)
}

func onObject(rule string, o *manifest.Object, unit string) Finding {
	f := finding(rule, 3)
	f.Object, f.object, f.Units = refOf(o), o, []string{unit}
	return f
}

func TestAnnotations(t *testing.T) {
	o := object(t, `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations:
    scantling.dev/ignore.privileged-container: it drives the disks
    scantling.dev/ignore.schema: ""
    scantling.dev/ignore.no-such: why
    scantling.dev/ignore.private-key-in-repo: why
    scantling.dev/ignored: no business of ours
spec:
  template:
    metadata:
      annotations: {scantling.dev/ignore.image-tag-mutable: mirrored}
    spec: {containers: [{name: a}]}
`)
	s := NewSuppressor(suppressRules(), nil)
	got := s.Annotations([]Finding{
		onObject("privileged-container", o, "u"), onObject("image-tag-mutable", o, "u"),
		onObject("schema", o, "u"), onObject("private-key-in-repo", o, "u"),
	}, nil, nil)
	for i, want := range []string{"it drives the disks", "mirrored", "", ""} {
		reason := ""
		if sup := got[i].Suppressed; sup != nil {
			reason = sup.Reason
			if sup.Kind != "annotation" || sup.Place.File != "a.yaml" || sup.Place.Line == 0 {
				t.Errorf("suppressed by %+v", sup)
			}
		}
		if reason != want {
			t.Errorf("%s is suppressed because of %q, want %q", got[i].Rule, reason, want)
		}
	}
	var wrong []string
	for _, f := range got[4:] {
		wrong = append(wrong, fmt.Sprintf("%d %s", f.Origin.Line, f.Rule))
	}
	if want := []string{"7 ignore-without-reason", "8 ignore-unknown-rule", "9 ignore-unknown-rule"}; !slices.Equal(wrong, want) {
		t.Errorf("got %q, want %q", wrong, want)
	}
}

func TestFoldKeepsUnsuppressed(t *testing.T) {
	excused := object(t, "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  annotations: {scantling.dev/ignore.schema: why}\n")
	open := object(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: b}\n")
	s := NewSuppressor(suppressRules(), func(string) []byte { return nil })
	for _, order := range [][]*manifest.Object{{excused, open}, {open, excused}} {
		var in []Finding
		for _, o := range order {
			in = append(in, onObject("schema", o, "unit-"+o.Name))
		}
		got := Fold(s.Annotations(in, nil, nil))
		if len(got) != 1 || got[0].Suppressed != nil || got[0].Object.Name != "b" || len(got[0].Keys()) != 2 {
			t.Fatalf("got %+v", got)
		}
		if !slices.Equal(got[0].Units, []string{"unit-a", "unit-b"}) {
			t.Errorf("units are %v", got[0].Units)
		}
	}
	got := Fold(s.Annotations([]Finding{onObject("schema", excused, "u"), onObject("schema", excused, "v")}, nil, nil))
	if len(got) != 1 || got[0].Suppressed == nil {
		t.Errorf("excused everywhere and not suppressed: %+v", got)
	}
}

// TestHostileComments: whoever writes a file writes its comments. What they say
// is read in one pass, which some of these would not end without, and quoted
// in few words.
func TestHostileComments(t *testing.T) {
	rules := suppressRules()
	nested := func() string {
		var b strings.Builder
		for i := range 1500 {
			b.WriteString(strings.Repeat(" ", i) + "patch: |\n")
		}
		return b.String()
	}
	many := func(unit string) string { return strings.Repeat(unit, 1<<20/len(unit)) }
	names := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "x%d,", i)
		}
		return b.String()
	}
	const comment = "# scantling:ignore schema -- why\n"
	for _, tt := range []struct {
		name, text string
		excused    bool // the finding in the last line but one
		rule       string
		says       string
	}{
		{"many comments above a key", many(comment) + "a: 1\n", true, "", ""},
		{"many comments, each with its own key", many("a: 1 " + comment), true, "", ""},
		{"many names", "a: 1 # scantling:ignore " + names(100_000) + " -- why\n", false, ignoreUnknownRule, "the comment names more than 64 rules"},
		{"a long name", "a: 1 # scantling:ignore " + many("x") + " -- why\n", false, ignoreUnknownRule, `there is no rule "` + strings.Repeat("x", 64) + `…" to ignore`},
		{"a long verb", "a: 1 # scantling:" + many("x") + " -- why\n", false, ignoreUnknownRule, "scantling:" + strings.Repeat("x", 64) + "… is not known: only scantling:ignore is"},
		{"many unknown rules", strings.ReplaceAll(strings.TrimSuffix(names(50_000), ","), ",", " -- y\n# scantling:ignore ") + "\na: 1\n", false, ignoreUnknownRule, "there is no rule"},
		{"actions that do not end", comment + "a: " + many("{{ ") + "\n", true, "", ""},
		{"actions over lines that do not end", comment + many("a: {{\n"), true, "", ""},
		{"quotes that do not end", comment + many("a: 'x\nb: \"y\n") + "a: 1\n", true, "", ""},
		{"texts in texts", nested() + strings.Repeat(" ", 1500) + comment + "a: 1\n", false, "", ""},
		{"tags", comment + "a: " + many("!x ") + "|\n", true, "", ""},
	} {
		lines := strings.Count(tt.text, "\n")
		got := NewSuppressor(rules, func(string) []byte { return []byte(tt.text) }).Comments([]Finding{finding("schema", lines)}, nil)
		said := ""
		for _, f := range got {
			if f.Rule == "schema" && (f.Suppressed != nil) != tt.excused {
				t.Errorf("%s: excused is %v", tt.name, !tt.excused)
			}
			if f.Rule == tt.rule {
				said = f.Message
			}
		}
		if !strings.HasPrefix(said, tt.says) || len(said) > 400 {
			t.Errorf("%s: %.300q, want %q", tt.name, said, tt.says)
		}
	}
	got := NewSuppressor(rules, func(string) []byte { return []byte("a: 1 # scantling:ignore schema -- " + many("x") + "\n") }).Comments([]Finding{finding("schema", 1)}, nil)
	if got[0].Suppressed == nil || len(got[0].Suppressed.Reason) > 600 {
		t.Error("a long reason is kept as it is")
	}
}

// TestCommentsInCode: in what is no YAML a comment covers its own line, or the next
// one. The lines marked with < must be suppressed, and no other.
func TestCommentsInCode(t *testing.T) {
	const ignore = "scantling:ignore privileged-container -- why"
	for name, text := range map[string]string{
		"main.go":          "a // " + ignore + " <\nb\n",
		"x/Dockerfile.dev": "a\n# " + ignore + "\n\nb <\nc\n",
		"a.sql":            "-- " + ignore + "\na <\nb\n",
		"README.md":        "<!-- " + ignore + " -->\na <\nb\n",
		"a.c":              "a /* " + ignore + " */ // <\nb",
		"a.env":            "# " + ignore + "\n# more\nA=1 <\n",
		"c.env":            "A=1 # " + ignore + "\nB=2\n",
		"b.env":            "# " + ignore + "\nA=1 <\nB=2\n",
		"a.tf":             "a # " + ignore + " <\nb # scantling:ignore image-tag-mutable -- why\n",
		"two.py":           "# " + ignore + "\n# scantling:ignore schema -- why\na <\nb\n",
		"text.txt":         "see " + ignore + "\na\n",
	} {
		t.Run(name, func(t *testing.T) {
			lines := strings.Split(text, "\n")
			var findings []Finding
			for i := range lines {
				f := finding("privileged-container", i+1)
				f.Origin.File = name
				findings = append(findings, f)
			}
			s := NewSuppressor(suppressRules(), func(string) []byte { return []byte(strings.ReplaceAll(text, " <", "")) })
			for _, f := range s.Comments(findings, nil)[:len(lines)] {
				if want := strings.HasSuffix(lines[f.Origin.Line-1], "<"); (f.Suppressed != nil) != want {
					t.Errorf("line %d is suppressed: %v", f.Origin.Line, f.Suppressed != nil)
				}
			}
		})
	}
}
