package lint

import (
	"fmt"
	"strings"
	"testing"
)

func TestMigrate(t *testing.T) {
	in := strings.Join([]string{
		"metadata:",
		"  annotations:",
		`    ignore-check.kube-linter.io/two: "it drives \"disks\""`,
		"    ignore-check.kube-linter.io/privileged-container: 'it drives the disks' # kept with the machine",
		"    checkov.io/skip1: CKV_K8S_16=again",
		"    kube-score/ignore: context,other",
		`    "polaris.fairwinds.com/runAsPrivileged-exempt": "true"`,
		"    polaris.fairwinds.com/exempt: \"true\"",
		"    ignore-check.kube-linter.io/no-such: x",
		"    ignore-check.kube-linter.io/two: {{ .Values.why }}",
		"    ignore-check.kube-linter.io/two: >-",
		"      long",
		"    team: shop",
		"---",
		"  annotations:",
		"    scantling.dev/ignore.image-tag-mutable: mine",
		"    ignore-check.kube-linter.io/two: mirrored\r",
		"  other: {checkov.io/skip2: CKV_K8S_16}",
		"# trivy:ignore:AVD-KSV-0017",
		"a: 1 # trivy:ignore:AVD-KSV-0017:exp:2027-02-01",
		"b: 1 # checkov:skip=CKV_K8S_16: it drives the disks",
		"c: 1 # checkov:skip=CKV_K8S_99: x",
	}, "\n")
	want := strings.Join([]string{
		"metadata:",
		"  annotations:",
		`    ignore-check.kube-linter.io/two: "it drives \"disks\""`,
		`    scantling.dev/ignore.privileged-container: "it drives the disks"`,
		`    polaris.fairwinds.com/exempt: "true"`,
		"    ignore-check.kube-linter.io/no-such: x",
		"    ignore-check.kube-linter.io/two: {{ .Values.why }}",
		"    ignore-check.kube-linter.io/two: >-",
		"      long",
		"    team: shop",
		"---",
		"  annotations:",
		"    scantling.dev/ignore.image-tag-mutable: mine",
		"    scantling.dev/ignore.privileged-container: \"mirrored\"\r",
		"  other: {checkov.io/skip2: CKV_K8S_16}",
		"# scantling:ignore privileged-container -- was for trivy AVD-KSV-0017, which gives no reason",
		"a: 1 # scantling:ignore privileged-container -- was for trivy AVD-KSV-0017, which gives no reason; until=2027-02-01",
		"b: 1 # scantling:ignore privileged-container -- it drives the disks",
		"c: 1 # checkov:skip=CKV_K8S_99: x",
	}, "\n")
	got, done := Migrate([]byte(in), fewPeers)
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	said := map[int]string{}
	for _, m := range done {
		said[m.Line] = fmt.Sprintf("%v %s", m.To, m.Left)
	}
	for line, want := range map[int]string{
		3: "[] its value is not a plain text on the same line", 4: "[privileged-container] ", 5: "[privileged-container] ", 6: "[privileged-container] ",
		7: "[privileged-container] ", 8: "[] it excuses everything: name the rules", 9: "[] no rule of scantling looks for it",
		10: "[] its value is not a plain text on the same line", 11: "[] its value is not a plain text on the same line",
		17: "[privileged-container image-tag-mutable] ", 18: "[] it is not a line of its own", 19: "[privileged-container] ", 22: "[] no rule of scantling looks for it",
	} {
		if said[line] != want {
			t.Errorf("line %d: %q, want %q", line, said[line], want)
		}
	}
	if again, more := Migrate(got, fewPeers); string(again) != want {
		t.Errorf("once more it changes %v to\n%s", more, again)
	}
	if plain, done := Migrate([]byte("a: 1\n"), fewPeers); string(plain) != "a: 1\n" || done != nil {
		t.Errorf("a text without any gives %q, %v", plain, done)
	}
}

// What is migrated excuses what it excused before.
func TestMigrateHolds(t *testing.T) {
	before := "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  annotations:\n    ignore-check.kube-linter.io/two: \"why: 'so' # 1\"\n"
	after, _ := Migrate([]byte(before), fewPeers)
	for _, text := range []string{before, string(after)} {
		o := object(t, text)
		for _, f := range dated("").Honour(fewPeers).Annotations([]Finding{onObject("privileged-container", o, "u"), onObject("image-tag-mutable", o, "u")}, nil, nil) {
			if f.Suppressed == nil || f.Suppressed.Reason != "why: 'so' # 1" {
				t.Errorf("%s is not excused, or for another reason: %+v\n%s", f.Rule, f.Suppressed, text)
			}
		}
	}
}
