package config

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/scantling-dev/scantling/internal/limits"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

func testRules() []*lint.Rule {
	rule := func(id string, options ...lint.Option) *lint.Rule {
		return &lint.Rule{ID: id, Severity: lint.High, Options: options}
	}
	optional := rule("service-account-token-mounted")
	optional.Profile = lint.All
	return []*lint.Rule{
		rule("privileged-container"), rule("image-tag-mutable"), rule("host-path"), optional, rule("internal"),
		rule("sensitive-host-mount", lint.Option{Name: "paths"}), rule("capability-beyond-baseline", lint.Option{Name: "allow"}),
		rule("seccomp-profile-missing"), rule("read-only-root-filesystem"),
		rule("image-registry", lint.Option{Name: "registries", Valid: func(s string) error {
			if strings.Contains(s, "://") {
				return fmt.Errorf("%q has a scheme: leave it out", s)
			}
			return nil
		}}),
	}
}

func TestParse(t *testing.T) {
	c, err := Parse([]byte(`
version: 1
fail-on: medium
exclude: [ "vendor/**" ]
rules:
  privileged-container: off
  image-tag-mutable: critical
  host-path: {severity: low}
  service-account-token-mounted: on
  image-registry:
    enabled: false
    options: {registries: ghcr.io}
kubernetes:
  version: 1.30
  api-versions: [example.com/v1/Widget]
  paths: [{match: [clusters/old, prod], version: "1.28", api-versions: [a/v1]}]
gitops:
  repository: https://git.example.org/team/fleet
  clusters: [{name: prod, server: https://prod.example.org, labels: {env: prod}, annotations: {a: b}, project: x}]
  substitutions: {DOMAIN: example.org}
helm: {values: ["env/*.yaml"]}
limits: {depth: 300, file-size: 20MiB, render-timeout: 8s}
`), testRules())
	if err != nil {
		t.Fatal(err)
	}
	if *c.FailOn != lint.Medium || c.KubeVersion != "1.30" || !slices.Equal(c.Exclude, []string{"vendor/**"}) ||
		!slices.Equal(c.APIVersions, []string{"example.com/v1/Widget"}) || !slices.Equal(c.Helm.Values, []string{"env/*.yaml"}) {
		t.Errorf("read %+v", c)
	}
	if want := []Capability{{Match: []string{"clusters/old", "prod"}, KubeVersion: "1.28", APIVersions: []string{"a/v1"}}}; !reflect.DeepEqual(c.Capabilities, want) {
		t.Errorf("read the capabilities %+v", c.Capabilities)
	}
	if want := (GitOps{
		Repository:    []string{"https://git.example.org/team/fleet"},
		Clusters:      []Cluster{{"prod", "https://prod.example.org", "x", map[string]string{"env": "prod"}, map[string]string{"a": "b"}}},
		Substitutions: map[string]string{"DOMAIN": "example.org"},
	}); !reflect.DeepEqual(c.GitOps, want) {
		t.Errorf("read gitops as %+v", c.GitOps)
	}
	want := limits.Default()
	want.YAML.Depth, want.YAML.FileSize, want.RenderTimeout = 300, 20<<20, 8*time.Second
	if c.Limits != want {
		t.Errorf("the limits read as %+v", c.Limits)
	}
	if s := c.Rules["privileged-container"]; *s.Enabled {
		t.Error("off leaves the rule on")
	}
	if s := c.Rules["image-tag-mutable"]; !*s.Enabled || *s.Severity != lint.Critical {
		t.Errorf("critical reads as %+v", s)
	}
	if s := c.Rules["host-path"]; !*s.Enabled || *s.Severity != lint.Low {
		t.Errorf("severity: low reads as %+v", s)
	}
	if s := c.Rules["service-account-token-mounted"]; !*s.Enabled || s.Severity != nil {
		t.Errorf("on reads as %+v", s)
	}
	if s := c.Rules["image-registry"]; *s.Enabled || !slices.Equal(s.Options["registries"], []string{"ghcr.io"}) {
		t.Errorf("the mapping reads as %+v", s)
	}
}

func TestSelection(t *testing.T) {
	c, err := Parse([]byte(`
extends: [strict, pss-restricted]
ignore:
  - rules: host-path
    kinds: [DaemonSet]
    namespaces: [kube-*]
    names: [agent]
    containers: agent
    paths: [infra/**]
    charts: [cilium]
    reason: it mounts the node's sockets
    until: 2027-01-31
  - rules: ["image-*"]
`), testRules())
	if err != nil {
		t.Fatal(err)
	}
	if want := []lint.Profile{lint.Strict, lint.PSSRestricted}; !slices.Equal(c.Profiles, want) {
		t.Errorf("extends reads as %v", c.Profiles)
	}
	want := []lint.Ignore{
		{
			Rules: []string{"host-path"}, Kinds: []string{"DaemonSet"}, Namespaces: []string{"kube-*"}, Names: []string{"agent"},
			Containers: []string{"agent"}, Paths: []string{"infra/**"}, Charts: []string{"cilium"}, Reason: "it mounts the node's sockets",
			Until: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC), Place: manifest.Span{File: File, Line: 4, Column: 5, EndLine: 4, EndColumn: 5},
		},
		{Rules: []string{"image-*"}, Place: manifest.Span{File: File, Line: 13, Column: 5, EndLine: 13, EndColumn: 5}},
	}
	if !reflect.DeepEqual(c.Ignore, want) {
		t.Errorf("ignore reads as %+v\nwant %+v", c.Ignore, want)
	}
}

// TestAllowed: what may stand in clear is an entry about every rule on secrets.
func TestAllowed(t *testing.T) {
	c, err := Parse([]byte(`
ignore: [{rules: image-registry, reason: one}]
secrets:
  allow:
    - keys: [PUBLIC_*, anon-key]
      values: pk_test_*
      paths: [web/**]
      reason: it is public
      until: 2027-01-31
`), append(testRules(), &lint.Rule{ID: "z-secret", Category: lint.Secrets}, &lint.Rule{ID: "a-secret", Category: lint.Secrets}))
	if err != nil {
		t.Fatal(err)
	}
	want := lint.Ignore{
		Allow: true, Rules: []string{"a-secret", "z-secret"}, Keys: []string{"PUBLIC_*", "anon-key"}, Values: []string{"pk_test_*"}, Paths: []string{"web/**"},
		Reason: "it is public", Until: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC), Place: manifest.Span{File: File, Line: 5, Column: 7, EndLine: 5, EndColumn: 7},
	}
	if len(c.Ignore) != 2 || !reflect.DeepEqual(c.Ignore[1], want) {
		t.Errorf("allow reads as %+v\nwant %+v", c.Ignore, want)
	}
}

func TestDefault(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "rules:\n", "exclude:\nhelm:\n  values:\n"} {
		c, err := Parse([]byte(text), nil)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if *c.FailOn != lint.High || len(c.Helm.Values) != 6 || len(c.Exclude) != 0 || c.Limits != limits.Default() {
			t.Errorf("%q reads as %+v", text, c)
		}
	}
	if c, err := Parse([]byte("fail-on: none"), nil); err != nil || c.FailOn != nil {
		t.Errorf("fail-on: none reads as %v, %v", c, err)
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"key", "fail_on: high", `.scantling.yaml:1:1: unknown key "fail_on": did you mean "fail-on"?`},
		{"far key", "colour: red", `.scantling.yaml:1:1: unknown key "colour": it is one of exclude, extends, fail-on, gitops, helm, ignore, kubernetes, limits, rules, secrets, version`},
		{"rule", "rules:\n  priviliged-container: off", `.scantling.yaml:2:3: unknown rule "priviliged-container": did you mean "privileged-container"?`},
		{"limit", "limits:\n  dept: 3", `.scantling.yaml:2:3: unknown limit "dept": did you mean "depth"?`},
		{"limit value", "limits: {file-size: 3MB}", `.scantling.yaml:1:21: limit file-size: "3MB" is no size: write bytes,`},
		{"limit type", "limits:\n  depth: [3]", `.scantling.yaml:2:10: limits.depth must be a number, a size such as 10MiB, or a duration such as 4s`},
		{"limit null", "limits:\n  depth:", `limits.depth must be a number`},
		{"limit beyond", "limits:\n  file-size: 65MiB", `.scantling.yaml:2:14: limit file-size: the file can't set more than 64MiB: only the command line goes further, with --limit file-size=65MiB`},
		{"limits type", "limits: 3", `.scantling.yaml:1:9: limits must be a mapping`},
		{"severity", "rules:\n  host-path: hihg", `.scantling.yaml:2:14: unknown severity "hihg": did you mean "high"?`},
		{"nested severity", "rules:\n  host-path: {severity: off}", `.scantling.yaml:2:25: unknown severity "off": it is one of info, low, medium, high, critical`},
		{"rule type", "rules:\n  host-path: [off]", `.scantling.yaml:2:14: rules.host-path must be on, off, a severity, or a mapping of enabled, severity and options`},
		{"rule null", "rules:\n  host-path:", `must be on, off`},
		{"rule key", "rules:\n  host-path: {enable: true}", `.scantling.yaml:2:15: unknown key of rules.host-path "enable": did you mean "enabled"?`},
		{"enabled", "rules:\n  host-path: {enabled: 3}", `rules.host-path.enabled must be true or false`},
		{"option", "rules:\n  image-registry: {options: {registry: x}}", `.scantling.yaml:2:30: unknown option of rule image-registry "registry": did you mean "registries"?`},
		{"no options", "rules:\n  host-path: {options: {a: b}}", `unknown option of rule host-path "a": there are none`},
		{"option value", "rules:\n  image-registry: {options: {registries: ['https://x']}}", `rules.image-registry.options.registries: "https://x" has a scheme: leave it out`},
		{"internal", "rules:\n  internal: off", `rule internal can't be turned off`},
		{"version", "version: 2", `.scantling.yaml:1:10: version must be 1`},
		{"fail-on", "fail-on: hi", `unknown severity "hi"`},
		{"fail-on type", "fail-on: [high]", `.scantling.yaml:1:10: fail-on must be one of info, low, medium, high, critical, none`},
		{"exclude type", "exclude: vendor", `.scantling.yaml:1:10: exclude must be a list`},
		{"exclude item", "exclude: [{a: b}]", `exclude: an item must be a text`},
		{"exclude pattern", "exclude: ['a[']", `"a[" is not a valid pattern`},
		{"exclude root", "exclude: [/vendor]", `"/vendor" never matches`},
		{"kubernetes", "kubernetes: {version: latest}", `.scantling.yaml:1:23: kubernetes.version must be a version`},
		{"duplicate", "fail-on: high\nfail-on: low", `.scantling.yaml:2:1: "fail-on" is set twice, first in line 1: remove one`},
		{"duplicate rule", "rules:\n  host-path: off\n  host-path: on", `.scantling.yaml:3:3: "host-path" is set twice`},
		{"list", "- a", `.scantling.yaml:1:1: the configuration must be a mapping`},
		{"documents", "version: 1\n---\nversion: 1", `.scantling.yaml:3:1: the configuration is one document`},
		{"cluster name", "gitops: {clusters: [{server: x}]}", `.scantling.yaml:1:21: gitops.clusters: a cluster needs a name`},
		{"cluster key", "gitops: {clusters: [{name: x, lables: {}}]}", `unknown key of a cluster "lables": did you mean "labels"?`},
		{"substitution", "gitops:\n  substitutions:\n    A: [b]", `.scantling.yaml:3:8: gitops.substitutions.A must be a text`},
		{"path match", "kubernetes: {paths: [{version: '1.30'}]}", `kubernetes.paths: an item needs match`},
		{"profile", "extends: strikt", `.scantling.yaml:1:10: extends: unknown profile "strikt": did you mean "strict"?`},
		{"ignore", "ignore: {rules: [host-path]}", `.scantling.yaml:1:9: ignore must be a list`},
		{"ignored rules", "ignore: [{reason: x}]", `.scantling.yaml:1:10: an entry of ignore needs rules`},
		{"ignore key", "ignore: [{rules: [a], namespace: x}]", `unknown key of ignore "namespace": did you mean "namespaces"?`},
		{"ignore until", "ignore: [{rules: [a], until: soon}]", `.scantling.yaml:1:30: ignore.until must be a date such as 2027-01-31`},
		{"ignore pattern", "ignore: [{rules: ['a[']}]", `ignore.rules: "a[" is not a valid pattern: a bracket is not closed`},
		{"ignore path", "ignore: [{rules: [a], paths: [/x]}]", `ignore.paths: "/x" never matches`},
		{"ignore reason", "ignore: [{rules: [a], reason: [x]}]", `ignore.reason must be a text`},
		{"allow", "secrets: {allow: x}", `.scantling.yaml:1:18: secrets.allow must be a list`},
		{"allow nothing", "secrets: {allow: [{reason: x}]}", `.scantling.yaml:1:19: an entry of secrets.allow needs keys, values or paths`},
		{"allow a rule", "secrets: {allow: [{rules: [a], keys: b}]}", `unknown key of secrets.allow "rules"`},
		{"allow until", "secrets: {allow: [{keys: a, until: soon}]}", `secrets.allow.until must be a date such as 2027-01-31`},
		{"allow path", "secrets: {allow: [{paths: [/x]}]}", `secrets.allow.paths: "/x" never matches`},
		{"allow all values", "secrets: {allow: [{values: ['*a*']}]}", `secrets.allow.values: this fits nearly every value: write at least four characters of it`},
		{"allow pattern", "secrets: {allow: [{values: ['hunter[']}]}", `secrets.allow.values: this is not a valid pattern: a bracket is not closed`},
		{"secrets key", "secrets: {allowed: []}", `unknown key of secrets "allowed": did you mean "allow"?`},
		{"many ignores", "ignore: [" + strings.Repeat("{rules: [a]}, ", 501) + "]", `ignore has 501 entries: at most 500 are read`},
		{"syntax", "rules: [", `.scantling.yaml:1:1: can't parse YAML`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]byte(tt.text), testRules())
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestAllErrorsByLine(t *testing.T) {
	_, err := Parse([]byte("helm: 3\nrules:\n  nope-nope-nope: off\n  host-path: x\nversion: 7\n"), testRules())
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 4 {
		t.Fatalf("got %d errors:\n%v", len(lines), err)
	}
	for i, at := range []string{":1:7:", ":3:3:", ":4:14:", ":5:10:"} {
		if !strings.Contains(lines[i], at) {
			t.Errorf("error %d is %s, want one at %s", i, lines[i], at)
		}
	}
}

// TestDocumented keeps the example of the documentation true, and complete.
func TestDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```yaml\n")
	example, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("no example")
	}
	if _, err := Parse([]byte(example), testRules()); err != nil {
		t.Errorf("the example does not parse:\n%v", err)
	}
	for _, key := range []string{"version", "fail-on", "exclude", "rules", "enabled", "severity", "options", "kubernetes", "api-versions", "helm", "values"} {
		if !strings.Contains(example, key+":") {
			t.Errorf("the example does not show %s", key)
		}
	}
}

// TestHugeConfiguration: what is wrong with a file is said in bounded words.
func TestHugeConfiguration(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("k: 1\n", 100_000),
		strings.Repeat("k", 1<<20) + ": 1\n",
		"exclude: ['" + strings.Repeat("é[", 1<<18) + "']",
	} {
		_, err := Parse([]byte(text), testRules())
		if err == nil || len(err.Error()) > 100_000 || !utf8.ValidString(err.Error()) {
			t.Errorf("%.20q gives an error of %d bytes", text, len(err.Error()))
		}
	}
}
