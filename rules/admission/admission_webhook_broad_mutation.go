package admission

import (
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var admissionWebhookBroadMutation = &lint.Rule{
	ID: "admission-webhook-broad-mutation", Severity: lint.Low, Category: lint.Admission, Since: "0.1.0",
	Title:   "mutating webhook may change every object",
	Why:     "Each write to the cluster, those of the system included, passes through this webhook. When it is down nothing can be written, maybe not even the pods that would bring it back; and who controls it can change every object on its way, Secrets included.",
	Fix:     "Name the groups and resources that the webhook is for, and leave kube-system and the webhook's own namespace out by a namespaceSelector.",
	Profile: lint.All,
	Kinds:   []schema.GroupKind{kindMutating},
	Check: func(p *lint.Pass) {
		c, ok := p.Object.Typed().(*admissionregistrationv1.MutatingWebhookConfiguration)
		if !ok {
			return
		}
		for i := range c.Webhooks {
			w := &c.Webhooks[i]
			if narrows(w.NamespaceSelector) || narrows(w.ObjectSelector) || len(w.MatchConditions) > 0 {
				continue
			}
			for j := range w.Rules {
				if all(w.Rules[j].APIGroups, "*") && all(w.Rules[j].Resources, "*", "*/*") && known(p.Object, i) {
					p.Report(field.NewPath("webhooks").Index(i).Child("rules").Index(j).Child("resources"), "webhook %q is called for every resource in every namespace", w.Name)
				}
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata:
  name: stamp
webhooks:
  - name: stamp.example.com
    sideEffects: None
    admissionReviewVersions: [v1]
    namespaceSelector: {}
    clientConfig: {service: {name: stamp, namespace: stamp}}
    rules:
      - apiGroups: ["*"]
        apiVersions: ["*"]
        operations: [CREATE]
        resources: ["*"] # want: webhook "stamp.example.com" is called for every resource
      - apiGroups: [""]
        apiVersions: [v1]
        operations: [CREATE]
        resources: [pods]
-- good.yaml --
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata:
  name: stamp
webhooks:
  - name: selected.example.com
    sideEffects: None
    admissionReviewVersions: [v1]
    namespaceSelector:
      matchExpressions:
        - {key: kubernetes.io/metadata.name, operator: NotIn, values: [kube-system, stamp]}
    clientConfig: {service: {name: stamp, namespace: stamp}}
    rules:
      - {apiGroups: ["*"], apiVersions: ["*"], operations: [CREATE], resources: ["*"]}
  - name: conditions.example.com
    sideEffects: None
    admissionReviewVersions: [v1]
    matchConditions:
      - {name: not-system, expression: "request.namespace != 'kube-system'"}
    clientConfig: {service: {name: stamp, namespace: stamp}}
    rules:
      - {apiGroups: ["*"], apiVersions: ["*"], operations: [CREATE], resources: ["*/*"]}
  - name: pods.example.com
    sideEffects: None
    admissionReviewVersions: [v1]
    clientConfig: {service: {name: stamp, namespace: stamp}}
    rules:
      - {apiGroups: ["*"], apiVersions: ["*"], operations: [CREATE], resources: [pods]}
---
# It changes nothing.
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata:
  name: watch
webhooks:
  - name: watch.example.com
    sideEffects: None
    admissionReviewVersions: [v1]
    clientConfig: {service: {name: watch, namespace: watch}}
    rules:
      - {apiGroups: ["*"], apiVersions: ["*"], operations: [CREATE], resources: ["*"]}
`,
}

// narrows says that a selector leaves something out.
func narrows(s *metav1.LabelSelector) bool {
	return s != nil && len(s.MatchLabels)+len(s.MatchExpressions) > 0
}

// all says that a list has a word that stands for everything.
func all(list []string, words ...string) bool {
	for _, text := range list {
		for _, w := range words {
			if text == w {
				return true
			}
		}
	}
	return false
}

// known says that the selectors of a webhook are what the cluster will see.
func known(o *manifest.Object, webhook int) bool {
	w := o.Value("webhooks").Items()[webhook]
	return w.Get("namespaceSelector").Known() && w.Get("objectSelector").Known()
}
