// Package api holds the rules about the API itself: objects that the API server
// refuses, and versions, fields and drivers that go away.
package api

import (
	"fmt"

	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/util/version"
)

// Rules are the rules of this topic.
var Rules = []*lint.Rule{
	deprecatedAddonAPIVersion,
	deprecatedAPIVersion,
	deprecatedFieldOrAnnotation,
	deprecatedServiceAccountField,
	inTreeVolumePluginRemoved,
	invalidLabelOrName,
	kubernetesVersionUnsupported,
	podSecurityPolicyRemoved,
	removedAPIVersion,
	schemaValidation,
}

// minor is Kubernetes 1.n.
func minor(n uint) *version.Version { return version.MajorMinor(1, n) }

// short writes a version without its patch level.
func short(v *version.Version) string { return fmt.Sprintf("%d.%d", v.Major(), v.Minor()) }
