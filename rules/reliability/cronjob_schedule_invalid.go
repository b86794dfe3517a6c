package reliability

import (
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/version"
)

var (
	kindVeleroSchedule = schema.GroupKind{Group: "velero.io", Kind: "Schedule"}
	kindAppProject     = schema.GroupKind{Group: "argoproj.io", Kind: "AppProject"}
)

var cronjobScheduleInvalid = &lint.Rule{
	ID:       "cronjob-schedule-invalid",
	Title:    "schedule can't be read, or never comes",
	Why:      "The API server refuses a CronJob whose schedule or time zone it can't read. Velero and Argo CD accept the object: no backup is ever made, and no sync window ever opens or closes. A schedule for a day that no month has is accepted by all of them, and nothing ever runs.",
	Fix:      "Write five fields (minute, hour, day of month, month, day of week), or a name such as @daily where it is allowed, and the time zone in timeZone.",
	Since:    "0.1.0",
	Severity: lint.High,
	Category: lint.Reliability,
	Kinds:    []schema.GroupKind{kindCronJob, kindVeleroSchedule, kindAppProject},
	Check: func(p *lint.Pass) {
		spec := p.Object.Value("spec")
		switch p.Object.GroupKind() {
		case kindAppProject:
			for _, w := range spec.Get("syncWindows").Items() {
				// Argo CD takes no names such as @daily, and where it does not
				// know a zone, it takes UTC (SyncWindow.Validate in argo-cd,
				// pkg/apis/application/v1alpha1/types.go).
				checkSchedule(p, w.Get("schedule"), false)
				checkZone(p, w.Get("timeZone"))
			}
		case kindVeleroSchedule:
			checkSchedule(p, spec.Get("schedule"), true)
		default:
			checkCronJob(p, spec.Get("schedule"), spec.Get("timeZone"))
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: batch/v1
kind: CronJob
metadata:
  name: report
spec:
  schedule: "0 25 * * *" # want: schedule "0 25 * * *" can't be read: end of range (25) above maximum (23)
  timeZone: Europe/Atlantis # want: there is no time zone "Europe/Atlantis"
  jobTemplate: &job
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
            - name: report
              image: registry.example/report:1.0.0
---
# Six fields: somebody's cron knows seconds.
apiVersion: batch/v1
kind: CronJob
metadata:
  name: seconds
spec:
  schedule: "0 0 3 * * *" # want: expected exactly 5 fields, found 6
  timeZone: Local # want: names no zone
  jobTemplate: *job
---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: reboot
spec:
  schedule: "@reboot" # want: can't be read
  timeZone: "" # want: names no zone
  jobTemplate: *job
---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: zone
spec:
  schedule: TZ=Europe/Berlin 0 3 * * * # want: names a time zone, which belongs in timeZone
  jobTemplate: *job
---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: never
spec:
  schedule: "0 3 30 2 *" # want: schedule "0 3 30 2 *" never comes
  timeZone: ../etc/passwd # want: there is no time zone
  jobTemplate: *job
-- bad-old.yaml --
# kubernetes: 1.28
apiVersion: batch/v1
kind: CronJob
metadata:
  name: report
spec:
  schedule: CRON_TZ=UTC 0 3 * * * # want: names a time zone
  timeZone: Etc/UTC
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
            - name: report
              image: registry.example/report:1.0.0
-- bad-velero.yaml --
apiVersion: velero.io/v1
kind: Schedule
metadata:
  name: nightly
spec:
  schedule: 3 in the morning # want: schedule "3 in the morning" can't be read
  template: {}
---
apiVersion: velero.io/v1
kind: Schedule
metadata:
  name: zone
spec:
  schedule: CRON_TZ=Mars/Olympus 0 3 * * * # want: there is no time zone "Mars/Olympus"
  template: {}
---
apiVersion: velero.io/v1
kind: Schedule
metadata:
  name: cut
spec:
  schedule: TZ=UTC # want: can't be read
  template: {}
-- bad-argo.yaml --
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata:
  name: shop
spec:
  syncWindows:
    - kind: allow
      schedule: "@daily" # want: can't be read
      duration: 1h
    - kind: deny
      schedule: "0 22 * * *"
      duration: 8h
      timeZone: Europe/Londn # want: there is no time zone "Europe/Londn"
-- good.yaml --
apiVersion: batch/v1
kind: CronJob
metadata:
  name: report
spec:
  schedule: "*/5 8-18 1,15 JAN-DEC mon-fri"
  timeZone: America/Argentina/Buenos_Aires
  jobTemplate: &job
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
  name: daily
spec:
  schedule: "@daily"
  timeZone: Etc/GMT+3
  jobTemplate: *job
---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: every
spec:
  schedule: "@every 1h30m"
  jobTemplate: *job
---
# In leap years.
apiVersion: batch/v1
kind: CronJob
metadata:
  name: leap
spec:
  schedule: 0 3 29 2 ?
  jobTemplate: *job
---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: substituted
spec:
  schedule: ${SCHEDULE}
  timeZone: ${ZONE}
  jobTemplate: *job
---
apiVersion: velero.io/v1
kind: Schedule
metadata:
  name: nightly
spec:
  schedule: CRON_TZ=Europe/Berlin 0 3 * * *
  template: {}
---
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata:
  name: shop
spec:
  syncWindows:
    - {kind: allow, schedule: "0 3 * * *", duration: 1h, timeZone: Europe/Berlin}
---
# Another Schedule.
apiVersion: chaos-mesh.org/v1alpha1
kind: Schedule
metadata:
  name: chaos
spec:
  schedule: "@midnight-ish"
-- good-old.yaml --
# Refused since 1.29 only.
# kubernetes: 1.28
apiVersion: batch/v1
kind: CronJob
metadata:
  name: report
spec:
  schedule: CRON_TZ=UTC 0 3 * * *
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

// checkCronJob follows validateCronJobSpec in k8s.io/kubernetes
// pkg/apis/batch/validation.
func checkCronJob(p *lint.Pass, schedule, zone manifest.Value) {
	// https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#unsupported-timezone-spec
	refused := p.KubeVersion(p.Object).AtLeast(version.MajorMinor(1, 29)) || zone.Written()
	if schedule.Known() && strings.Contains(schedule.Text(), "TZ") && refused {
		p.Report(schedule.Path, "schedule %q names a time zone, which belongs in timeZone", clip(schedule.Text()))
	} else {
		checkSchedule(p, schedule, true)
	}
	switch {
	case !zone.Written() || !zone.Known():
	case zone.Text() == "" || strings.EqualFold(zone.Text(), "Local"):
		p.Report(zone.Path, "timeZone is %q, which names no zone", zone.Text())
	default:
		checkZone(p, zone)
	}
}

// checkSchedule reports a schedule that can't be read, or never comes.
// schema-validation speaks for one that is not there.
func checkSchedule(p *lint.Pass, v manifest.Value, named bool) {
	if !v.Written() || !v.Known() {
		return
	}
	if fault := scheduleFault(v.Text(), named); fault != "" {
		p.Report(v.Path, "schedule %q %s", clip(v.Text()), fault)
	}
}

func checkZone(p *lint.Pass, v manifest.Value) {
	if v.Text() != "" && v.Known() && !isZone(v.Text()) {
		p.Report(v.Path, "there is no time zone %q", clip(v.Text()))
	}
}
