package podsecurity

import (
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
)

// standard is what the profiles of the Pod Security Standards set for a rule that
// judges otherwise on its own.
var standard = map[string][]string{"exact": {"true"}}

// exact is the option of a rule that judges otherwise than Pod Security admission
// (k8s.io/pod-security-admission) does, on purpose. what says what it then does.
func exact(what string) lint.Option {
	return lint.Option{
		Name:    "exact",
		Doc:     "Whether to judge just as Pod Security admission of the target version does: " + what + ".",
		Default: []string{"false"},
		Valid:   lint.Truth,
	}
}

// since says that the target version is 1.minor or newer.
func since(p *lint.Pass, minor uint) bool {
	v := p.KubeVersion(p.Object)
	return v.Major() > 1 || v.Minor() >= minor
}

// inForce says that a check that Pod Security has since 1.minor applies. A
// setting is no safer because nothing enforces it: only who asks for the exact
// standard is not told.
func inForce(p *lint.Pass, minor uint) bool { return !p.Yes("exact") || since(p, minor) }

// sparesWindows says that what only Linux has is not asked of the pod. Pod
// Security goes by spec.os alone, from 1.25 on:
// https://kubernetes.io/docs/concepts/security/pod-security-standards/#what-about-non-linux-pods.
func sparesWindows(p *lint.Pass, w *manifest.Workload) bool {
	if p.Yes("exact") {
		return since(p, 25) && w.Pod.OS != nil && w.Pod.OS.Name == corev1.Windows
	}
	return onWindows(w)
}

// ignoresWindows says that what only Linux has is not looked at, since it does
// nothing to a pod on Windows. Pod Security forbids it there all the same.
func ignoresWindows(p *lint.Pass, w *manifest.Workload) bool {
	return !p.Yes("exact") && onWindows(w)
}

// sparesUserNamespace says that the pod may do what is harmless where root is
// nobody on the node. Pod Security knows of this from 1.35 on.
func sparesUserNamespace(p *lint.Pass, w *manifest.Workload) bool {
	return inUserNamespace(w) && inForce(p, 35)
}
