package podsecurity

import (
	"cmp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

var workloadViolatesNamespacePSS = &lint.Rule{
	ID:       "workload-violates-namespace-pss",
	Title:    "namespace refuses the pod",
	Why:      "The API server refuses a pod that does not keep to the Pod Security level that its namespace enforces. It takes a Deployment or a Job all the same, so that the change seems to work, and then no pod of it ever starts: after a roll-out, or when a node goes away.",
	Fix:      "Change the pod so that it keeps to the level, or enforce a lower level in the namespace.",
	Since:    "0.1.0",
	Severity: lint.High,
	Category: lint.PodSecurity,
	Kinds:    lint.Workloads,
	Joins:    []schema.GroupKind{kindNamespace},
	CheckAll: func(p *lint.Pass) {
		x := cluster.Of(p)
		checks := map[api.LevelVersion][]check{}
		for _, o := range p.Judged() {
			w, ok := o.Workload()
			// A chart that nobody installs is in no namespace yet.
			if !ok || w.IsZero() || o.Namespace == "" || p.UnitOf(o).Bare {
				continue
			}
			level, ok := enforcedLevel(p, x, o)
			if !ok {
				continue
			}
			if checks[level] == nil {
				checks[level] = checksOf(level)
			}
			pod := admitted(w.Pod)
			for _, c := range checks[level] {
				result := c.CheckPod(w.Meta, pod)
				if result.Allowed {
					continue
				}
				if path := blame(o, w, pod, c); path != nil {
					p.ReportOn(o, p.Rule.Severity, path, "the namespace %q enforces %s and refuses the pod: %s (%s)", o.Namespace, level.Level, shorten(cmp.Or(result.ForbiddenDetail, result.ForbiddenReason)), c.id)
				}
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels:
    pod-security.kubernetes.io/enforce: restricted
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      hostNetwork: true # want: the namespace "shop" enforces restricted and refuses the pod: hostNetwork=true (hostNamespaces)
      securityContext:
        runAsNonRoot: true
        seccompProfile: {type: RuntimeDefault}
      containers:
        - name: web
          image: registry.example/web:1.4.2
          securityContext:
            allowPrivilegeEscalation: false
            capabilities: {drop: [ALL]}
        - name: log
          image: registry.example/log:0.9.0
          securityContext:
            allowPrivilegeEscalation: true # want: container "log" must set
            capabilities: # want: container "log" must set securityContext.capabilities.drop=["ALL"] (capabilities_restricted)
              drop: [NET_RAW]
      volumes:
        - name: scratch
        - name: media
          nfs: {server: nfs.example, path: /media} # want: volume "media" uses restricted volume type "nfs" (restrictedVolumes)
-- bad-baseline.yaml --
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels:
    pod-security.kubernetes.io/enforce: baseline
---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: report
  namespace: shop
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        metadata:
          annotations: # want: annotation must not set
            container.apparmor.security.beta.kubernetes.io/report: unconfined
        spec:
          restartPolicy: Never
          hostPID: true # want: hostPID=true
          securityContext:
            seLinuxOptions: # want: pod set forbidden
              type: spc_t
            sysctls: # want: kernel.msgmax (sysctls)
              - {name: kernel.msgmax, value: "1"}
          containers:
            - name: report
              image: registry.example/report:1.0.0
              ports:
                - {containerPort: 80, hostPort: 80} # want: container "report" uses hostPort 80
              livenessProbe:
                httpGet: {port: 80, host: 192.0.2.1} # want: (hostProbesAndHostLifecycle)
              securityContext:
                privileged: true # want: container "report" must not set
-- bad-version.yaml --
# The level is that of another version.
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels:
    pod-security.kubernetes.io/enforce: baseline
    pod-security.kubernetes.io/enforce-version: v1.28
---
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
spec:
  securityContext:
    sysctls: # want: net.ipv4.tcp_keepalive_time
      - {name: net.ipv4.tcp_keepalive_time, value: "600"}
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- good.yaml --
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels:
    pod-security.kubernetes.io/enforce: restricted
    pod-security.kubernetes.io/enforce-version: latest
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      securityContext:
        runAsNonRoot: true
        seccompProfile: {type: RuntimeDefault}
      containers:
        - name: web
          image: registry.example/web:1.4.2
          securityContext:
            allowPrivilegeEscalation: false
            capabilities: {drop: [ALL]}
      volumes:
        - name: scratch
-- good-other-namespace.yaml --
# Nothing is enforced on these.
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels:
    pod-security.kubernetes.io/enforce: restricted
---
apiVersion: v1
kind: Namespace
metadata:
  name: bank
  labels:
    pod-security.kubernetes.io/enforce: privileged
    pod-security.kubernetes.io/warn: restricted
---
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: bank
spec:
  hostNetwork: true
  containers:
    - name: web
      image: registry.example/web:1.4.2
---
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  hostNetwork: true
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- good-old.yaml --
# A cluster has no rules of versions to come.
# kubernetes: 1.33
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels:
    pod-security.kubernetes.io/enforce: baseline
    pod-security.kubernetes.io/enforce-version: v1.34
---
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
      livenessProbe:
        httpGet: {port: 80, host: 192.0.2.1}
-- good-unknown.yaml --
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels:
    pod-security.kubernetes.io/enforce: restricted
---
# What is filled in later may be right.
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
spec:
  securityContext:
    runAsNonRoot: ${NON_ROOT}
    seccompProfile: {type: "${SECCOMP}"}
  containers:
    - name: web
      image: registry.example/web:1.4.2
      securityContext:
        allowPrivilegeEscalation: ${ESCALATE}
        capabilities: {drop: ["${DROP}"]}
    - name: log
      image: registry.example/log:0.9.0
      securityContext: ${SECURITY_CONTEXT}
-- good-disagreeing.yaml --
# Nobody knows which of the two holds.
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels:
    pod-security.kubernetes.io/enforce: restricted
---
apiVersion: v1
kind: Namespace
metadata:
  name: shop
---
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
-- good-bare.yaml --
# unit: bare
apiVersion: v1
kind: Namespace
metadata:
  name: default
  labels:
    pod-security.kubernetes.io/enforce: restricted
---
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: default
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
`,
}

// enforcedLevel is what the namespace of a workload enforces; ok is false when
// that is nothing, or not known.
func enforcedLevel(p *lint.Pass, x *cluster.Index, o *manifest.Object) (level api.LevelVersion, ok bool) {
	at := p.UnitOf(o).Cluster
	for _, ns := range x.Named(o, kindNamespace, "", o.Namespace) {
		if c := p.UnitOf(ns).Cluster; c != "" && at != "" && c != at {
			continue
		}
		l, known := labelledLevel(ns)
		if !known || ok && l != level {
			return api.LevelVersion{}, false
		}
		level, ok = l, true
	}
	// The API server takes versions that it does not know yet for its own.
	v := p.KubeVersion(o)
	if own := api.MajorMinorVersion(int(v.Major()), int(v.Minor())); own.Older(level.Version) {
		level.Version = own
	}
	return level, ok && level.Level != api.LevelPrivileged
}

// labelledLevel is what the labels of a namespace enforce.
func labelledLevel(ns *manifest.Object) (level api.LevelVersion, known bool) {
	level = api.LevelVersion{Level: api.LevelPrivileged, Version: api.LatestVersion()}
	var err error
	if l := pssLabel(ns, "enforce"); l.Written() {
		if level.Level, err = api.ParseLevel(l.Text()); err != nil {
			return level, false
		}
	}
	if v := pssLabel(ns, "enforce-version"); v.Written() {
		level.Version, err = api.ParseVersion(v.Text())
	}
	return level, err == nil
}

// check is a check of Pod Security as one version has it.
type check struct {
	id policy.CheckID
	policy.VersionedCheck
}

// checksOf are the checks that make up a level, as policy.NewEvaluator chooses
// them. Its results say only whether the pod is allowed, not which check it was.
func checksOf(level api.LevelVersion) []check {
	var checks []check
	overridden := map[policy.CheckID]bool{}
	for _, c := range policy.DefaultChecks() {
		if c.Level == api.LevelRestricted && level.Level != api.LevelRestricted {
			continue
		}
		for _, v := range slices.Backward(c.Versions) {
			if level.Version.Older(v.MinimumVersion) {
				continue
			}
			checks = append(checks, check{c.ID, v})
			for _, id := range v.OverrideCheckIDs {
				overridden[id] = true
			}
			break
		}
	}
	return slices.DeleteFunc(checks, func(c check) bool { return overridden[c.id] })
}

// admitted is a pod as admission sees it: a volume without a source has become
// an emptyDir by then.
func admitted(pod *corev1.PodSpec) *corev1.PodSpec {
	spec := *pod
	spec.Volumes = slices.Clone(pod.Volumes)
	for i := range spec.Volumes {
		if v := &spec.Volumes[i]; v.VolumeSource == (corev1.VolumeSource{}) {
			v.EmptyDir = &corev1.EmptyDirVolumeSource{}
		}
	}
	return &spec
}

// checkedFields are what the checks look at, in the pod and in its containers.
var checkedFields = map[policy.CheckID]string{
	"allowPrivilegeEscalation":  "allowPrivilegeEscalation",
	"appArmorProfile":           "appArmorProfile",
	"capabilities_baseline":     "capabilities",
	"capabilities_restricted":   "capabilities",
	"privileged":                "privileged",
	"procMount":                 "procMount",
	"procMount_restricted":      "procMount",
	"runAsNonRoot":              "runAsNonRoot",
	"runAsUser":                 "runAsUser",
	"seLinuxOptions":            "seLinuxOptions",
	"seccompProfile_baseline":   "seccompProfile",
	"seccompProfile_restricted": "seccompProfile",
	"sysctls":                   "sysctls",
	"windowsHostProcess":        "windowsOptions",
}

// blame is the field for which a check refuses the pod; nil when that hangs on
// what is not known.
func blame(o *manifest.Object, w *manifest.Workload, pod *corev1.PodSpec, c check) *field.Path {
	if c.CheckPod(&metav1.ObjectMeta{}, pod).Allowed {
		return known(o, w.MetaPath.Child("annotations"))
	}
	refuses := func(change func(*corev1.PodSpec)) bool {
		spec := *pod
		spec.InitContainers, spec.Containers, spec.EphemeralContainers, spec.Volumes = nil, nil, nil, nil
		change(&spec)
		return !c.CheckPod(w.Meta, &spec).Allowed
	}
	if refuses(func(*corev1.PodSpec) {}) {
		return known(o, podField(w, c.id))
	}
	for i := range pod.Volumes {
		path := w.Path.Child("volumes").Index(i).Child(cmp.Or(restrictedSource(&pod.Volumes[i].VolumeSource), "hostPath"))
		if refuses(func(s *corev1.PodSpec) { s.Volumes = pod.Volumes[i : i+1] }) && known(o, path) != nil {
			return path
		}
	}
	name := checkedFields[c.id]
	if name != "" && known(o, w.SecurityPath().Child(name)) == nil {
		return nil
	}
	for _, container := range w.Containers() {
		path := containerField(container, c.id)
		if refuses(func(s *corev1.PodSpec) { s.Containers = []corev1.Container{*container.Container} }) && known(o, path) != nil {
			return path
		}
	}
	return nil
}

func podField(w *manifest.Workload, id policy.CheckID) *field.Path {
	switch name := checkedFields[id]; {
	case name != "":
		return w.SecurityPath().Child(name)
	case id != "hostNamespaces":
		return w.Path
	case w.Pod.HostNetwork:
		return w.Path.Child("hostNetwork")
	case w.Pod.HostPID:
		return w.Path.Child("hostPID")
	}
	return w.Path.Child("hostIPC")
}

func containerField(c *manifest.Container, id policy.CheckID) *field.Path {
	switch name := checkedFields[id]; {
	case name != "":
		return c.SecurityPath().Child(name)
	case id == "hostPorts":
		i := slices.IndexFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.HostPort != 0 })
		return c.Path.Child("ports").Index(max(i, 0)).Child("hostPort")
	case id == "hostProbesAndHostLifecycle":
		for _, h := range handlersOf(c) {
			if h.host != "" {
				return h.path.Child("host")
			}
		}
	}
	return c.Path
}

// known is the path, or nil when what stands there is filled in later.
func known(o *manifest.Object, path *field.Path) *field.Path {
	hits := manifest.Lookup(o.Node, path)
	last := hits[len(hits)-1].Value
	if len(hits) <= len(manifest.SplitPath(path.String())) && last.Kind != yaml.ScalarNode {
		// It is not written, and the rest of its parent says nothing of it.
		return path
	}
	if !(manifest.Value{Node: last}).Known() {
		return nil
	}
	return path
}

// shorten keeps a message to a line.
func shorten(s string) string {
	const most = 160
	if r := []rune(s); len(r) > most {
		return strings.TrimSpace(string(r[:most])) + "…"
	}
	return s
}
