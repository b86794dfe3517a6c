package reliability

import (
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var cronjobConcurrencyAllowed = &lint.Rule{
	ID:       "cronjob-concurrency-allowed",
	Title:    "runs of a CronJob may overlap",
	Why:      "Unless the CronJob says otherwise, a run starts also while the one before still goes on. Two of them may disturb each other, and runs that hang add up until the namespace or the cluster is full.",
	Fix:      "Set concurrencyPolicy to Forbid or Replace.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.Reliability,
	Profile:  lint.All,
	Kinds:    []schema.GroupKind{kindCronJob},
	Check: func(p *lint.Pass) {
		v := p.Object.Value("spec", "concurrencyPolicy")
		if text := v.Text(); text == "" || text == "Allow" {
			p.Report(v.Path, "CronJob %q starts a run while the one before still goes on", p.Object.Name)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: batch/v1
kind: CronJob
metadata:
  name: report
spec: # want: CronJob "report" starts a run while the one before still goes on
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
            - name: report
              image: registry.example/report:1.0.0
---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: mail
spec:
  schedule: "0 3 * * *"
  concurrencyPolicy: Allow # want: CronJob "mail"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
            - name: mail
              image: registry.example/mail:1.0.0
-- good.yaml --
apiVersion: batch/v1
kind: CronJob
metadata:
  name: report
spec:
  schedule: "0 3 * * *"
  concurrencyPolicy: Forbid
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
            - name: report
              image: registry.example/report:1.0.0
---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: substituted
spec:
  schedule: "0 3 * * *"
  concurrencyPolicy: ${POLICY}
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
            - name: report
              image: registry.example/report:1.0.0
`,
}
