package podsecurity

import (
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var podSecurityPolicyPermissive = &lint.Rule{
	ID:       "podsecuritypolicy-permissive",
	Title:    "PodSecurityPolicy lets pods reach their node",
	Why:      "Whoever may use the policy can run such pods, and so may get hold of the node. From Kubernetes 1.25 on there are no PodSecurityPolicies any more, and the rule is silent.",
	Fix:      "Forbid what no pod of this policy needs, or move to the Pod Security labels of namespaces.",
	Since:    "0.1.0",
	Severity: lint.Medium,
	Category: lint.PodSecurity,
	Profile:  lint.All,
	Kinds:    []schema.GroupKind{{Group: "policy", Kind: "PodSecurityPolicy"}, {Group: "extensions", Kind: "PodSecurityPolicy"}},
	Check: func(p *lint.Pass) {
		if since(p, 25) {
			return
		}
		spec := p.Object.Value("spec")
		if !spec.Written() {
			return
		}
		for _, name := range []string{"privileged", "hostNetwork", "hostPID", "hostIPC"} {
			if v := spec.Get(name); v.True() {
				p.Report(v.Path, "the policy allows pods with %s", name)
			}
		}
		// The API has true for unset.
		if v := spec.Get("allowPrivilegeEscalation"); !v.False() && v.Known() {
			p.Report(v.Path, "the policy does not forbid allowPrivilegeEscalation")
		}
		if v := spec.Get("runAsUser", "rule"); v.Text() == "RunAsAny" {
			p.Report(v.Path, "the policy allows pods to run as root")
		}
		permissiveCapabilities(p, spec)
		permissiveHostPaths(p, spec)
		if v := p.Object.Value("metadata", "annotations").Key("seccomp.security.alpha.kubernetes.io/allowedProfileNames"); !v.Written() {
			p.Report(v.Path, "the policy asks for no seccomp profile")
		}
	},
	Examples: `
-- bad.yaml --
# kubernetes: 1.24
apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: # want: asks for no seccomp profile
  name: node
spec: # want: does not forbid allowPrivilegeEscalation
  privileged: true # want: allows pods with privileged
  hostNetwork: true # want: allows pods with hostNetwork
  hostPID: true # want: allows pods with hostPID
  hostIPC: true # want: allows pods with hostIPC
  allowedCapabilities: # want: allows pods to add the capabilities SYS_ADMIN, NET_ADMIN
    - SYS_ADMIN
    - NET_ADMIN
  requiredDropCapabilities: # want: leaves pods the capability NET_RAW
    - KILL
  runAsUser: {rule: RunAsAny} # want: to run as root
  seLinux: {rule: RunAsAny}
  fsGroup: {rule: RunAsAny}
  supplementalGroups: {rule: RunAsAny}
  volumes: ["*"] # want: allows every path of the node
-- bad-paths.yaml --
# kubernetes: 1.20
apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata:
  name: logs
  annotations:
    seccomp.security.alpha.kubernetes.io/allowedProfileNames: runtime/default
spec:
  allowPrivilegeEscalation: true # want: does not forbid
  requiredDropCapabilities: [ALL]
  runAsUser: {rule: MustRunAsNonRoot}
  volumes: [configMap, hostPath]
  allowedHostPaths:
    - pathPrefix: /var/log # want: allows pods to write to "/var/log"
    - pathPrefix: /run/logs
      readOnly: true
-- good.yaml --
# kubernetes: 1.24
apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata:
  name: restricted
  annotations:
    seccomp.security.alpha.kubernetes.io/allowedProfileNames: runtime/default
spec:
  privileged: false
  allowPrivilegeEscalation: false
  requiredDropCapabilities: [NET_RAW]
  runAsUser: {rule: MustRunAsNonRoot}
  volumes: [configMap, emptyDir]
-- good-new.yaml --
# podsecuritypolicy-removed speaks for this one.
# kubernetes: 1.25
apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata:
  name: node
spec:
  privileged: true
-- good-empty.yaml --
# kubernetes: 1.24
apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata:
  name: empty
`,
}

func permissiveCapabilities(p *lint.Pass, spec manifest.Value) {
	if v := spec.Get("allowedCapabilities"); v.Len() > 0 {
		p.Report(v.Path, "the policy allows pods to add the capabilities %s", strings.Join(v.Texts(), ", "))
	}
	v := spec.Get("requiredDropCapabilities")
	dropped := slices.ContainsFunc(v.Texts(), func(s string) bool {
		name := capabilityName(corev1.Capability(s))
		return name == "ALL" || name == "NET_RAW"
	})
	if !dropped && v.Known() {
		p.Report(v.Path, "the policy leaves pods the capability NET_RAW")
	}
}

func permissiveHostPaths(p *lint.Pass, spec manifest.Value) {
	volumes := spec.Get("volumes")
	if types := volumes.Texts(); !slices.Contains(types, "*") && !slices.Contains(types, "hostPath") {
		return
	}
	paths := spec.Get("allowedHostPaths")
	if paths.Len() == 0 {
		p.Report(volumes.Path, "the policy allows every path of the node")
	}
	for _, item := range paths.Items() {
		if prefix := item.Get("pathPrefix"); !item.Get("readOnly").True() {
			p.Report(prefix.Path, "the policy allows pods to write to %q of the node", prefix.Text())
		}
	}
}
