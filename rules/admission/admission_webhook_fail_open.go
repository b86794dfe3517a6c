package admission

import (
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var admissionWebhookFailOpen = &lint.Rule{
	ID: "admission-webhook-fail-open", Severity: lint.Low, Category: lint.Admission, Since: "0.1.0",
	Title:   "policy engine lets everything through when it does not answer",
	Why:     "With failurePolicy Ignore the API server takes an object unchecked when the webhook is down, slow or overloaded. Who can make it so, by a flood of requests or by the eviction of its pods, gets past every policy.",
	Fix:     "Set failurePolicy to Fail, run the engine with several replicas, and leave kube-system and its own namespace out by a namespaceSelector, so that the cluster can start without it.",
	Profile: lint.Strict,
	Kinds:   []schema.GroupKind{kindValidating, kindMutating},
	Options: []lint.Option{{
		Name:    "engines",
		Doc:     "Names of the webhooks of policy engines; * stands for any characters.",
		Default: []string{"*.gatekeeper.sh", "*kyverno*", "*kubewarden*", "*.sigstore.dev", "*connaisseur*", "*ratify*", "*portieris*", "*.openpolicyagent.org", "*jspolicy*", "*.stackrox.io"},
		Valid:   lint.Glob,
	}},
	Check: func(p *lint.Pass) {
		for _, w := range p.Object.Value("webhooks").Items() {
			name := w.Get("name").Text()
			if !p.Matches("engines", name) {
				continue
			}
			policy := w.Get("failurePolicy")
			switch {
			case policy.Text() == "Ignore":
				p.Report(policy.Path, "webhook %q is passed over when it does not answer", name)
			case !policy.Written() && p.Object.GVK.Version == "v1beta1":
				// https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#failure-policy
				p.Report(policy.Path, "webhook %q is passed over when it does not answer, as v1beta1 has it by default", name)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata:
  name: gatekeeper-validating-webhook-configuration
webhooks:
  - name: validation.gatekeeper.sh
    failurePolicy: Ignore # want: webhook "validation.gatekeeper.sh" is passed over
    sideEffects: None
    admissionReviewVersions: [v1]
    clientConfig: {service: {name: gatekeeper, namespace: gatekeeper-system}}
-- bad-old.yaml --
apiVersion: admissionregistration.k8s.io/v1beta1
kind: MutatingWebhookConfiguration
metadata:
  name: policies
webhooks:
  - name: mutate.kyverno.svc # want: as v1beta1 has it by default
    clientConfig: {service: {name: kyverno, namespace: kyverno}}
-- bad-options.yaml --
# options: engines=*.acme.example
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata:
  name: ours
webhooks:
  - name: policy.acme.example
    failurePolicy: Ignore # want: "policy.acme.example"
    sideEffects: None
    admissionReviewVersions: [v1]
    clientConfig: {service: {name: policy, namespace: policy}}
-- good.yaml --
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata:
  name: mixed
webhooks:
  - name: check-ignore-label.gatekeeper.sh
    failurePolicy: Fail
    sideEffects: None
    admissionReviewVersions: [v1]
    clientConfig: {service: {name: gatekeeper, namespace: gatekeeper-system}}
  # Since v1 the default is Fail.
  - name: validate.kyverno.svc
    sideEffects: None
    admissionReviewVersions: [v1]
    clientConfig: {service: {name: kyverno, namespace: kyverno}}
  # No policy engine: what it sets can be set later.
  - name: sidecar.example.com
    failurePolicy: Ignore
    sideEffects: None
    admissionReviewVersions: [v1]
    clientConfig: {service: {name: sidecar, namespace: sidecar}}
`,
}
