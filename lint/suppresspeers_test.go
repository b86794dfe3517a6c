package lint

import (
	"slices"
	"strings"
	"testing"
)

// fewPeers is a catalogue of its own.
func fewPeers(tool, check string) []string {
	return map[string][]string{
		"kube-linter privileged-container": {"privileged-container"}, "kube-linter *": {"privileged-container", "private-key-in-repo"},
		"kube-linter two":    {"privileged-container", "image-tag-mutable"},
		"checkov CKV_K8S_16": {"privileged-container"}, "trivy AVD-KSV-0017": {"privileged-container"}, "datree PRIVILEGED": {"privileged-container"},
		"kube-score context": {"privileged-container"}, "polaris runAsPrivileged": {"privileged-container"}, "polaris *": {"privileged-container", "image-tag-mutable"},
	}[tool+" "+check]
}

func TestPeersAnnotations(t *testing.T) {
	for _, tt := range []struct{ annotation, want string }{
		{`ignore-check.kube-linter.io/privileged-container: "it drives the disks"`, "privileged-container: it drives the disks"},
		{`ignore-check.kube-linter.io/two: ""`, "privileged-container: ignore-check.kube-linter.io/two; image-tag-mutable: ignore-check.kube-linter.io/two"},
		{`kube-linter.io/ignore-all: "vendored"`, "privileged-container: vendored"},
		{`checkov.io/skip1: CKV_K8S_16=a=b`, "privileged-container: a=b"},
		{`bridgecrew.io/skip2: CKV_K8S_16`, "privileged-container: bridgecrew.io/skip2"},
		{`checkov.io/skipping: CKV_K8S_16=x`, ""},
		{`kube-score/ignore: other, context`, "privileged-container: kube-score/ignore"},
		{`polaris.fairwinds.com/runAsPrivileged-exempt: "true"`, "privileged-container: polaris.fairwinds.com/runAsPrivileged-exempt"},
		{`polaris.fairwinds.com/runAsPrivileged-exempt: "false"`, ""},
		{`polaris.fairwinds.com/exempt: "true"`, "privileged-container: polaris.fairwinds.com/exempt; image-tag-mutable: polaris.fairwinds.com/exempt"},
		{`datree.skip/PRIVILEGED: legacy`, "privileged-container: legacy"},
		{`ignore-check.kube-linter.io/no-such: x`, ""},
	} {
		o := object(t, "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: a\nspec:\n  template:\n    metadata:\n      annotations:\n        "+tt.annotation+"\n    spec: {containers: [{name: a}]}\n")
		got := dated("").Honour(fewPeers).Annotations([]Finding{
			onObject("privileged-container", o, "u"), onObject("image-tag-mutable", o, "u"), onObject("private-key-in-repo", o, "u"),
		}, nil, nil)
		var excused []string
		for _, f := range got {
			if f.Suppressed != nil {
				excused = append(excused, f.Rule+": "+f.Suppressed.Reason)
			}
		}
		if said := strings.Join(excused, "; "); said != tt.want || len(got) != 3 {
			t.Errorf("%s: got %q, want %q", tt.annotation, said, tt.want)
		}
	}
}

func TestPeersComments(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"# trivy:ignore:AVD-KSV-0017\na: 1\n", "trivy AVD-KSV-0017"},
		{"a: 1 #trivy:ignore:AVD-KSV-0017:exp:2027-02-01 x\n", "trivy AVD-KSV-0017"},
		{"a: 1 # trivy:ignore:AVD-KSV-0017:exp:2027-01-31\n", ""},
		{"a: 1 # trivy:ignore:AVD-KSV-0017:exp:soon\n", ""},
		{"a: 1 # checkov:skip=CKV_K8S_16: it drives the disks\n", "it drives the disks"},
		{"a: 1 # checkov:skip=CKV_K8S_99: x\n", ""},
	} {
		lines := strings.Count(tt.text, "\n")
		got := dated(tt.text).Honour(fewPeers).Comments([]Finding{finding("privileged-container", lines)}, nil)
		said := ""
		if s := got[0].Suppressed; s != nil {
			said = s.Reason
		}
		if said != tt.want || len(got) != 1 {
			t.Errorf("%q: got %q and %d findings, want %q and nothing about the comment", tt.text, said, len(got), tt.want)
		}
		if without := dated(tt.text).Comments([]Finding{finding("privileged-container", lines)}, nil); without[0].Suppressed != nil {
			t.Errorf("%q is honoured although nobody asked for it", tt.text)
		}
	}
}

func TestContainersOf(t *testing.T) {
	for stable, want := range map[string][]string{
		"spec.template.spec.containers[web].ports[http]": {"web"},
		"spec.initContainers[a]":                         {"a"},
		"containers[b].image":                            {"b"},
		"spec.volumes[containers]":                       nil,
		"":                                               nil,
	} {
		if got := containersOf(stable); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", stable, got, want)
		}
	}
}
