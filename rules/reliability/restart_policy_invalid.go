package reliability

import (
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var restartPolicyInvalid = &lint.Rule{
	ID:       "restart-policy-invalid",
	Title:    "restart policy does not fit the kind",
	Why:      "The pods of a Deployment, a StatefulSet or a DaemonSet run on and must always be restarted; those of a Job end, and must not be. The API server refuses anything else, and a Job that does not say which policy it wants, since the default is Always.",
	Fix:      "Set restartPolicy to Never or OnFailure for a Job, and leave it out elsewhere.",
	Since:    "0.1.0",
	Severity: lint.High,
	Category: lint.Reliability,
	Kinds:    lint.Workloads,
	Check: func(p *lint.Pass) {
		w := p.Workload()
		policies := restartPolicies(p.Object)
		policy := w.Pod.RestartPolicy
		if policy == "" {
			policy = corev1.RestartPolicyAlways
		}
		if w.IsZero() || len(policies) == 0 || slices.Contains(policies, policy) || !manifest.Known(string(policy)) {
			return
		}
		at := w.Path.Child("restartPolicy")
		if w.Pod.RestartPolicy == "" {
			p.Report(at, "restartPolicy is not set, and must be %s", oneOf(policies))
			return
		}
		p.Report(at, "restartPolicy is %q, and must be %s", policy, oneOf(policies))
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      restartPolicy: OnFailure # want: restartPolicy is "OnFailure", and must be Always
      containers:
        - name: web
          image: registry.example/web:1.4.2
---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: report
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec: # want: restartPolicy is not set, and must be OnFailure or Never
          containers:
            - name: report
              image: registry.example/report:1.0.0
---
apiVersion: batch/v1
kind: Job
metadata:
  name: import
spec:
  template:
    spec:
      restartPolicy: Always # want: restartPolicy is "Always", and must be OnFailure or Never
      containers:
        - name: import
          image: registry.example/import:1.0.0
---
# Exit codes are seen only if the container is not restarted.
apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
spec:
  podFailurePolicy:
    rules:
      - action: FailJob
        onExitCodes: {operator: In, values: [42]}
  template:
    spec:
      restartPolicy: OnFailure # want: must be Never
      containers:
        - name: migrate
          image: registry.example/migrate:1.0.0
---
apiVersion: v1
kind: Pod
metadata:
  name: once
spec:
  restartPolicy: never # want: restartPolicy is "never", and must be Always, OnFailure or Never
  containers:
    - name: once
      image: registry.example/once:1.0.0
---
# Of an older version.
apiVersion: batch/v1beta1
kind: CronJob
metadata:
  name: old
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Always # want: must be OnFailure or Never
          containers:
            - name: old
              image: registry.example/old:1.0.0
-- good-rollout.yaml --
# Argo's controller is asked here, not the API server.
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      restartPolicy: OnFailure
      containers:
        - name: web
          image: registry.example/web:1.4.2
-- good.yaml --
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: db
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      # A sidecar is restarted by itself.
      initContainers:
        - name: log
          image: registry.example/log:0.9.0
          restartPolicy: Always
      containers:
        - name: db
          image: registry.example/db:16.2
---
apiVersion: batch/v1
kind: Job
metadata:
  name: import
spec:
  template:
    spec:
      restartPolicy: OnFailure
      containers:
        - name: import
          image: registry.example/import:1.0.0
---
apiVersion: batch/v1
kind: Job
metadata:
  name: substituted
spec:
  template:
    spec:
      restartPolicy: ${POLICY}
      containers:
        - name: import
          image: registry.example/import:1.0.0
---
apiVersion: v1
kind: Pod
metadata:
  name: once
spec:
  restartPolicy: Never
  containers:
    - name: once
      image: registry.example/once:1.0.0
`,
}

// restartPolicies are those that the API server allows the pods of an object
// (k8s.io/kubernetes pkg/apis/apps/validation and batch/validation); none where
// another server decides.
func restartPolicies(o *manifest.Object) []corev1.RestartPolicy {
	ends := []corev1.RestartPolicy{corev1.RestartPolicyOnFailure, corev1.RestartPolicyNever}
	job := o.Value("spec")
	switch kind := o.GroupKind(); {
	case kind == schema.GroupKind{Kind: "Pod"} || kind == schema.GroupKind{Kind: "PodTemplate"}:
		return append([]corev1.RestartPolicy{corev1.RestartPolicyAlways}, ends...)
	case kind == kindCronJob:
		job = job.Get("jobTemplate", "spec")
	case kind == kindJob:
	case kind.Group == "" || kind.Group == "apps" || kind.Group == "extensions":
		return []corev1.RestartPolicy{corev1.RestartPolicyAlways}
	default:
		return nil
	}
	if job.Get("podFailurePolicy").Written() {
		return ends[1:]
	}
	return ends
}

func oneOf(policies []corev1.RestartPolicy) string {
	words := make([]string, len(policies))
	for i, p := range policies {
		words[i] = string(p)
	}
	last := words[len(words)-1]
	if len(words) == 1 {
		return last
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + last
}
