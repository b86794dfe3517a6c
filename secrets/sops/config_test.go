package sops

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
)

// configCases are configurations, by name, and files that are encrypted under
// them. AGE1, AGE2, AGE3 stand for recipients.
var configCases = []struct {
	name  string
	files map[string]string // the configurations, by name
	paths []string
}{
	{"first match", map[string]string{".sops.yaml": `
creation_rules:
  - path_regex: secrets/.*\.yaml$
    age: AGE1
  - path_regex: \.yaml$
    age: AGE2
  - age: AGE3
`}, []string{"secrets/a.yaml", "a/secrets/b.yaml", "c.yaml", "d.json", "secrets/e.yaml.json"}},
	{"no rule matches", map[string]string{".sops.yaml": `
creation_rules:
  - path_regex: ^secrets/
    age: AGE1
`}, []string{"secrets/a.yaml", "a/secrets/a.yaml", "b.yaml"}},
	{"nested, relative to its folder", map[string]string{".sops.yaml": `
creation_rules:
  - age: AGE1
`, "apps/.sops.yaml": `
creation_rules:
  - path_regex: ^web/
    age: AGE2
`}, []string{"apps/web/a.yaml", "apps/db/a.yaml", "other/web/a.yaml", "apps/a.yaml"}},
	{"nested without rules hides the one above", map[string]string{".sops.yaml": `
creation_rules:
  - age: AGE1
`, "apps/.sops.yaml": "stores:\n  yaml:\n    indent: 2\n"}, []string{"apps/a.yaml", "a.yaml"}},
	{"alternate name", map[string]string{".sops.yml": "creation_rules:\n  - age: AGE1\n"}, []string{"a.yaml"}},
	{"empty path_regex", map[string]string{".sops.yaml": "creation_rules:\n  - path_regex: ''\n    age: AGE1\n  - path_regex:\n    age: AGE2\n"}, []string{"a.yaml"}},
	{"comma list", map[string]string{".sops.yaml": "creation_rules:\n  - age: AGE1 ,AGE2,,AGE2,\n"}, []string{"a.yaml"}},
	{"folded comma list", map[string]string{".sops.yaml": "creation_rules:\n  - age: >-\n      AGE1,\n      AGE2\n"}, []string{"a.yaml"}},
	{"literal list without commas", map[string]string{".sops.yaml": "creation_rules:\n  - age: |\n      AGE1\n      AGE2\n"}, []string{"a.yaml"}},
	{"list", map[string]string{".sops.yaml": "creation_rules:\n  - age: [AGE1, 'AGE2,AGE3']\n"}, []string{"a.yaml"}},
	{"list with an empty item", map[string]string{".sops.yaml": "creation_rules:\n  - age: [AGE1, '']\n"}, []string{"a.yaml"}},
	{"list with a comma at the end", map[string]string{".sops.yaml": "creation_rules:\n  - age: ['AGE1,']\n"}, []string{"a.yaml"}},
	{"number for a recipient", map[string]string{".sops.yaml": "creation_rules:\n  - age: 5\n"}, []string{"a.yaml"}},
	{"mapping for a recipient", map[string]string{".sops.yaml": "creation_rules:\n  - age: {a: AGE1}\n"}, []string{"a.yaml"}},
	{"null for a recipient", map[string]string{".sops.yaml": "creation_rules:\n  - age:\n    path_regex: b\n  - age: AGE1\n"}, []string{"a.yaml"}},
	{"damaged recipient", map[string]string{".sops.yaml": "creation_rules:\n  - path_regex: b\n    age: AGE1x\n  - age: AGE1\n"}, []string{"a.yaml", "b.yaml"}},
	{"key groups", map[string]string{".sops.yaml": "creation_rules:\n  - key_groups:\n      - age: [AGE1, AGE2]\n"}, []string{"a.yaml"}},
	{"key groups before age", map[string]string{".sops.yaml": "creation_rules:\n  - age: AGE3\n    key_groups:\n      - age: [AGE1]\n"}, []string{"a.yaml"}},
	{"two key groups", map[string]string{".sops.yaml": "creation_rules:\n  - shamir_threshold: 2\n    key_groups:\n      - age: [AGE1]\n      - age: [AGE2, AGE3]\n"}, []string{"a.yaml"}},
	{"threshold above the groups", map[string]string{".sops.yaml": "creation_rules:\n  - shamir_threshold: 3\n    key_groups:\n      - age: [AGE1]\n      - age: [AGE2]\n"}, []string{"a.yaml"}},
	{"threshold without groups", map[string]string{".sops.yaml": "creation_rules:\n  - shamir_threshold: 3\n    age: AGE1\n"}, []string{"a.yaml"}},
	{"merged groups", map[string]string{".sops.yaml": "creation_rules:\n  - key_groups:\n      - merge:\n          - age: [AGE1]\n          - merge:\n              - age: [AGE2, AGE1]\n        age: [AGE3]\n"}, []string{"a.yaml"}},
	{"group with a comma list", map[string]string{".sops.yaml": "creation_rules:\n  - key_groups:\n      - age: ['AGE1, AGE2']\n"}, []string{"a.yaml"}},
	{"group with a comma at the end", map[string]string{".sops.yaml": "creation_rules:\n  - key_groups:\n      - age: ['AGE1,']\n"}, []string{"a.yaml"}},
	{"group with a text", map[string]string{".sops.yaml": "creation_rules:\n  - path_regex: b\n    key_groups:\n      - age: AGE1\n  - age: AGE1\n"}, []string{"a.yaml", "b.yaml"}},
	{"empty group", map[string]string{".sops.yaml": "creation_rules:\n  - key_groups:\n      - age: [AGE1]\n      - age: []\n"}, []string{"a.yaml"}},
	{"no group", map[string]string{".sops.yaml": "creation_rules:\n  - key_groups: []\n    age: AGE1\n"}, []string{"a.yaml"}},
	{"two selectors", map[string]string{".sops.yaml": "creation_rules:\n  - path_regex: b\n    age: AGE1\n    encrypted_regex: x\n    unencrypted_suffix: y\n  - age: AGE1\n"}, []string{"a.yaml", "b.yaml"}},
	{"lookbehind", map[string]string{".sops.yaml": "creation_rules:\n  - path_regex: c\n    age: AGE2\n  - path_regex: (?<!x)b\n    age: AGE1\n  - age: AGE1\n"}, []string{"a.yaml", "b.yaml", "c.yaml"}},
	{"broken expression below a catch-all", map[string]string{".sops.yaml": "creation_rules:\n  - age: AGE1\n  - path_regex: (\n"}, []string{"a.yaml"}},
	{"number for an expression", map[string]string{".sops.yaml": "creation_rules:\n  - path_regex: 12\n    age: AGE1\n"}, []string{"a.yaml", "b12.yaml"}},
	{"list for an expression", map[string]string{".sops.yaml": "creation_rules:\n  - age: AGE1\n  - path_regex: [b]\n    age: AGE1\n"}, []string{"a.yaml"}},
	{"text for a threshold", map[string]string{".sops.yaml": "creation_rules:\n  - age: AGE1\n  - age: AGE2\n    shamir_threshold: '1'\n"}, []string{"a.yaml"}},
	{"text for mac_only_encrypted", map[string]string{".sops.yaml": "creation_rules:\n  - age: AGE1\n    mac_only_encrypted: 'true'\n"}, []string{"a.yaml"}},
	{"yes for mac_only_encrypted", map[string]string{".sops.yaml": "creation_rules:\n  - age: AGE1\n    mac_only_encrypted: yes\n"}, []string{"a.yaml"}},
	{"key twice", map[string]string{".sops.yaml": "creation_rules:\n  - age: AGE1\n    age: AGE2\n"}, []string{"a.yaml"}},
	{"second document", map[string]string{".sops.yaml": "---\ncreation_rules:\n  - age: AGE1\n---\ncreation_rules: 5\n"}, []string{"a.yaml"}},
	{"no creation rules", map[string]string{".sops.yaml": "creation_rules: []\n"}, []string{"a.yaml"}},
	{"null creation rules", map[string]string{".sops.yaml": "creation_rules:\n"}, []string{"a.yaml"}},
	{"mapping for rules", map[string]string{".sops.yaml": "creation_rules:\n  age: AGE1\n"}, []string{"a.yaml"}},
	{"a null rule", map[string]string{".sops.yaml": "creation_rules:\n  -\n  - age: AGE1\n"}, []string{"a.yaml"}},
	{"unknown keys", map[string]string{".sops.yaml": "keys:\n  - &one AGE1\ncreation_rules:\n  - age: *one\n    description: for all\n    path-regex: b\n"}, []string{"a.yaml"}},
	{"merge key", map[string]string{".sops.yaml": "base: &base\n  age: AGE1\n  path_regex: a\ncreation_rules:\n  - <<: *base\n    path_regex: b\n  - age: AGE2\n"}, []string{"a.yaml", "b.yaml"}},
	{"no recipients", map[string]string{".sops.yaml": "creation_rules:\n  - encrypted_regex: x\n"}, []string{"a.yaml"}},
	{"JSON", map[string]string{".sops.yaml": `{"creation_rules": [{"path_regex": "\\.yaml$", "age": "AGE1"}]}`}, []string{"a.yaml", "a.json"}},
	{"no mapping", map[string]string{".sops.yaml": "- creation_rules\n"}, []string{"a.yaml"}},
	{"case", map[string]string{".sops.yaml": "creation_rules:\n  - path_regex: (?i)SECRET\n    age: AGE1\n  - path_regex: SECRET\n    age: AGE2\n"}, []string{"a-secret.yaml", "b.yaml"}},
	{"Windows separators", map[string]string{".sops.yaml": "creation_rules:\n  - path_regex: a\\\\b\n    age: AGE1\n  - path_regex: a[/\\\\]b\n    age: AGE2\n"}, []string{"a/b.yaml", "c.yaml"}},
	{"anchored at the end", map[string]string{".sops.yaml": "creation_rules:\n  - path_regex: \\.enc\\.yaml$\n    age: AGE1\n"}, []string{"x.enc.yaml", "x.enc.yaml.json"}},
	{"damaged keys of services", map[string]string{".sops.yaml": `
creation_rules:
  - path_regex: a
    hc_vault_transit_uri: vault:8200/v1/sops/keys/one
  - path_regex: b
    azure_keyvault: https://corp.vault.azure.net/key/one
  - path_regex: c
    hckms: [one]
  - path_regex: d
    hc_vault_transit_uri: https://vault/prefix/v1/sops/keys/one
  - path_regex: e
    key_groups:
      - hc_vault: [https://vault]
        age: [AGE1]
`}, []string{"a.yaml", "b.yaml", "c.yaml", "d.yaml", "e.yaml"}},
	{"kinds of recipients of age", map[string]string{".sops.yaml": `
creation_rules:
  - path_regex: "1"
    age: ssh-ecdsa AAAA
  - path_regex: "2"
    age: age1pq1AGE1
  - path_regex: "3"
    age: age1yubikey1qb
  - path_regex: "4"
    age: AGE-SECRET-KEY-1QQ
  - path_regex: "5"
    age: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA
  - path_regex: "6"
    age: AGE2 AGE1
  - path_regex: "7"
    age: SSH1,AGE1
`}, []string{"1.yaml", "2.yaml", "3.yaml", "4.yaml", "5.yaml", "6.yaml", "7.yaml"}},
	{"empty file", map[string]string{".sops.yaml": ""}, []string{"a.yaml"}},
	{"destination rules only", map[string]string{".sops.yaml": "destination_rules:\n  - s3_bucket: b\n"}, []string{"a.yaml"}},
}

// TestConfigAsSOPS: sops takes the same rule for a file, or none.
func TestConfigAsSOPS(t *testing.T) {
	if testing.Short() {
		t.Skip("builds sops")
	}
	written := regexp.MustCompile(`recipient"?: "?([^"\n]+?)"?,?\n`)
	recipients := strings.NewReplacer("SSH1", newSSHKey(t), "AGE1", newIdentity(t).Recipient().String(), "AGE2", newIdentity(t).Recipient().String(), "AGE3", newIdentity(t).Recipient().String())
	for _, c := range configCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			put := func(name, data string) {
				if err := os.MkdirAll(filepath.Join(root, path.Dir(name)), 0o700); err != nil {
					t.Fatal(err)
				}
				write(t, root, name, []byte(recipients.Replace(data)))
			}
			for name, data := range c.files {
				put(name, data)
			}
			for _, name := range c.paths {
				put(name, `{"a": "b"}`)
				var want []string
				// sops looks for its configuration from where it runs.
				out, err := sopsRun(t, filepath.Join(root, path.Dir(name)), "encrypt", path.Base(name))
				if err == nil {
					for _, m := range written.FindAllStringSubmatch(string(out), -1) {
						want = append(want, m[1])
					}
				}
				got := recipientsFor(t, root, name)
				slices.Sort(want)
				if !slices.Equal(slices.Compact(want), got) {
					t.Errorf("%s: recipients %q, sops has %q (%v)", name, got, want, err)
				}
			}
		})
	}
}

// newSSHKey is the public half of a key as ssh-keygen writes it.
func newSSHKey(t *testing.T) string {
	t.Helper()
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	wire := slices.Concat([]byte("\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20"), public)
	return "ssh-ed25519 " + base64.StdEncoding.EncodeToString(wire)
}

// recipientsFor are those that a file is encrypted for, as ReadConfig has it.
func recipientsFor(t *testing.T, root, name string) []string {
	t.Helper()
	config, faults := Governing(func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(root, name)) }, name)
	for _, f := range faults {
		if f.At.File != config.File || f.At.Line < 1 || f.At.Column < 1 || f.Message == "" || f.Fix == "" {
			t.Errorf("incomplete fault: %+v", f)
		}
	}
	if config == nil {
		return nil
	}
	rule, err := config.Match(name)
	if err != nil && len(faults) == 0 {
		t.Errorf("%s: %v, and no fault says so", name, err)
	}
	if rule == nil {
		return nil
	}
	var got []string
	for _, g := range rule.Groups {
		got = append(got, g.Age...)
	}
	slices.Sort(got)
	return slices.Compact(got)
}

func TestOffline(t *testing.T) {
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	x25519, pgp := newIdentity(t).Recipient().String(), strings.Repeat("A", 40)
	for _, g := range []KeyGroup{{Age: []string{x25519}}, {PGP: []string{pgp}}, {Age: []string{hybrid.Recipient().String(), newSSHKey(t) + " me@age1x1", x25519}, PGP: []string{pgp}}} {
		if !g.Offline() {
			t.Errorf("%.60v: not offline", g)
		}
	}
	plugin := "age1yubikey1q2w7u3vpya839jxxuq8g0sedh3d740d4xvn639sqhr95ejj8vu3hyfumptt"
	for _, g := range []KeyGroup{{}, {Age: []string{x25519, plugin}}, {PGP: []string{pgp}, KMS: []string{"arn:aws:kms:eu-central-1:1:key/k"}}, {Age: []string{x25519}, HCVault: []string{"https://vault/v1/t/keys/k"}}} {
		if g.Offline() {
			t.Errorf("%.60v: offline", g)
		}
	}
}

func TestGoverningUnreadable(t *testing.T) {
	denied := errors.New("denied")
	config, faults := Governing(func(name string) ([]byte, error) {
		if name == "apps/.sops.yaml" {
			return nil, denied
		}
		return nil, fs.ErrNotExist
	}, "apps/web/a.yaml")
	if config == nil || config.RuleFor("apps/web/a.yaml") != nil || len(faults) != 1 {
		t.Errorf("got %v and %v: what can't be read governs, with a fault", config, faults)
	}
}

// TestUnreachable: a rule of which it is said that no file reaches it takes none
// that the one above does not.
func TestUnreachable(t *testing.T) {
	patterns := []string{
		``, `.*`, `.+`, `^.*$`, `^.+$`, `^`, `$`, `x*`, `.`, `a`, `^a`, `a$`, `^a$`, `a.*b`, `.*a`, `a.*`, `^.*a`, `a.*$`, `(a|b)`, `a|b`, `^a|b$`, `[ab]`,
		`\.yaml$`, `.*\.yaml$`, `\.ya?ml$`, `\.(yaml|yml)$`, `a/.*\.yaml$`, `^a/.*\.yaml$`, `(a/)?b\.yaml`, `b\.yaml`, `(?i)A`, `(?i)a/`, `a/b`, `a+`, `aa`, `a{2}`,
		`secrets/.*`, `.*/secrets/.*`, `secret`, `(x/)?secrets/`, `^(x/)?secrets/`, `a\x00`, `(^|/)a`, `a|`, `\ba\b`, `(?s).*\.yaml$`, `(?m)^a$`,
	}
	paths := []string{
		"a", "b", "ab", "ba", "aa", "A", "a/b", "A/b", "b/a", "c", "x", "a.yaml", "a/b.yaml", "b/a.yaml", "b.yaml", "a.yml", "c/b.yaml", "a/x.yaml", "aXyaml",
		"secrets/a", "x/secrets/a", "y/secrets/x", "secret.yaml", "x/secrets", "ca", "cac", "a.yaml.txt", "ccc", "c-a-c",
	}
	said := 0
	for _, above := range patterns {
		for _, below := range patterns {
			config, faults := ReadConfig(ConfigName, fmt.Appendf(nil, "creation_rules:\n  - path_regex: '%s'\n    pgp: %s\n  - path_regex: '%s'\n    kms: %s\n",
				above, strings.Repeat("A", 40), below, "arn:aws:kms:eu-central-1:1:key/k"))
			unreachable := slices.ContainsFunc(faults, func(f Fault) bool { return strings.HasPrefix(f.Message, "no file reaches") })
			if above == below && !unreachable {
				t.Errorf("%q twice: nothing is said", above)
			}
			if !unreachable {
				continue
			}
			said++
			for _, path := range paths {
				if rule := config.RuleFor(path); rule == config.Rules[1] {
					t.Errorf("%q reaches %q below %q", path, below, above)
				}
			}
		}
	}
	if everything := strings.Count(strings.Join(patterns, "\n"), "\n"); said < 2*everything {
		t.Errorf("only %d are found unreachable", said)
	}
}

// TestNoValueInFaults: what somebody pasted into the wrong place is not repeated.
func TestNoValueInFaults(t *testing.T) {
	const secret = "Zq7RxPlanted"
	for _, text := range []string{
		"creation_rules:\n  - age: AGE-SECRET-KEY-1" + secret,
		"creation_rules:\n  - age: [" + secret + ", 5]\n    kms: " + secret + "\n    gcp_kms: " + secret + "\n    azure_keyvault: " + secret,
		"creation_rules:\n  - hc_vault_transit_uri: https://u:" + secret + "@vault/\n    pgp: " + secret,
		"creation_rules:\n  - path_regex: (" + secret + "\n  - encrypted_regex: (" + secret + "\n    age: {a: " + secret + "}",
		"creation_rules:\n  - shamir_threshold: " + secret + "\n  - " + secret,
		"creation_rules: " + secret, secret, "a: *" + secret, "a: 'x" + secret, secret + ": 1\n" + secret + ": 2\n",
	} {
		config, faults := ReadConfig(ConfigName, []byte(text))
		if len(faults) == 0 {
			t.Errorf("no fault in %q", text)
		}
		_, err := config.Match("a.yaml")
		if said := fmt.Sprint(faults, err); strings.Contains(said, secret) {
			t.Errorf("%s repeats the value", said)
		}
	}
	if said := Display("https://u:"+secret+"@vault/v1/t/keys/k") + Display("AGE-SECRET-KEY-1"+secret); strings.Contains(said, secret) {
		t.Errorf("%s repeats the value", said)
	}
}

// TestLargePatterns: what would take long to compile, or to match, is refused.
func TestLargePatterns(t *testing.T) {
	for _, pattern := range []string{strings.Repeat("a{1000}", 100), strings.Repeat("(?:ab|[c-e]){900}", 20), strings.Repeat("a", 5000)} {
		config, faults := ReadConfig(ConfigName, []byte("creation_rules:\n  - path_regex: "+pattern+"\n    pgp: "+strings.Repeat("A", 40)))
		if _, err := config.Match("a"); err == nil || len(faults) != 1 {
			t.Errorf("%.20s…: got %v and %v", pattern, err, faults)
		}
	}
	rules := strings.Repeat("  - path_regex: '"+strings.Repeat("a?", 500)+"b'\n    pgp: "+strings.Repeat("A", 40)+"\n", 100)
	if _, faults := ReadConfig(ConfigName, []byte("creation_rules:\n"+rules)); len(faults) < 50 {
		t.Errorf("got %d faults for expressions that are large together", len(faults))
	}
}

func FuzzReadConfig(f *testing.F) {
	for _, c := range configCases {
		for _, text := range c.files {
			f.Add([]byte(text), "apps/a.yaml")
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		config, faults := ReadConfig("apps/"+ConfigName, data)
		for _, fault := range faults {
			if fault.At.Line < 1 || fault.At.Column < 1 || fault.Message == "" || fault.Fix == "" {
				t.Fatalf("incomplete fault: %+v", fault)
			}
		}
		rule, err := config.Match(name)
		if rule != nil && (err != nil || !rule.Usable()) {
			t.Fatal("a rule that sops refuses is taken")
		}
		for _, r := range config.Rules {
			r.Telling()
			r.General()
			r.Certain()
			r.Chooses("data", "password")
			if !reflect.DeepEqual(Without(r.Groups, r.Groups), []string(nil)) {
				t.Fatal("groups differ from themselves")
			}
		}
	})
}
