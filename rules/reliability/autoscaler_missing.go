package reliability

import (
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var autoscalerMissing = &lint.Rule{
	ID:       "autoscaler-missing",
	Title:    "workload has no autoscaler",
	Why:      "Without an autoscaler a workload keeps the size that somebody once guessed: too small when the load grows, too large for the rest of the time.",
	Fix:      "Add a HorizontalPodAutoscaler or a ScaledObject for it; or a VerticalPodAutoscaler, at least with updateMode Off, which tells what it should request.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.Reliability,
	Profile:  lint.All,
	Kinds:    autoscaledKinds,
	Joins:    autoscalerKinds,
	CheckAll: func(p *lint.Pass) {
		for _, o := range kindsOf(p, autoscaledKinds) {
			replicas := o.Value("spec", "replicas")
			// What is switched off needs none.
			if replicas.Text() == "0" || len(scalersOf(p, o)) > 0 || !p.Complete(o.Namespace) {
				continue
			}
			p.ReportOn(o, p.Rule.Severity, replicas.Path, "%s %q is scaled by nothing", o.GVK.Kind, o.Name)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 3 # want: Deployment "web" is scaled by nothing
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example/web:1.4.2"}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web, namespace: shop}
spec: # want: StatefulSet "web" is scaled by nothing
  serviceName: web
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example/web:1.4.2"}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: other}
spec:
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
-- good.yaml --
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example/web:1.4.2"}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec:
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: "registry.example/db:16.2"}]}
---
apiVersion: autoscaling.k8s.io/v1
kind: VerticalPodAutoscaler
metadata: {name: db, namespace: shop}
spec:
  targetRef: {apiVersion: apps/v1, kind: StatefulSet, name: db}
  updatePolicy: {updateMode: "Off"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: "off", namespace: shop}
spec:
  replicas: 0
  selector: {matchLabels: {app: "off"}}
  template:
    metadata: {labels: {app: "off"}}
    spec: {containers: [{name: "off", image: "registry.example/off:1.4.2"}]}
---
# One on every node.
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: log, namespace: shop}
spec:
  selector: {matchLabels: {app: log}}
  template:
    metadata: {labels: {app: log}}
    spec: {containers: [{name: log, image: "registry.example/log:0.9.0"}]}
-- good-incomplete.yaml --
# incomplete
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example/web:1.4.2"}]}
`,
}

var autoscaledKinds = []schema.GroupKind{{Group: "apps", Kind: "Deployment"}, {Group: "apps", Kind: "StatefulSet"}}
