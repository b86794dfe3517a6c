package api

import (
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// addons are versions of custom kinds that are deprecated or gone. As of November
// 2026; to bring it up to date, read the sources again and add what is new.
//
// Sources: cert-manager https://cert-manager.io/docs/releases/upgrading/remove-deprecated-apis/;
// External Secrets and Gateway API, the versions that their definitions serve by
// release (config/crds/bases and config/crd); Flux, the changelogs of its
// controllers (source-controller 1.7 and 1.8, kustomize-controller 1.7 and 1.8,
// helm-controller 1.4 and 1.5, notification-controller 1.7 and 1.9,
// image-automation-controller 1.0 and 1.2); Istio
// https://istio.io/latest/blog/2021/migrate-alpha-policy/; Karpenter
// https://karpenter.sh/docs/upgrading/upgrade-guide/; KEDA
// https://keda.sh/docs/latest/migration/; the snapshot controller
// https://github.com/kubernetes-csi/external-snapshotter/releases/tag/v6.0.0; Traefik
// https://doc.traefik.io/traefik/migration/v2-to-v3-details/.
//
// A line is the version, the kinds (* for all), gone or deprecated, since when, and
// what replaces it after an arrow.
const addons = `
acme.cert-manager.io/v1alpha2 * gone cert-manager 1.6 -> acme.cert-manager.io/v1
acme.cert-manager.io/v1alpha3 * gone cert-manager 1.6 -> acme.cert-manager.io/v1
acme.cert-manager.io/v1beta1 * gone cert-manager 1.6 -> acme.cert-manager.io/v1
cert-manager.io/v1alpha2 * gone cert-manager 1.6 -> cert-manager.io/v1
cert-manager.io/v1alpha3 * gone cert-manager 1.6 -> cert-manager.io/v1
cert-manager.io/v1beta1 * gone cert-manager 1.6 -> cert-manager.io/v1
certmanager.k8s.io/v1alpha1 * gone cert-manager 0.11 -> cert-manager.io/v1

authentication.istio.io/v1alpha1 * gone Istio 1.6 -> security.istio.io/v1
rbac.istio.io/v1alpha1 * gone Istio 1.6 -> security.istio.io/v1

external-secrets.io/v1alpha1 ExternalSecret,SecretStore,ClusterSecretStore gone External Secrets 0.16 -> external-secrets.io/v1
external-secrets.io/v1beta1 ExternalSecret,ClusterExternalSecret,SecretStore,ClusterSecretStore gone External Secrets 0.17 -> external-secrets.io/v1

gateway.networking.k8s.io/v1alpha2 GatewayClass,Gateway,HTTPRoute gone Gateway API 1.0 -> gateway.networking.k8s.io/v1
gateway.networking.k8s.io/v1alpha2 GRPCRoute gone Gateway API 1.2 -> gateway.networking.k8s.io/v1
gateway.networking.k8s.io/v1alpha2 ReferenceGrant gone Gateway API 1.2 -> gateway.networking.k8s.io/v1beta1
gateway.networking.k8s.io/v1alpha2 BackendTLSPolicy gone Gateway API 1.1 -> gateway.networking.k8s.io/v1
gateway.networking.k8s.io/v1alpha2 TLSRoute deprecated Gateway API 1.5 -> gateway.networking.k8s.io/v1
gateway.networking.k8s.io/v1alpha3 TLSRoute deprecated Gateway API 1.5 -> gateway.networking.k8s.io/v1
gateway.networking.k8s.io/v1alpha2 TCPRoute,UDPRoute deprecated Gateway API 1.6 -> gateway.networking.k8s.io/v1
gateway.networking.k8s.io/v1alpha3 BackendTLSPolicy deprecated Gateway API 1.4 -> gateway.networking.k8s.io/v1

helm.toolkit.fluxcd.io/v2beta1 HelmRelease gone Flux 2.7 -> helm.toolkit.fluxcd.io/v2
helm.toolkit.fluxcd.io/v2beta2 HelmRelease gone Flux 2.8 -> helm.toolkit.fluxcd.io/v2
image.toolkit.fluxcd.io/v1beta1 * gone Flux 2.7 -> image.toolkit.fluxcd.io/v1
image.toolkit.fluxcd.io/v1beta2 * gone Flux 2.9 -> image.toolkit.fluxcd.io/v1
kustomize.toolkit.fluxcd.io/v1beta1 Kustomization gone Flux 2.7 -> kustomize.toolkit.fluxcd.io/v1
kustomize.toolkit.fluxcd.io/v1beta2 Kustomization gone Flux 2.8 -> kustomize.toolkit.fluxcd.io/v1
notification.toolkit.fluxcd.io/v1beta1 Receiver gone Flux 2.7 -> notification.toolkit.fluxcd.io/v1
notification.toolkit.fluxcd.io/v1beta2 Receiver gone Flux 2.9 -> notification.toolkit.fluxcd.io/v1
notification.toolkit.fluxcd.io/v1beta1 Alert,Provider gone Flux 2.7 -> notification.toolkit.fluxcd.io/v1beta3
notification.toolkit.fluxcd.io/v1beta2 Alert,Provider gone Flux 2.9 -> notification.toolkit.fluxcd.io/v1beta3
source.toolkit.fluxcd.io/v1beta1 * gone Flux 2.7 -> source.toolkit.fluxcd.io/v1
source.toolkit.fluxcd.io/v1beta2 * gone Flux 2.8 -> source.toolkit.fluxcd.io/v1

keda.k8s.io/v1alpha1 * gone KEDA 2.0 -> keda.sh/v1alpha1

karpenter.sh/v1alpha5 Provisioner gone Karpenter 0.33 -> NodePool of karpenter.sh/v1
karpenter.k8s.aws/v1alpha1 AWSNodeTemplate gone Karpenter 0.33 -> EC2NodeClass of karpenter.k8s.aws/v1
karpenter.sh/v1beta1 * gone Karpenter 1.1 -> karpenter.sh/v1
karpenter.k8s.aws/v1beta1 * gone Karpenter 1.1 -> karpenter.k8s.aws/v1

snapshot.storage.k8s.io/v1alpha1 * gone external-snapshotter 2.0 -> snapshot.storage.k8s.io/v1
snapshot.storage.k8s.io/v1beta1 * gone external-snapshotter 6.0 -> snapshot.storage.k8s.io/v1

traefik.containo.us/v1alpha1 * gone Traefik 3.0 -> traefik.io/v1alpha1
`

// addon is what became of a version of a custom kind.
type addon struct {
	gone               bool
	since, replacement string
}

var addonVersions = sync.OnceValue(func() map[schema.GroupVersionKind]addon {
	all := map[schema.GroupVersionKind]addon{}
	for line := range strings.Lines(addons) {
		line, replacement, ok := strings.Cut(strings.TrimSpace(line), " -> ")
		words := strings.Fields(line)
		if !ok || len(words) < 4 {
			continue
		}
		a := addon{gone: words[2] == "gone", since: strings.Join(words[3:], " "), replacement: replacement}
		for kind := range strings.SplitSeq(words[1], ",") {
			all[groupVersion(words[0]).WithKind(kind)] = a
		}
	}
	return all
})

// addonOf is what is known of a version of a custom kind.
func addonOf(gvk schema.GroupVersionKind) (addon, bool) {
	a, ok := addonVersions()[gvk]
	if !ok {
		a, ok = addonVersions()[gvk.GroupVersion().WithKind("*")]
	}
	return a, ok
}
