package sops

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const (
	someCipher = "ENC[AES256_GCM,data:p673w7dSzK0z,iv:YY4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:str]"
	someMeta   = "  mac: " + someCipher + "\n  lastmodified: \"2026-03-01T10:00:00Z\"\n  version: 3.10.2\n  age: [{recipient: age1a, enc: x}]\n"
)

// TestReadFile: what each format holds, and where it stands.
func TestReadFile(t *testing.T) {
	envMeta := "sops_mac=" + someCipher + "\nsops_lastmodified=2026-03-01T10:00:00Z\nsops_version=3.10.2\nsops_age__list_0__map_recipient=age1a\nsops_age__list_0__map_enc=x\n"
	for _, c := range []struct {
		name, data string
		format     Format
		// leaves are "path line:column" with ! for what is due and * for what is
		// encrypted.
		leaves string
	}{
		{"a.yaml", "a: " + someCipher + "\nb:\n  - x: 1\n    y: ''\nsops:\n" + someMeta, YAML, "a 1:4 !*, b[0].x 3:8 !, b[0].y 4:8"},
		{"a.yml", "{a: {b: c}, sops: {mac: m, lastmodified: l}}\n", YAML, "a.b 1:9 !"},
		{"a.json", "{\n\t\"a\": [true, \"" + someCipher + "\"],\n\t\"sops\": {\"mac\": \"m\"}\n}", JSON, "a[0] 2:8 !, a[1] 2:14 !*"},
		{"key", "{\"data\": \"" + someCipher + "\", \"sops\": {\"mac\": \"m\"}}", Binary, "data 1:10 !*"},
		{"values.yaml.enc", "a: 1\nsops:\n" + someMeta, YAML, "a 1:4 !"},
		{"prod.env", "# c\nA=" + someCipher + "\nB_unencrypted=1\nC=\n" + envMeta, Dotenv, "A 2:3 !*, B_unencrypted 3:15, C 4:3"},
		{".env.enc", "A=1\n" + envMeta, Dotenv, "A 1:3 !"},
		{"app.ini", "top=1\n[s]\nkey   = " + someCipher + "\nx: y\n[sops]\nmac = " + someCipher + "\n", INI, "DEFAULT.top 1:5 !, s.key 3:9 !*, s.x 4:4 !"},
		{"app.conf", "[s]\nkey = v\n[sops]\nmac = " + someCipher + "\n", INI, "s.key 2:7 !"},
		{"list.yaml", "apiVersion: v1\nkind: List\nitems:\n  - a: " + someCipher + "\n    sops:\n    " + strings.ReplaceAll(someMeta, "\n  ", "\n      ") + "\n  - b: 1\n", YAML, "items[0].a 4:8 !*, items[1].b 11:8"},
		{"bare.yaml", "a: " + someCipher + "\n", YAML, "a 1:4 *"},
		{"crlf.yaml", "a: 1\r\nsops:\r\n" + strings.ReplaceAll(someMeta, "\n", "\r\n"), YAML, "a 1:4 !"},
		{"bom.yaml", "\ufeffa: 1\nsops:\n" + someMeta, YAML, "a 1:4 !"},
		{"settings.yaml", "a: " + someCipher + "\nmap: {sops: {mac: x}}\n", YAML, "a 1:4 *, map.sops.mac 2:19"},
	} {
		f := ReadFile(c.name, []byte(c.data))
		if f == nil {
			t.Errorf("%s: not read", c.name)
			continue
		}
		if f.Format != c.format {
			t.Errorf("%s: format %s, want %s", c.name, f.Format, c.format)
		}
		var leaves []string
		for _, d := range f.Documents {
			for _, l := range d.Leaves {
				mark := ""
				if l.Due {
					mark += "!"
				}
				if l.Encrypted {
					mark += "*"
				}
				leaves = append(leaves, strings.TrimSpace(fmt.Sprintf("%s %d:%d %s", l.Path, l.At.Line, l.At.Column, mark)))
			}
		}
		if got := strings.Join(leaves, ", "); got != c.leaves {
			t.Errorf("%s: leaves %s, want %s", c.name, got, c.leaves)
		}
	}
}

// TestReadNothing: what only speaks of SOPS is no file of its.
func TestReadNothing(t *testing.T) {
	for name, data := range map[string]string{
		"values.yaml":   "machine: a\nsops:\n  enabled: true\n  age: []\n  version: 1\n",
		"README.md":     "# How to\n\na: " + someCipher + "\n\n    sops:\n      mac: x\n",
		"main.go":       "package main\n\nconst a = `" + someCipher + "` // sops mac\n",
		"notes.txt":     "a: " + someCipher + "\n",
		"empty.yaml":    "",
		"text.yaml":     "only a text about sops and mac\n",
		"template.yaml": "a: {{ .Values.mac }}\nsops:\n{{ toYaml . }}\n",
		"broken.json":   "{\"sops\": {\"mac\": \"",
	} {
		if f := ReadFile(name, []byte(data)); f != nil {
			t.Errorf("%s: read with %d documents", name, len(f.Documents))
		}
	}
}

// TestMetadataGroups: who a file is encrypted for, in nested and in flat form.
func TestMetadataGroups(t *testing.T) {
	nested := "a: " + someCipher + "\nsops:\n  shamir_threshold: 2\n  key_groups:\n  - age: [{recipient: age1a, enc: x}, {recipient: age1b, enc: x}]\n    hc_vault: [{vault_address: \"https://v\", engine_path: e, key_name: k, enc: x}]\n  - pgp: [{fp: ABCD, enc: x}]\n  mac: m\n  lastmodified: l\n"
	flat := "a=" + someCipher + "\nsops_shamir_threshold=2\nsops_key_groups__list_0__map_age__list_0__map_recipient=age1a\nsops_key_groups__list_0__map_age__list_0__map_enc=x\nsops_key_groups__list_0__map_age__list_1__map_recipient=age1b\nsops_key_groups__list_0__map_age__list_1__map_enc=x\nsops_key_groups__list_0__map_hc_vault__list_0__map_vault_address=https://v\nsops_key_groups__list_0__map_hc_vault__list_0__map_engine_path=e\nsops_key_groups__list_0__map_hc_vault__list_0__map_key_name=k\nsops_key_groups__list_0__map_hc_vault__list_0__map_enc=x\nsops_key_groups__list_1__map_pgp__list_0__map_fp=ABCD\nsops_key_groups__list_1__map_pgp__list_0__map_enc=x\nsops_mac=m\n"
	for name, data := range map[string]string{"a.yaml": nested, "a.env": flat} {
		m := ReadFile(name, []byte(data)).Documents[0].Metadata
		if len(m.Groups) != 2 || m.Threshold != 2 || !slices.Equal(m.Groups[0].Age, []string{"age1a", "age1b"}) || !slices.Equal(m.Groups[1].PGP, []string{"ABCD"}) || len(m.Keyless) > 0 {
			t.Errorf("%s: groups %+v, threshold %d, without key %q", name, m.Groups, m.Threshold, m.Keyless)
		}
		if want := []string{"age1a", "age1b", "https://v/v1/e/keys/k", "ABCD"}; !slices.Equal(m.Recipients(), want) {
			t.Errorf("%s: recipients %q, want %q", name, m.Recipients(), want)
		}
	}
}

// FuzzReadFile: any bytes are read, or not, without a panic.
func FuzzReadFile(f *testing.F) {
	f.Add("a.yaml", []byte("a: "+someCipher+"\nsops:\n"+someMeta))
	f.Add("a.env", []byte("A=1\nsops_mac=x\nsops_age__list_999999999__map_a__list_0=x\n"))
	f.Add("a.ini", []byte("[sops]\nmac = \"\nx__map_\n[\n=\n"))
	f.Add("a", []byte("{\"data\": \"\", \"sops\": {\"mac\": 1, \"age\": [null, {}]}}"))
	f.Add("a.yaml", []byte("# x\na: &a [1, *a]\nsops: {mac: m, encrypted_comment_regex: x}\n"))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		file := ReadFile(name, data)
		if file == nil {
			return
		}
		for _, d := range file.Documents {
			if d.Metadata != nil {
				d.Metadata.Fault()
			}
			for _, l := range d.Leaves {
				if l.Encrypted && l.Nonce() == "" {
					t.Error("a ciphertext without a nonce")
				}
				if l.Due && l.Empty() {
					t.Error("an empty value is due")
				}
			}
		}
		Signed(file.Documents)
	})
}
