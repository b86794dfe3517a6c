package render

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
	"text/template/parse"
)

// parsedTemplates parses texts by name as helm does: each is a file of one chart, and
// the templates that they define are in force.
func parsedTemplates(t testing.TB, texts map[string]string) map[string]*parse.Tree {
	t.Helper()
	trees := map[string]*parse.Tree{}
	for _, name := range sortedKeys(texts) {
		tree := parse.New(name)
		tree.Mode = parse.SkipFuncCheck
		if _, err := tree.Parse(texts[name], "", "", trees); err != nil {
			t.Fatal(err)
		}
		trees[name] = tree
	}
	return trees
}

// testScope is that of the charts web and, in its charts folder, db.
func testScope(file string) chartScope {
	file, _, _ = strings.Cut(file, "/templates/")
	s := chartScope{chart: path.Join("charts", file, "Chart.yaml")}
	if _, alias, ok := strings.Cut(file, "/charts/"); ok {
		s.values = []string{alias}
	}
	s.file = func(name string) (string, bool) {
		return path.Join("charts", file, name), strings.HasPrefix(name, "files/")
	}
	return s
}

func showRefs(refs []ref) string {
	var texts []string
	for _, r := range refs {
		text := string(r.kind) + ":" + strings.Join(r.path, ".")
		if r.kind == refValues {
			text = "." + strings.Join(r.path, ".")
		}
		if r.whole {
			text += "+"
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, " ")
}

// printing are the actions of a tree that print, in the order of the text.
func printing(tree *parse.Tree) []parse.Node {
	var found []parse.Node
	var walk func(l *parse.ListNode)
	walk = func(l *parse.ListNode) {
		if l == nil {
			return
		}
		for _, n := range l.Nodes {
			if prints(n) {
				found = append(found, n)
			}
			if b := branchOf(n); b != nil {
				walk(b.List)
				walk(b.ElseList)
			}
		}
	}
	if tree != nil {
		walk(tree.Root)
	}
	return found
}

const testHelpers = `
{{- define "name" -}}{{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}{{- end -}}
{{- define "fullname" -}}
{{- if .Values.fullnameOverride -}}{{ .Values.fullnameOverride | trunc 63 }}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}{{ .Release.Name | trunc 63 }}{{- else -}}{{ printf "%s-%s" .Release.Name $name }}{{- end -}}
{{- end -}}
{{- end -}}
{{- define "labels" -}}
app: {{ include "name" . }}
{{- if .Chart.AppVersion }}
version: {{ .Chart.AppVersion | quote }}
{{- end }}
{{- end -}}
{{- define "image" -}}
{{- $registry := default .imageRoot.registry ((.global).imageRegistry) -}}
{{- $separator := ":" -}}
{{- $termination := .imageRoot.tag | toString -}}
{{- if .imageRoot.digest }}{{ $separator = "@" }}{{ $termination = .imageRoot.digest | toString }}{{ end -}}
{{- printf "%s/%s%s%s" $registry .imageRoot.repository $separator $termination -}}
{{- end -}}
{{- define "render" -}}
{{- $value := typeIs "string" .value | ternary .value (.value | toYaml) -}}
{{- if contains "{{" (toJson .value) }}{{ tpl $value .context }}{{ else }}{{ $value }}{{ end -}}
{{- end -}}
{{- define "enabled" -}}{{ if and .Values.a .Values.b }}true{{ end }}{{- end -}}
{{- define "settings" -}}
replicas: {{ .Values.replicas }}
names: {{ .Values.names }}
{{- end -}}
{{- define "defaults" -}}{{ toYaml .Values.defaults }}{{- end -}}
{{- define "enabledPorts" -}}
{{- $enabled := dict -}}
{{- range $name, $port := .Values.ports -}}
{{- if ne $port.enabled false -}}{{- $_ := set $enabled $name (deepCopy $port) -}}{{- end -}}
{{- end -}}
{{- $enabled | toYaml -}}
{{- end -}}
{{- define "loop" -}}{{ .Values.x }}{{ include "loop" . }}{{- end -}}
{{- define "grow" -}}{{ .x.a }}{{ include "grow" (dict "x" .x.b) }}{{- end -}}
{{- define "kind" -}}{{ if eq .kind "a" }}{{ .a }}{{ else }}{{ .b }}{{ end }}{{- end -}}
`

func TestTemplateRefs(t *testing.T) {
	// What the last action of the text prints.
	for _, test := range []struct{ name, text, want string }{
		{"field", `{{ .Values.image.tag }}`, ".image.tag"},
		{"root variable", `{{ range .Values.list }}{{ $.Values.x }}{{ end }}`, ".x"},
		{"chart", `{{ .Chart.AppVersion }}`, "Chart:charts/web/Chart.yaml.appVersion"},
		{"chart annotations", `{{ index .Chart.Annotations "a/b" }}`, "Chart:charts/web/Chart.yaml.annotations.a/b"},
		{"release", `{{ .Release.Name }}-{{ .Release.Namespace }}`, "Release:Namespace"},
		{"service", `{{ .Release.Service }}`, ""},
		{"file", `{{ tpl (.Files.Get "files/x.conf") . | indent 4 }}`, "Files:charts/web/files/x.conf"},
		{"files", `{{ (.Files.Glob "files/x.conf").AsConfig | indent 2 }}`, "Files:charts/web/files/x.conf"},
		{"no file", `{{ .Files.Get "other" }}`, ""},
		{"capabilities", `{{ .Capabilities.KubeVersion.Version }}`, ""},
		{"constant", `{{ "x" | quote }}`, ""},
		{"comment", `{{/* .Values.x */}}{{ .Values.y }}`, ".y"},
		{"assignment prints nothing", `{{ $x := .Values.x }}{{ 1 }}`, ""},

		{"default", `{{ .Values.a | default .Values.b }}`, ".a .b"},
		{"default before", `{{ default .Chart.Name .Values.a }}`, ".a Chart:charts/web/Chart.yaml.name"},
		{"coalesce", `{{ coalesce .Values.a .Values.b "c" .Values.d }}`, ".a .b"},
		{"ternary", `{{ ternary .Values.a .Values.b .Values.c }}`, ".a .b"},
		{"ternary piped", `{{ .Values.c | ternary .Values.a "x" }}`, ".a"},
		{"required", `{{ required "set it" .Values.a }}`, ".a"},
		{"printf", `{{ printf "%s:%v" .Values.a (.Values.b | default .Chart.Version) }}`, ".a .b Chart:charts/web/Chart.yaml.version"},
		{"text functions", `{{ .Values.a | toString | trimSuffix "-" | b64enc | quote | nindent 4 }}`, ".a"},
		{"trim of a value", `{{ trimSuffix .Values.b .Values.a }}`, ".a"},
		{"join", `{{ join "," .Values.a }}`, ".a"},
		{"arithmetic", `{{ add (int .Values.a) 1 }}`, ".a"},
		{"random", `{{ randAlphaNum (int .Values.a) }}`, ""},
		{"parenthesised", `{{ ((.Values.a).b).c }}`, ".a.b.c"},
		{"toYaml", `{{ toYaml .Values.a | nindent 4 }}`, ".a+"},
		{"toYaml with default", `{{ toYaml (default (dict "x" .Values.x) .Values.a) }}`, ".a+ .x+"},
		{"tpl", `{{ tpl (toYaml .Values.a) . }}`, ".a+"},
		{"tpl of a text", `{{ tpl "{{ .Values.a }}" $ }}`, ".a"},
		{"omit", `{{ omit .Values.a "enabled" | toYaml }}`, ".a+"},

		{"index", `{{ index .Values "a-b" "c" 0 }}`, ".a-b.c.0"},
		{"index by a value", `{{ index .Values.a .Values.b }}`, ".a.*"},
		{"index by constants", `{{ range list "x" "y" }}{{ index $.Values . }}{{ end }}`, ".x .y"},
		{"index of constants by a value", `{{ index (dict "a" (dict "x" 1)) .Values.k | toYaml }}`, ".k+"},
		{"index by what is printed", `{{ $c := "api" }}{{ get .Values (printf "%sServer" $c) }}`, ".apiServer"},
		{"get", `{{ get .Values.a "b" }}`, ".a.b"},
		{"dig", `{{ dig "a" "b" "x" .Values }}`, ".a.b"},
		{"dig default", `{{ dig "a" .Values.b .Values.c }}`, ".c.a .b"},
		{"pluck", `{{ pluck .Values.env .Values.a | first | default .Values.b }}`, ".a.* .b"},
		{"first", `{{ first .Values.a }}`, ".a.0"},
		{"last", `{{ (last .Values.a).b }}`, ".a.*.b"},

		{"with", `{{ with .Values.a }}{{ .b }}{{ end }}`, ".a.b"},
		{"with else", `{{ with .Values.a }}{{ else }}{{ .Values.b }}{{ end }}`, ".b"},
		{"with else with", `{{ with .Values.a }}{{ else with .Values.b }}{{ .c }}{{ end }}`, ".b.c"},
		{"with variable", `{{ with $x := .Values.a }}{{ $x.b }}{{ end }}`, ".a.b"},
		{"range", `{{ range .Values.a }}{{ .b }}{{ end }}`, ".a.*.b"},
		{"range else", `{{ range .Values.a }}{{ else }}{{ .Values.b }}{{ end }}`, ".b"},
		{"range item", `{{ range $i, $x := .Values.a }}{{ $x.b }}{{ end }}`, ".a.*.b"},
		{"range only item", `{{ range $x := .Values.a }}{{ $x }}{{ end }}`, ".a.*"},
		{"range key", `{{ range $k, $v := .Values.a }}{{ $k }}{{ end }}`, ".a.*"},
		{"range keys", `{{ range keys .Values.a | sortAlpha }}{{ get $.Values.a . }}{{ end }}`, ".a.*"},
		{"range over a split text", `{{ range splitList "," .Values.a }}{{ . }}{{ end }}`, ".a"},
		{"range of a dict", `{{ range $k, $v := dict "a" .Values.x "b" .Values.y }}{{ $v }}{{ end }}`, ".x .y"},
		{"range of a list", `{{ range list .Values.x .Values.y }}{{ .z }}{{ end }}`, ".x.z .y.z"},

		{"variable", `{{ $x := .Values.a }}{{ $x.b }}`, ".a.b"},
		{"last assignment", `{{ $x := .Values.a }}{{ $x = .Values.b }}{{ $x }}`, ".b"},
		{"assignment in a branch", `{{ $x := .Values.a }}{{ if .Values.c }}{{ $x = .Values.b }}{{ end }}{{ $x }}`, ".b .a"},
		{"assignment in all branches", `{{ $x := "" }}{{ if .Values.c }}{{ $x = .Values.a }}{{ else }}{{ $x = .Values.b }}{{ end }}{{ $x }}`, ".b .a"},
		{"assignment behind", `{{ $x := .Values.a }}{{ if .Values.c }}{{ $x }}{{ end }}{{ $x = .Values.b }}`, ".a"},
		{"assignment in the same branch", `{{ $x := .Values.a }}{{ if .Values.c }}{{ $x = .Values.b }}{{ $x }}{{ end }}`, ".b"},
		{"shadowed", `{{ $x := .Values.a }}{{ if .Values.c }}{{ $x := .Values.b }}{{ end }}{{ $x }}`, ".a"},
		{"of the turn before", `{{ $x := "" }}{{ range .Values.l }}{{ $x }}{{ $x = .a }}{{ end }}`, ".l.*.a"},
		{"appended", `{{ $x := list .Values.a }}{{ $x = append $x .Values.b }}{{ toYaml $x }}`, ".a+ .b+"},
		{"undefined", `{{ with .Values.a }}{{ $.Values.b }}{{ end }}`, ".b"},

		{"dict", `{{ $d := dict "a" .Values.x "b" (dict "c" .Values.y) }}{{ $d.b.c }}`, ".y"},
		{"dict of an unknown key", `{{ $d := dict .Values.k .Values.x }}{{ $d.a }}`, ".x"},
		{"set", `{{ $d := dict "a" .Values.x }}{{ $_ := set $d "b" .Values.y }}{{ $d.b }}`, ".y"},
		{"set in a branch", `{{ $d := dict }}{{ if .Values.k }}{{ $_ := set $d "b" .Values.y }}{{ end }}{{ $d.b }}`, ".y"},
		{"set again", `{{ $d := dict "b" .Values.x }}{{ $_ := set $d "b" .Values.y }}{{ $d.b }}`, ".y"},
		{"merge", `{{ toYaml (merge .Values.a .Values.b) }}`, ".a+ .b+"},
		{"mergeOverwrite", `{{ (mergeOverwrite (deepCopy .Values.a) .Values.b).c }}`, ".b.c .a.c"},
		{"merge into a variable", `{{ $x := dict "k" .Values.a }}{{ $_ := merge $x .Values.b }}{{ $x.z }}`, ".b.z"},
		{"from YAML", `{{ $x := .Values.a | toYaml | fromYaml }}{{ $x.b }}`, ".a.b"},

		{"include", `{{ include "name" . }}`, ".nameOverride Chart:charts/web/Chart.yaml.name"},
		{"fullname", `{{ include "fullname" $ }}-x`, ".fullnameOverride Release:Name .nameOverride Chart:charts/web/Chart.yaml.name"},
		{"template", `{{ template "name" . }}`, ".nameOverride Chart:charts/web/Chart.yaml.name"},
		{"nested include", `{{ include "labels" . | nindent 4 }}`, ".nameOverride Chart:charts/web/Chart.yaml.name Chart:charts/web/Chart.yaml.appVersion"},
		{"image", `{{ include "image" (dict "imageRoot" .Values.image "global" .Values.global) }}`,
			".global.imageRegistry .image.registry .image.repository .image.digest .image.tag"},
		{"tplvalues", `{{ include "render" (dict "value" .Values.a "context" $) }}`, ".a+"},
		{"include by a known name", `{{ include (printf "%s" "name") . }}`, ".nameOverride Chart:charts/web/Chart.yaml.name"},
		{"include in an expression", `{{ printf "%s-%s" (include "name" .) .Values.x }}`, ".nameOverride Chart:charts/web/Chart.yaml.name .x"},
		{"include as YAML", `{{ (include "settings" . | fromYaml).replicas }}`, ".replicas"},
		{"include as a map", `{{ (include "defaults" . | fromYaml).a }}`, ".defaults.a"},
		{"merge of includes", `{{ (mergeOverwrite (include "defaults" . | fromYaml) .Values.own).a }}`, ".own.a .defaults.a"},
		{"range over an include", `{{ range $k, $v := include "enabledPorts" . | fromYaml }}{{ $v.protocol }}{{ end }}`, ".ports.*.protocol"},
		{"item of an include", `{{ (get (include "enabledPorts" . | fromYaml) .Values.k).protocol }}`, ".ports.*.protocol"},
		{"range over printed keys", `{{ range $k, $v := include "settings" . | fromYaml }}{{ $v }}{{ end }}`, ".replicas .names"},
		{"condition of an include", `{{ if include "enabled" . }}{{ .Values.x }}{{ end }}`, ".x"},
		{"known condition", `{{ include "kind" (dict "kind" "a" "a" .Values.a "b" .Values.b) }}`, ".a"},
		{"recursion", `{{ include "loop" . }}`, ".x"},
		{"recursion without end", `{{ include "nothing" . }}{{ .Values.x }}`, ".x"},
		{"changed context", `{{ include "name" (dict "Values" (dict "nameOverride" .Values.x) "Chart" .Chart) }}`, ".x Chart:charts/web/Chart.yaml.name"},
		{"merged context", `{{ include "name" (merge (dict "x" 1) .) }}`, ".nameOverride Chart:charts/web/Chart.yaml.name"},
		{"global", `{{ .Values.global.x }}`, ".global.x"},
		{"piped argument", `{{ . | include "name" }}`, ".nameOverride Chart:charts/web/Chart.yaml.name"},
		{"a subchart's", `{{ .Subcharts.db.Values.x }}`, ".db.x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := "web/templates/x.yaml"
			trees := parsedTemplates(t, map[string]string{file: test.text, "web/templates/_helpers.tpl": testHelpers})
			r := newTemplateReader(trees, testScope)
			actions := printing(trees[file])
			n := actions[len(actions)-1]
			got := showRefs(r.refs(&templateFrame{tree: trees[file], file: file}, n))
			if got != test.want {
				t.Errorf("%s:\ngot  %s\nwant %s", test.text, got, test.want)
			}
		})
	}
}

func TestTemplateFrames(t *testing.T) {
	const file = "web/charts/db/templates/x.yaml"
	trees := parsedTemplates(t, map[string]string{
		file: `{{ include "outer" (dict "image" .Values.image "context" $) }}{{ template "global" .Values }}`,
		"web/templates/_helpers.tpl": `{{ define "outer" }}{{ .image.tag }}{{ printf "%s" (include "inner" .context) }}{{ end }}` +
			`{{ define "inner" }}{{ $.Values.x }} {{ .Values.global.y }} {{ .Chart.Name }}{{ end }}{{ define "global" }}{{ .global.z }}{{ end }}`,
	})
	r := newTemplateReader(trees, testScope)
	top := &templateFrame{tree: trees[file], file: file}
	outer := &templateFrame{tree: trees["outer"], file: file, caller: top, call: printing(trees[file])[0]}
	inner := &templateFrame{tree: trees["inner"], file: file, caller: outer, call: printing(trees["outer"])[1]}
	global := &templateFrame{tree: trees["global"], file: file, caller: top, call: printing(trees[file])[1]}
	for _, test := range []struct {
		frame *templateFrame
		want  []string
	}{
		{top, []string{".db.image.tag .db.x .global.y Chart:charts/web/charts/db/Chart.yaml.name", ".global.z"}},
		{outer, []string{".db.image.tag", ".db.x .global.y Chart:charts/web/charts/db/Chart.yaml.name"}},
		{inner, []string{".db.x", ".global.y", "Chart:charts/web/charts/db/Chart.yaml.name"}},
		{global, []string{".global.z"}},
	} {
		for i, n := range printing(test.frame.tree) {
			if got := showRefs(r.refs(test.frame, n)); got != test.want[i] {
				t.Errorf("%s, action %d: got %s, want %s", test.frame.tree.Name, i, got, test.want[i])
			}
		}
	}
}

func TestTemplateOptions(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"without a condition", "a: 1\nb: {{ .Values.b }}\n", ""},
		{"if", "{{ if .Values.a }}\n  key: 1\n{{ end }}", "21 key .a"},
		{"nested", "{{ if .Values.a }}\na: 1\n{{ if .Values.b }}\nb: 1\n{{ end }}{{ end }}", "19 a .a\n43 b .a .b"},
		{"else", "{{ if not .Values.a }}\na: 1\n{{ else if eq .Values.b 1 }}\nb: 1\n{{ end }}", "23 a .a\n57 b .a .b"},
		{"and", "{{ if and .Values.a (or .Values.b (gt .Values.c 1)) }}\nk: 1\n{{ end }}", "55 k .a .b .c"},
		{"with", "{{- with .Values.a }}\nkey:\n  {{- toYaml . | nindent 8 }}\n{{- end }}", "22 key .a+"},
		{"behind", "{{- if .Values.a.enabled }}\nkey: {{ omit .Values.a \"enabled\" | toYaml }}\n{{- end }}", "28 key .a.enabled .a+"},
		{"on one line", "{{- if .Values.a.enabled }}key: {{ .Values.b }}\n{{- end }}", "27 key .a.enabled .b"},
		{"list item", "{{- if .Values.a }}\n  - name: x\n    value: y\n{{- end }}", "24 name .a\n36 value .a"},
		{"range", "{{- range .Values.l }}\nkey: {{ .v }}\n{{- end }}", "23 key .l .l.*.v"},
		{"branch behind", "{{- if .Values.a }}\nargs:\n{{- range .Values.l }}\n- {{ . }}\n{{- end }}{{- end }}", "20 args .a .l .l.*"},
		{"printed key", "{{ if .Values.a }}{{ .Values.k }}y: 1\n{{ end }}", ""},
		{"comment", "{{ if .Values.a }}\n# key: 1\n{{ end }}", ""},
		{"template's condition", "{{ if include \"enabled\" . }}\nk: 1\n{{ end }}", "29 k .a .b"},
		{"variable's condition", "{{ $x := false }}{{ if .Values.a }}{{ $x = true }}{{ end }}{{ if $x }}\nk: 1\n{{ end }}", "71 k .a"},
		{"included", "{{ if .Values.a }}\n{{ include \"settings\" . }}{{ end }}", "22 replicas .a .replicas\n22 names .a .names"},
		{"called", "{{ if .Values.a }}\n{{ template \"settings\" . }}{{ end }}", "31 replicas .a .replicas\n31 names .a .names"},
		{"included without a condition", "{{ include \"settings\" . }}", ""},
		{"only values", "{{ if .Release.Name }}\nkey: {{ .Release.Name }}\n{{ end }}", "23 key Release:Name"},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := "web/templates/x.yaml"
			trees := parsedTemplates(t, map[string]string{file: test.text, "web/templates/_helpers.tpl": testHelpers})
			var got []string
			for _, o := range newTemplateReader(trees, testScope).options(&templateFrame{tree: trees[file], file: file}, nothingWritten) {
				got = append(got, strings.TrimSpace(fmt.Sprintf("%d %s %s", o.pos, o.key, showRefs(o.refs))))
			}
			if got := strings.Join(got, "\n"); got != test.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, test.want)
			}
		})
	}
}

// Reading takes a bounded number of steps, whatever the templates are.
func TestTemplateReadingEnds(t *testing.T) {
	var fan, chain strings.Builder
	for i := range 60 {
		fmt.Fprintf(&fan, `{{ define "f%d" }}{{ include "f%d" (dict "a" .) }}{{ include "f%d" (dict "b" .) }}{{ .a.b.c }}{{ end }}`, i, i+1, i+1)
	}
	for range 3000 {
		chain.WriteString(`{{ if .Values.a }}{{ $x = merge (dict "k" $x) $x .Values.b }}{{ end }}{{ $x = printf "%s%s" $x $x }}`)
	}
	for name, text := range map[string]string{
		"growing":     `{{ define "g" }}{{ .x }}{{ include "g" (dict "x" .) }}{{ include "g" (dict "y" . "x" .x) }}{{ end }}{{ include "g" . }}`,
		"fan":         fan.String() + `{{ include "f0" . }}`,
		"assignments": `{{ $x := .Values.a }}` + chain.String() + `{{ $x }}`,
		"nested":      strings.Repeat(`{{ if .Values.a }}`, 5000) + `k: {{ .Values.b }}` + strings.Repeat(`{{ end }}`, 5000),
		"deep":        `{{ define "d" }}{{ with .a }}{{ include "d" . }}{{ end }}{{ end }}{{ include "d" .Values }}`,
		"keys":        `{{ if .Values.a }}` + strings.Repeat("\nkey: ", 100_000) + `{{ end }}`,
		"parentheses": `{{ ` + strings.Repeat(`(`, 5000) + `.Values.a` + strings.Repeat(`)`, 5000) + ` }}`,
		"arguments":   `{{ $d := dict }}` + strings.Repeat(`{{ $_ := set $d "k" $d }}`, 3000) + `{{ $d.k.k.k.k }}`,
		"constants":   `{{ $x := "ab" }}` + strings.Repeat(`{{ $x = print $x $x }}`, 3000) + `{{ index .Values $x }}`,
	} {
		t.Run(name, func(t *testing.T) {
			readAll(t, parsedTemplates(t, map[string]string{"web/templates/x.yaml": text}))
		})
	}
}

// readAll asks all questions about all templates, and checks what they cost.
func readAll(t testing.TB, trees map[string]*parse.Tree) {
	r := newTemplateReader(trees, testScope)
	for _, name := range sortedKeys(trees) {
		f := &templateFrame{tree: trees[name], file: name}
		ask := []func(){func() {
			if o := r.options(f, nothingWritten); !slices.IsSortedFunc(o, func(a, b templateOption) int { return int(a.pos - b.pos) }) || len(o) > maxReadOption {
				t.Errorf("%s: %d options, or not in order", name, len(o))
			}
		}}
		for _, n := range printing(trees[name]) {
			ask = append(ask, func() {
				if n := len(r.refs(f, n)); n > maxReadRefs {
					t.Errorf("%s: %d refs", name, n)
				}
			})
		}
		for _, q := range ask {
			before := r.steps
			q()
			if spent := before - r.steps; spent > maxCallSteps+1<<16 {
				t.Fatalf("%s: %d steps for one question", name, spent)
			}
		}
	}
}

func FuzzTemplateReader(f *testing.F) {
	f.Add(testHelpers)
	f.Add(`{{ range $k, $v := .Values.a }}{{ $k }}: {{ $v.b }}{{ break }}{{ else }}{{ template "x" . }}{{ end }}{{ define "x" }}{{ include "x" . }}{{ end }}`)
	f.Add(`{{ (index .Values nil true 1.5 'a').b }}{{ block "b" $ }}{{ continue }}{{ end }}`)
	f.Fuzz(func(t *testing.T, text string) {
		trees := map[string]*parse.Tree{}
		tree := parse.New("web/templates/x.yaml")
		tree.Mode = parse.SkipFuncCheck | parse.ParseComments
		if _, err := tree.Parse(text, "", "", trees); err != nil {
			return
		}
		trees[tree.Name] = tree
		readAll(t, trees)
	})
}

func nothingWritten(parse.Node) bool { return false }
