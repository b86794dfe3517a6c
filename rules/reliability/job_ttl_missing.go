package reliability

import (
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var kindJob = schema.GroupKind{Group: "batch", Kind: "Job"}

var jobTTLMissing = &lint.Rule{
	ID:       "job-ttl-missing",
	Title:    "finished Job stays for ever",
	Why:      "A Job and its pods are kept after it has finished, until somebody deletes them. They add up, and the Job can't be applied again with another image, since its template can't be changed.",
	Fix:      "Set ttlSecondsAfterFinished. Leave it out where Flux or Argo CD deploys the Job: they would run it again when it is gone.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.Reliability,
	Profile:  lint.All,
	Kinds:    []schema.GroupKind{kindJob},
	Check: func(p *lint.Pass) {
		// Of a hook the one before is deleted, unless it says otherwise
		// (https://helm.sh/docs/topics/charts_hooks/,
		// https://argo-cd.readthedocs.io/en/stable/user-guide/resource_hooks/).
		if p.Unit.Reconciled || hook(p.Object) || p.Object.Value("metadata", "ownerReferences").Len() > 0 {
			return
		}
		if v := p.Object.Value("spec", "ttlSecondsAfterFinished"); !v.Written() {
			p.Report(v.Path, "Job %q is kept after it has finished", p.Object.Name)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: batch/v1
kind: Job
metadata:
  name: import
spec: # want: Job "import" is kept after it has finished
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: import
          image: registry.example/import:1.0.0
-- good.yaml --
apiVersion: batch/v1
kind: Job
metadata:
  name: import
spec:
  ttlSecondsAfterFinished: 0
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: import
          image: registry.example/import:1.0.0
---
apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
  annotations:
    helm.sh/hook: pre-upgrade
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: migrate
          image: registry.example/migrate:1.0.0
---
# A CronJob keeps as many as its history limits say.
apiVersion: batch/v1
kind: CronJob
metadata:
  name: report
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
            - name: report
              image: registry.example/report:1.0.0
-- good-reconciled.yaml --
# unit: reconciled
apiVersion: batch/v1
kind: Job
metadata:
  name: import
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: import
          image: registry.example/import:1.0.0
`,
}
