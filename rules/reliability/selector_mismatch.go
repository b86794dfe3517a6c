package reliability

import (
	"fmt"
	"maps"
	"slices"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var selectorMismatch = &lint.Rule{
	ID:       "selector-mismatch",
	Title:    "selector does not match the labels of the pods",
	Why:      "A controller knows its pods by its selector. If the pods that it makes do not match, it would make more without end, and so the API server refuses it. It also refuses an empty selector, and one that a Job chooses itself without manualSelector.",
	Fix:      "Give the template the labels that the selector asks for. Once the workload is deployed, its selector can't be changed.",
	Since:    "0.1.0",
	Severity: lint.High,
	Category: lint.Reliability,
	Kinds: []schema.GroupKind{
		{Kind: "ReplicationController"},
		{Group: "apps", Kind: "DaemonSet"},
		{Group: "apps", Kind: "Deployment"},
		{Group: "apps", Kind: "ReplicaSet"},
		{Group: "apps", Kind: "StatefulSet"},
		{Group: "batch", Kind: "Job"},
		{Group: "extensions", Kind: "DaemonSet"},
		{Group: "extensions", Kind: "Deployment"},
		{Group: "extensions", Kind: "ReplicaSet"},
		{Group: "argoproj.io", Kind: "Rollout"},
	},
	Check: func(p *lint.Pass) {
		w, at := p.Workload(), field.NewPath("spec", "selector")
		s, generated := selectorOf(p.Object)
		// schema-validation speaks for a selector that is not there.
		if s == nil || w.IsZero() || !p.Object.ValueAt(at).Known() || !p.Object.ValueAt(w.MetaPath).Known() {
			return
		}
		empty := len(s.MatchLabels)+len(s.MatchExpressions) == 0
		switch {
		case generated && !empty:
			p.Report(at, "the API server makes the selector of a Job, and refuses one that is written")
		case generated:
		case empty:
			p.Report(at, "the selector is empty")
		default:
			if selector, err := metav1.LabelSelectorAsSelector(s); err == nil && !selector.Matches(labels.Set(w.Meta.Labels)) {
				path, what := mismatch(w, s)
				p.Report(path, "the selector asks for %s", what)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels:
      app: web
      tier: front
  template:
    metadata:
      labels:
        app: web
        tier: back # want: the selector asks for tier=front, and the pods have tier=back
    spec:
      containers:
        - name: web
          image: registry.example/web:1.4.2
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: db
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata:
      labels: # want: the selector asks for app=db, and the pods have no such label
        name: db
    spec:
      containers:
        - name: db
          image: registry.example/db:16.2
---
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: agent
spec:
  selector: # want: the selector is empty
    matchLabels: {}
  template:
    metadata: {labels: {app: agent}}
    spec:
      containers:
        - name: agent
          image: registry.example/agent:1.4.2
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata:
  name: api
spec:
  selector:
    matchExpressions:
      - {key: app, operator: In, values: [api, rest]}
  template:
    metadata:
      labels: # want: the selector asks for app in (api,rest)
        app: web
    spec:
      containers:
        - name: api
          image: registry.example/api:1.4.2
---
apiVersion: v1
kind: ReplicationController
metadata:
  name: old
spec:
  selector: {app: old}
  template:
    metadata:
      labels:
        app: new # want: app=old
    spec:
      containers:
        - name: old
          image: registry.example/old:1.4.2
-- bad-job.yaml --
apiVersion: batch/v1
kind: Job
metadata:
  name: import
spec:
  selector: # want: the API server makes the selector of a Job
    matchLabels: {app: import}
  template:
    metadata: {labels: {app: import}}
    spec:
      restartPolicy: Never
      containers:
        - name: import
          image: registry.example/import:1.0.0
---
apiVersion: batch/v1
kind: Job
metadata:
  name: by-hand
spec:
  manualSelector: true
  selector: {matchLabels: {app: by-hand}}
  template:
    metadata:
      labels:
        app: import # want: app=by-hand
    spec:
      restartPolicy: Never
      containers:
        - name: import
          image: registry.example/import:1.0.0
-- good.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels: {app: web}
    matchExpressions:
      - {key: tier, operator: NotIn, values: [back]}
  template:
    metadata: {labels: {app: web, version: "1"}}
    spec:
      containers:
        - name: web
          image: registry.example/web:1.4.2
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: substituted
spec:
  selector: {matchLabels: {app: "${APP}"}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: registry.example/web:1.4.2
---
# Its selector is its labels.
apiVersion: v1
kind: ReplicationController
metadata:
  name: old
spec:
  template:
    metadata: {labels: {app: old}}
    spec:
      containers:
        - name: old
          image: registry.example/old:1.4.2
---
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
---
# A Service selects others' pods.
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: {app: other}
  ports: [{port: 80}]
`,
}

// selectorOf is the selector of a controller, nil if it writes none; generated
// says that it may not.
func selectorOf(o *manifest.Object) (s *metav1.LabelSelector, generated bool) {
	v := o.Value("spec", "selector")
	if !v.Written() {
		return nil, false
	}
	s = &metav1.LabelSelector{}
	if (o.GroupKind() == schema.GroupKind{Kind: "ReplicationController"}) {
		// An empty one becomes the labels of the template.
		if v.Decode(&s.MatchLabels); len(s.MatchLabels) == 0 {
			return nil, false
		}
		return s, false
	}
	v.Decode(s)
	return s, o.GroupKind() == kindJob && !o.Value("spec", "manualSelector").True()
}

// mismatch is the first thing that a selector asks for and the pods of a
// workload do not have, and where it would be written.
func mismatch(w *manifest.Workload, s *metav1.LabelSelector) (*field.Path, string) {
	at := w.MetaPath.Child("labels")
	for _, key := range slices.Sorted(maps.Keys(s.MatchLabels)) {
		want := s.MatchLabels[key]
		if got, ok := w.Meta.Labels[key]; !ok {
			return at.Key(key), fmt.Sprintf("%s=%s, and the pods have no such label", key, want)
		} else if got != want {
			return at.Key(key), fmt.Sprintf("%s=%s, and the pods have %s=%s", key, want, key, got)
		}
	}
	return at, metav1.FormatLabelSelector(&metav1.LabelSelector{MatchExpressions: s.MatchExpressions})
}
