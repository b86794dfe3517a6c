package reliability

import (
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var kindCronJob = schema.GroupKind{Group: "batch", Kind: "CronJob"}

var cronjobInventory = &lint.Rule{
	ID:         "cronjob-inventory",
	Title:      "CronJob runs something by schedule",
	Why:        "Who has broken into a cluster likes to come back by schedule: a CronJob starts the attacker's container again after everything else was cleaned up. This is no fault, but a list of what runs so, to compare with what should.",
	Fix:        "See that the CronJob is known and wanted; ignore it with the reason.",
	Since:      "0.1.0",
	Severity:   lint.Info,
	Category:   lint.Reliability,
	Frameworks: []string{"MITRE:T1053.007"},
	Profile:    lint.All,
	Kinds:      []schema.GroupKind{kindCronJob},
	Check: func(p *lint.Pass) {
		v := p.Object.Value("spec", "schedule")
		p.Report(v.Path, "CronJob %q runs at %q", p.Object.Name, v.Text())
	},
	Examples: `
-- bad.yaml --
apiVersion: batch/v1
kind: CronJob
metadata:
  name: report
spec:
  schedule: "0 3 * * *" # want: CronJob "report" runs at "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
            - name: report
              image: registry.example/report:1.0.0
-- good.yaml --
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
