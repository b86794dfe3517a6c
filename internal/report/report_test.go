package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

var update = flag.Bool("update", false, "write the golden files anew")

const source = `apiVersion: apps/v1
kind: Deployment
spec:
          privileged: true
	tabbed:	here
password: hunter2
long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 日本語 target bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
data: {user: hunter2, password: hunter2}
certificate: |-
`

func rules() []*lint.Rule {
	rule := func(id string, s lint.Severity, c lint.Category) *lint.Rule {
		return &lint.Rule{ID: id, Title: "title of " + id, Why: "Why it matters.", Fix: "Mend it.", Since: "0.1.0", Severity: s, Category: c, Frameworks: []string{"CIS-1.12:5.2.2"}}
	}
	return []*lint.Rule{
		rule("privileged-container", lint.Critical, lint.PodSecurity),
		rule("plaintext-secret", lint.High, lint.Secrets),
		rule("no-probe", lint.Low, lint.Reliability),
		rule("parse-error", lint.High, lint.Problems),
		rule("not-fetched", lint.Info, lint.Problems),
	}
}

func findings() []lint.Finding {
	f := func(rule string, s lint.Severity, message string, line, column, end int, units ...string) lint.Finding {
		return lint.Finding{
			Rule: rule, Severity: s, Message: message, Units: units, Path: "spec.x", Fix: "Mend it, or set it to false.",
			Object:      lint.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "web"},
			Origin:      manifest.Origin{Span: manifest.Span{File: "apps/a b.yaml", Line: line, Column: column, EndLine: line, EndColumn: end}, Exact: true},
			Fingerprint: fmt.Sprintf("%s-%d", rule, line),
		}
	}
	list := []lint.Finding{
		f("privileged-container", lint.Critical, `container "web" is privileged`, 4, 23, 27, "apps/web/overlays/prod", "apps/web/overlays/stage"),
		f("no-probe", lint.Low, "tabbed", 5, 10, 14, "clusters/a/apps", "clusters/b/apps", "other"),
		f("plaintext-secret", lint.High, `key "password" is in plain text`, 6, 11, 18),
		f("no-probe", lint.Low, "at the line of a secret", 6, 1, 9),
		f("no-probe", lint.Medium, strings.Repeat("a long message ", 8), 7, 101, 107),
		f("plaintext-secret", lint.High, "in a flow mapping", 8, 33, 40),
		f("plaintext-secret", lint.High, "in a block", 9, 1, 12),
		f("parse-error", lint.High, "did not \x1b[31mfind [x](http://evil)", 1, 0, 0),
		f("not-fetched", lint.Info, "chart redis is not in the cache", 0, 0, 0, "apps/redis"),
		f("no-probe", lint.High, "ignored", 3, 1, 5),
	}
	for _, name := range []string{"web", "api", "jobs"} {
		list[0].Sights = append(list[0].Sights, lint.Sight{Object: lint.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: name}, Path: "spec.x", Units: list[0].Units})
	}
	list[4].Origin.Missing, list[4].Origin.Key, list[4].Fix = "securityContext.seccompProfile", "web.podSecurity", "Set seccompProfile.type to RuntimeDefault."
	list[4].Origin.Via = []manifest.Step{
		{Span: manifest.Span{File: "charts/web/templates/deployment.yaml", Line: 12, Column: 7}, What: "template"},
		{Span: manifest.Span{File: "charts/web/templates/deployment.yaml", Line: 12, Column: 7}, What: "template"},
		{Span: manifest.Span{File: "charts/web/templates/_helpers.tpl", Line: 3}, What: "include web.pod"},
		{Span: manifest.Span{File: "clusters/a/web.yaml", Line: 3}, What: "HelmRelease shop/web"}, {What: "cluster a"},
	}
	list[1].Origin.Exact = false
	list[1].Origin.Via = []manifest.Step{{Span: manifest.Span{File: "clusters/a/web.yaml", Line: 3}, What: "HelmRelease shop/web"}, {What: "Kustomization flux-system/apps"}}
	list[7].Object, list[8].Object = lint.Ref{}, lint.Ref{}
	list[9].Suppressed = &lint.Suppression{Kind: "comment", Reason: "known", Place: manifest.Span{File: "apps/a b.yaml", Line: 2, Column: 1}}
	return list
}

func report(list []lint.Finding, base string) *Report {
	units := []Unit{
		{ID: "apps/web/overlays/prod", Kind: "kustomize", Path: "apps/web/overlays/prod", Status: Rendered, Objects: 1200},
		{ID: "apps/web/overlays/stage", Kind: "kustomize", Path: "apps/web/overlays/stage", Status: Partial, Reason: "a patch failed", Objects: 4},
		{ID: "apps/redis (db/redis in clusters/prod)", Kind: "HelmRelease", Path: "apps/redis", Name: "db/redis", Cluster: "clusters/prod", Status: NotRendered, Reason: "not fetched"},
		{ID: "apps/mq (db/mq)", Kind: "HelmRelease", Path: "apps/mq", Name: "db/mq", Status: NotRendered, Reason: "not fetched"},
	}
	return &Report{
		Findings: list, Rules: rules(), Units: units, Version: "0.1.0",
		Summary: Summarize(list, units, 1204, 1900*time.Millisecond, base),
		Source: func(file string) []byte {
			if file == "apps/a b.yaml" {
				return []byte(source)
			}
			return nil
		},
	}
}

func compared() *Report {
	list := findings()
	for i := range list {
		list[i].State = lint.Unchanged
	}
	list[0].State = lint.New
	gone := list[1]
	gone.State = lint.Fixed
	return report(append(list, gone), "main@1a2b3c4")
}

func write(t testing.TB, format string, r *Report, o Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, format, r, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGolden(t *testing.T) {
	for name, c := range map[string]struct {
		r *Report
		o Options
	}{
		"plain":    {r: report(findings(), "")},
		"compared": {r: compared()},
		"color":    {r: report(findings()[:1], ""), o: Options{Color: true, Width: 60}},
		"nothing":  {r: report(nil, "")},
	} {
		for _, format := range Formats() {
			t.Run(name+"."+format, func(t *testing.T) {
				got := write(t, format, c.r, c.o)
				if bytes.Contains(got, []byte("hunter2")) {
					t.Error("a secret value is shown")
				}
				path := filepath.Join("testdata", name+"."+format)
				if *update {
					if err := os.WriteFile(path, got, 0o666); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want) {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
			})
		}
	}
}

func sarifSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile("testdata/sarif-schema-2.1.0.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestSARIFSchema(t *testing.T) {
	schema := sarifSchema(t)
	many := make([]lint.Finding, maxResults+3)
	for i := range many {
		many[i] = lint.Finding{Rule: "unknown-rule", Severity: lint.Low, Message: "m"}
	}
	many[maxResults+2].Severity = lint.Critical
	for name, r := range map[string]*Report{"plain": report(findings(), ""), "compared": compared(), "empty": {}, "many": report(many, "")} {
		out := write(t, "sarif", r, Options{})
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(out))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if name == "many" {
			var log sarifLog
			if err := json.Unmarshal(out, &log); err != nil {
				t.Fatal(err)
			}
			run := log.Runs[0]
			if len(run.Results) != maxResults || run.Results[maxResults-1].Level != "error" {
				t.Errorf("%d results kept, the last of level %s", len(run.Results), run.Results[len(run.Results)-1].Level)
			}
			if n := run.Invocations[0].Notifications; len(n) != 1 || !strings.HasPrefix(n[0].Message.Text, "3 of 5,003 findings left out") {
				t.Errorf("notifications: %v", n)
			}
		}
	}
}

func TestMask(t *testing.T) {
	for _, c := range []struct {
		line   string
		column int
		exact  bool
		want   string
	}{
		{"password: hunter2", 11, true, "password: ***"},
		{"  - \"password\": hunter2", 17, true, "  - \"password\": ***"},
		{"data: {user: hunter2, password: x}", 33, true, "data: ***"},
		{`{"data":{"a":"hunter2"}}`, 14, true, "***"},
		{"  aHVudGVyMg==", 3, true, "  ***"},
		{"  aHVudGVyMg==", 9, false, "  ***"},
		{"password: hunter2", 0, false, "***"},
		{"password: hunter2", 1, true, "***"},
		{"http://user:hunter2@host", 5, true, "***"},
		{"", 5, true, "***"},
	} {
		got, start, end := mask(c.line, c.column, c.exact)
		if got != c.want || string([]rune(got)[start-1:end-1]) != "***" {
			t.Errorf("mask(%q, %d) = %q, %d, %d; want %q", c.line, c.column, got, start, end, c.want)
		}
	}
}

func TestFoldUnits(t *testing.T) {
	for _, c := range []struct {
		units string
		want  string
	}{
		{"", ""},
		{".", "."},
		{"apps/web", "apps/web"},
		{"apps/web/overlays/prod apps/web/overlays/stage", "prod, stage: apps/web/overlays/{prod,stage}"},
		{"c/a/x c/a/y c/b/x c/b/y", "c/{a,b}/{x,y}"},
		{"c/a/apps c/b/apps other", "c/{a,b}/apps, other"},
		{"a/1 b/1/2 c/1/2/3 d/1/2/3/4 e/1/2/3/4/5 f/1/2/3/4/5/6 g", "a/1, b/1/2, c/1/2/3, d/1/2/3/4, e/1/2/3/4/5 and 2 more"},
	} {
		if got := foldUnits(strings.Fields(c.units)); got != c.want {
			t.Errorf("foldUnits(%s) = %q, want %q", c.units, got, c.want)
		}
	}
}

func TestSummaryLine(t *testing.T) {
	for _, c := range []struct {
		s    Summary
		want string
	}{
		{
			Summary{Units: 48, Objects: 1204, Elapsed: 1900 * time.Millisecond, Findings: Counts{lint.Critical: 1, lint.High: 3}, Suppressed: 2, NotRendered: 1, NotRenderedKinds: []KindCount{{"chart", 1}}},
			"48 units, 1,204 objects, 1.9 s: 1 critical, 3 high (2 suppressed). 1 unit not rendered: scantling units",
		},
		{
			Summary{Units: 1, Objects: 1, NotRendered: 69, NotRenderedKinds: []KindCount{{"HelmRelease", 69}}},
			"1 unit, 1 object: no findings. 69 units not rendered (69 HelmRelease): scantling units",
		},
		{Summary{}, "0 units: no findings"},
		{Summary{Units: 2, Base: "main", Unchanged: 3, Findings: Counts{lint.High: 3}}, "2 units, against main: no new findings (3 unchanged)"},
	} {
		if got := summaryLine(&c.s); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

func TestUnknownFormat(t *testing.T) {
	if err := Write(&bytes.Buffer{}, "xml", &Report{}, Options{}); err == nil {
		t.Error("no error")
	}
}

// hostileReport is a report in which all that may come from a repository is the
// given text.
func hostileReport(message, file, name, source string, line, column, end int) *Report {
	finding := lint.Finding{
		Rule: "no-probe", Severity: lint.High, Message: message, Fix: message, Path: name, Units: []string{file, name + "/x"},
		Object: lint.Ref{APIVersion: file, Kind: name, Namespace: file, Name: message}, Fingerprint: "f",
		Origin: manifest.Origin{Span: manifest.Span{File: file, Line: line, Column: column, EndLine: line, EndColumn: end}, Missing: name, Key: message, Via: []manifest.Step{{Span: manifest.Span{File: name, Line: end}, What: message}}},
		Sights: []lint.Sight{{Object: lint.Ref{Kind: message, Name: name}, Path: message, Units: []string{file}}, {Object: lint.Ref{Kind: name}, Units: []string{file}}},
	}
	problem, secret, fixed, ignored, unknown := finding, finding, finding, finding, finding
	problem.Rule, problem.Object = "parse-error", lint.Ref{}
	secret.Rule, fixed.State, unknown.Rule = "plaintext-secret", lint.Fixed, "unknown-rule"
	ignored.Suppressed = &lint.Suppression{Kind: "comment", Reason: message, Place: finding.Origin.Span}
	list := []lint.Finding{finding, problem, secret, fixed, ignored, unknown}
	units := []Unit{{Kind: name, Path: file, Name: name, Reason: message}, {Kind: message}}
	return &Report{
		Findings: list, Rules: rules(), Units: units, Summary: Summarize(list, units, 1, 0, name),
		Source: func(string) []byte { return []byte(source) },
	}
}

// TestHostile writes one hostile report in all formats.
func TestHostile(t *testing.T) {
	schema := sarifSchema(t)
	for name, text := range hostile() {
		t.Run(name, func(t *testing.T) {
			// Behind the first 400 characters a text must still be cut.
			for _, text := range []string{text, strings.Repeat("x", 395) + text, strings.Repeat(" ", 395) + text} {
				r := hostileReport(text, text, text, text+"\n"+text, 1, 2, 5)
				checkText(t, write(t, "text", r, Options{}))
				checkText(t, write(t, "text", r, Options{Color: true}))
				out := write(t, "sarif", r, Options{})
				v, err := jsonschema.UnmarshalJSON(bytes.NewReader(out))
				if err != nil {
					t.Fatal(err)
				}
				if err := schema.Validate(v); err != nil {
					t.Error(err)
				}
				checkSARIF(t, out)
				checkJSON(t, write(t, "json", r, Options{}), r)
			}
		})
	}
}

// ownColors are the escape sequences that the text report uses itself.
var ownColors = strings.NewReplacer("\x1b[0m", "", "\x1b[1m", "", "\x1b[2m", "", "\x1b[31m", "", "\x1b[32m", "", "\x1b[33m", "", "\x1b[36m", "", "\x1b[1;31m", "", "\x1b[1;33m", "", "\x1b[1;36m", "")

// checkText wants a text report that is harmless, and short in each line.
func checkText(t *testing.T, out []byte) {
	t.Helper()
	text := ownColors.Replace(string(out))
	for _, l := range strings.Split(text, "\n") {
		allowed := ""
		if strings.Contains(l, " | ") {
			// A line of a file, and what stands below it, keeps its tabs.
			allowed = "\t"
		}
		harmless(t, l, allowed)
		// Beside what is the repository's, a line has words of our own.
		if n := utf8.RuneCountInString(l); n > maxLine+200 {
			t.Errorf("a line of %d characters: %.200q", n, l)
		}
	}
}

// checkJSON wants a harmless report that keeps what identifies a finding.
func checkJSON(t *testing.T, out []byte, r *Report) {
	t.Helper()
	harmless(t, string(out), "")
	var got jsonReport
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Findings) != len(r.Findings) {
		t.Fatalf("%d findings, want %d", len(got.Findings), len(r.Findings))
	}
	for i, f := range got.Findings {
		want := &r.Findings[i]
		for _, text := range []string{f.Message, f.Fix, got.Units[0].Reason} {
			harmless(t, text, "")
			if len(text) > maxMessage {
				t.Errorf("a message of %d bytes", len(text))
			}
		}
		if file := want.Origin.File; len(file) <= maxPath && utf8.ValidString(file) && f.File != file {
			t.Errorf("file %q, want %q", f.File, file)
		}
		if path := want.Path; len(path) <= maxMessage && utf8.ValidString(path) && f.Path != path {
			t.Errorf("path %q, want %q", f.Path, path)
		}
	}
}

// checkSARIF wants a harmless report whose messages hold no links.
func checkSARIF(t *testing.T, out []byte) {
	t.Helper()
	harmless(t, string(out), "")
	if bytes.Contains(out, []byte("<")) {
		t.Error("a tag of HTML")
	}
	var log sarifLog
	if err := json.Unmarshal(out, &log); err != nil {
		t.Fatal(err)
	}
	for _, r := range log.Runs[0].Results {
		text := r.Message.Text
		harmless(t, text, "")
		if strings.Contains(text, "](") || len(text) > 3*maxMessage {
			t.Errorf("message of %d bytes: %q", len(text), text)
		}
		for _, l := range append(r.Locations, r.Related...) {
			if l.Physical == nil {
				continue
			}
			uri, err := url.Parse(l.Physical.Artifact.URI)
			if err != nil || uri.IsAbs() || uri.Host != "" || strings.HasPrefix(uri.Path, "/") {
				t.Errorf("location %q: %v", l.Physical.Artifact.URI, err)
			}
		}
	}
}

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		"plain été 日本語 ✔️ \\x":   "plain été 日本語 ✔️ \\x",
		"a\x1b[1mb":              `a\x1b[1mb`,
		"a\tb\r\nc":              `a\tb\r\nc`,
		"\u202eabc\u2066":        `\u202eabc\u2066`,
		"a\u00a0b\u00adc\u3164d": `a\u00a0b\u00adc\u3164d`,
		"\U000e0041":             `\U000e0041`,
		"\xff\xed\xa0\x80":       `\xff\xed\xa0\x80`,
		"a\ufffdb":               "a\ufffdb",
		"::error::x":             `\x3a:error::x`,
		"  ::error::x":           `  \x3a:error::x`,
		"a ::error::x":           "a ::error::x",
		"##[error]x":             `\x23#[error]x`,
		"x###[a]":                `x#\x23#[a]`,
		"##vso[task]":            `\x23#vso[task]`,
		"## heading":             "## heading",
		"a<b>&[c](d)":            "a<b>&[c](d)",
	} {
		got := Escape(in)
		if got != want {
			t.Errorf("Escape(%q) = %q, want %q", in, got, want)
		}
		if Escape(got) != got {
			t.Errorf("Escape(%q) is escaped again", got)
		}
	}
}

func TestShorten(t *testing.T) {
	for _, c := range []struct {
		s              string
		n              int
		text, path, ok string
	}{
		{"abc", 3, "abc", "abc", "abc"},
		{"日本語", 3, "日本語", "日本語", "…"},
		{"abcdefghij", 7, "abcdef…", "ab…ghij", "abcd…"},
		{"日本語日本語日本語日", 7, "日本語日本語…", "日本…本語日"[:6] + "…" + "語日本語日"[3:], "日…"},
	} {
		if got := shorten(c.s, c.n); got != c.text {
			t.Errorf("shorten(%q, %d) = %q, want %q", c.s, c.n, got, c.text)
		}
		if got := shortenPath(c.s, c.n); utf8.RuneCountInString(got) > c.n || len(c.s) == 10 && got != c.path {
			t.Errorf("shortenPath(%q, %d) = %q, want %q", c.s, c.n, got, c.path)
		}
		if got := clip(c.s, c.n); got != c.ok || len(got) > c.n {
			t.Errorf("clip(%q, %d) = %q, want %q", c.s, c.n, got, c.ok)
		}
	}
}

// TestMany: a report ends, keeps the worst, and says what it left out.
func TestMany(t *testing.T) {
	many := make([]lint.Finding, maxFindings+1234)
	for i := range many {
		many[i] = lint.Finding{Rule: "no-probe", Severity: lint.Low, Message: "m", Origin: manifest.Origin{Span: manifest.Span{File: "a.yaml", Line: i + 1}}}
	}
	many[len(many)-1].Severity = lint.Critical
	r := report(many, "")
	text := string(write(t, "text", r, Options{}))
	if n := strings.Count(text, "  --> "); n != maxFindings || !strings.HasPrefix(text[strings.LastIndex(text, "critical  m"):], "critical  m") {
		t.Errorf("%d findings shown", n)
	}
	if !strings.Contains(text, "\nand 1,234 more\n") || !strings.Contains(text, "1 critical, 21,233 low") {
		t.Errorf("the end is %q", text[len(text)-200:])
	}
	var got jsonReport
	if err := json.Unmarshal(write(t, "json", r, Options{}), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Findings) != maxFindings || got.Summary.Truncated != 1234 || got.Summary.Findings.Low != len(many)-1 || got.Findings[maxFindings-1].Severity != "critical" {
		t.Errorf("%d findings, summary %+v", len(got.Findings), got.Summary)
	}
	// Those that the text report does not list take no room in it.
	for i := range many[:5000] {
		many[i].Suppressed = &lint.Suppression{Kind: "comment"}
	}
	if text := string(write(t, "text", report(many, ""), Options{})); strings.Contains(text, "more\n") {
		t.Errorf("the end is %q", text[len(text)-200:])
	}
}

func addHostile(f *testing.F) {
	f.Add("m\x1b[31m", "a\n::error::x", "  \x9b31m: ::x\n::y", "name", 1, 3, 9)
	f.Add("##[error]x", "::a", "##vso[task]\r\n\u202e\u0085", "\xff", 2, 1, -4)
	f.Add("x", "p", strings.Repeat("日\t", 500), "n", 1, 700, 705)
	for _, text := range hostile() {
		if len(text) < 1000 {
			f.Add(text, text, text, text, 1, 1, 4)
		}
	}
}

// FuzzText: the text report of whatever is found is harmless.
func FuzzText(f *testing.F) {
	addHostile(f)
	f.Fuzz(func(t *testing.T, message, file, source, name string, line, column, end int) {
		r := hostileReport(message, file, name, source, line, column, end)
		checkText(t, write(t, "text", r, Options{}))
		checkText(t, write(t, "text", r, Options{Color: true}))
		checkJSON(t, write(t, "json", r, Options{}), r)
	})
}

// FuzzSARIF: the SARIF report of whatever is found is harmless, and valid.
func FuzzSARIF(f *testing.F) {
	schema := sarifSchema(f)
	addHostile(f)
	f.Fuzz(func(t *testing.T, message, file, source, name string, line, column, end int) {
		out := write(t, "sarif", hostileReport(message, file, name, source, line, column, end), Options{})
		checkSARIF(t, out)
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(out))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Error(err)
		}
	})
}

// harmless wants valid UTF-8 without a character that drives a terminal, except
// line breaks and those in allowed, and no line that speaks to a CI runner.
func harmless(t testing.TB, out, allowed string) {
	t.Helper()
	if !utf8.ValidString(out) {
		t.Errorf("not valid UTF-8: %q", out)
	}
	for _, l := range strings.Split(out, "\n") {
		if strings.HasPrefix(strings.TrimSpace(l), "::") || strings.Contains(l, "##[") || strings.Contains(l, "##vso[") {
			t.Errorf("a command for the runner: %q", l)
		}
		for _, c := range l {
			if !unicode.IsPrint(c) && !strings.ContainsRune(allowed, c) {
				t.Errorf("%q in %q", c, l)
			}
		}
	}
}

func TestReachedClusters(t *testing.T) {
	units := []Unit{
		{ID: "a", Kind: "HelmRelease", Path: "apps/web.yaml", Name: "shop/web", Cluster: "clusters/prod"},
		{ID: "b", Kind: "HelmRelease", Path: "apps/web.yaml", Name: "shop/web", Cluster: "clusters/stage"},
		{ID: "c", Kind: "kustomize", Path: "lone"},
	}
	r := &Report{Units: units, Findings: []lint.Finding{{Rule: "x", Message: "m", Origin: manifest.Origin{Span: manifest.Span{File: "f", Line: 1}}, Units: []string{"a", "b", "c"}}}}
	var b strings.Builder
	if err := Write(&b, "text", r, Options{}); err != nil {
		t.Fatal(err)
	}
	if want := "reaches HelmRelease shop/web in prod, stage: clusters/{prod,stage}, c\n"; !strings.Contains(b.String(), want) {
		t.Errorf("got\n%swithout %q", b.String(), want)
	}
}

// TestManyFixed: what is fixed is listed, but not without end.
func TestManyFixed(t *testing.T) {
	var list []lint.Finding
	for i := range maxFixed + 5 {
		f := findings()[0]
		f.State, f.Origin.Line = lint.Fixed, i+1
		list = append(list, f)
	}
	text := string(write(t, "text", report(list, "main@1a2b3c4"), Options{}))
	if n := strings.Count(text, "\nfixed  ") + strings.Count(text[:5], "fixed"); n != maxFixed {
		t.Errorf("%d are listed, not %d:\n%s", n, maxFixed, text)
	}
	if want := "\nand 5 more fixed: --report json lists them\n\n"; !strings.Contains(text, want) || !strings.Contains(text, "25 fixed") {
		t.Errorf("%q or the number is missing in\n%s", want, text)
	}
	if n := strings.Count(string(write(t, "json", report(list, "main@1a2b3c4"), Options{})), `"state": "fixed"`); n != len(list) {
		t.Errorf("JSON lists %d", n)
	}
	if n := strings.Count(string(write(t, "sarif", report(list, "main@1a2b3c4"), Options{})), `"baselineState": "absent"`); n != len(list) {
		t.Errorf("SARIF lists %d", n)
	}
}
