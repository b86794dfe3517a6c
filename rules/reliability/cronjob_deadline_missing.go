package reliability

import (
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var cronjobDeadlineMissing = &lint.Rule{
	ID:       "cronjob-deadline-missing",
	Title:    "CronJob has no starting deadline",
	Why:      "A run that was missed, because the control plane was away or the run before still went on, is started as soon as it can be, however late: the nightly job then runs at noon.",
	Fix:      "Set startingDeadlineSeconds to how late a run may start, and not below 10: the controller looks only every 10 seconds.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.Reliability,
	Profile:  lint.All,
	Kinds:    []schema.GroupKind{kindCronJob},
	Check: func(p *lint.Pass) {
		if v := p.Object.Value("spec", "startingDeadlineSeconds"); !v.Written() {
			p.Report(v.Path, "a run of CronJob %q that was missed starts however late it is", p.Object.Name)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: batch/v1
kind: CronJob
metadata:
  name: report
spec: # want: a run of CronJob "report" that was missed starts however late it is
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
            - name: report
              image: registry.example/report:1.0.0
-- good.yaml --
apiVersion: batch/v1beta1
kind: CronJob
metadata:
  name: report
spec:
  schedule: "0 3 * * *"
  startingDeadlineSeconds: ${DEADLINE}
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
