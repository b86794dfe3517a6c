package cluster

import (
	"net/netip"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
)

// Private says that an object that opens a way into the cluster says itself that
// the way is open to a private network only: by the provider's annotation for an
// internal load balancer, by an address that is not routed on the internet, or
// by the class or the Gateway that it names.
func Private(o *manifest.Object) bool {
	annotations := o.Value("metadata", "annotations")
	for key, v := range annotations.Entries() {
		if privateAnnotation(key, v.Text()) {
			return true
		}
	}
	spec := o.Value("spec")
	switch o.GVK.Kind {
	case "Service":
		return privateAddresses(spec.Get("loadBalancerIP").Text()) || privateBalancer(annotations, spec.Get("loadBalancerClass").Text())
	case "Ingress":
		class := IngressClass(o).Text()
		// https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/#scheme
		return calledPrivate(class) || class == "alb" && annotations.Get("alb.ingress.kubernetes.io/scheme").Text() != "internet-facing"
	case "VirtualService":
		return allPrivate(spec.Get("gateways").Texts())
	case "IngressRoute":
		return allPrivate(spec.Get("entryPoints").Texts()) || calledPrivate(annotations.Get("kubernetes.io/ingress.class").Text())
	case "HTTPProxy":
		return calledPrivate(spec.Get("ingressClassName").Text())
	case "Gateway":
		return calledPrivate(o.Name) || calledPrivate(spec.Get("gatewayClassName").Text()) || privateGateway(spec)
	}
	var parents []string
	for _, p := range spec.Get("parentRefs").Items() {
		parents = append(parents, p.Get("name").Text())
	}
	return allPrivate(parents)
}

// IngressClass is the class that an Ingress asks for, by its field or by the
// annotation that came before; nothing for none.
func IngressClass(o *manifest.Object) manifest.Value {
	if class := o.Value("spec", "ingressClassName"); class.Written() {
		return class
	}
	return o.Value("metadata", "annotations").Key("kubernetes.io/ingress.class")
}

// privateAnnotation says that an annotation asks a provider for a load balancer
// in a private network, or names only private addresses.
func privateAnnotation(key, value string) bool {
	value = strings.TrimSpace(value)
	switch key {
	case
		"service.beta.kubernetes.io/azure-load-balancer-internal",     // Azure
		"service.beta.kubernetes.io/oci-load-balancer-internal",       // Oracle
		"oci-network-load-balancer.oraclecloud.com/internal",          // Oracle
		"service.beta.kubernetes.io/openstack-internal-load-balancer", // OpenStack, OVH
		"service.beta.kubernetes.io/scw-loadbalancer-private",         // Scaleway
		"load-balancer.hetzner.cloud/disable-public-network":          // Hetzner
		return strings.EqualFold(value, "true")
	case "service.beta.kubernetes.io/aws-load-balancer-internal":
		// Its first form took the range of addresses 0.0.0.0/0.
		return value != "" && !strings.EqualFold(value, "false")
	case
		"service.beta.kubernetes.io/aws-load-balancer-scheme", // AWS
		"alb.ingress.kubernetes.io/scheme",                    // AWS
		"cloud.google.com/load-balancer-type",                 // GKE
		"networking.gke.io/load-balancer-type",                // GKE
		"service.beta.kubernetes.io/do-loadbalancer-network",  // DigitalOcean
		"yandex.cloud/load-balancer-type":                     // Yandex
		return strings.EqualFold(value, "internal")
	case "service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type":
		return strings.EqualFold(value, "private")
	case "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type":
		return strings.EqualFold(value, "intranet")
	case "service.kubernetes.io/qcloud-loadbalancer-internal-subnetid":
		return value != ""
	case
		"metallb.io/loadBalancerIPs", "metallb.universe.tf/loadBalancerIPs",
		"kube-vip.io/loadbalancerIPs",
		"lbipam.cilium.io/ips", "io.cilium/lb-ipam-ips":
		return privateAddresses(value)
	}
	return false
}

// privateBalancer says that the class of a Service's load balancer makes private
// ones, unless the Service asks for something else.
func privateBalancer(annotations manifest.Value, class string) bool {
	switch class {
	case "tailscale":
		return !annotations.Get("tailscale.com/funnel").True()
	case "service.k8s.aws/nlb":
	default:
		// https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/service/nlb/:
		// these types leave the Service to that controller, the others to the
		// cloud provider, which makes public ones.
		switch annotations.Get("service.beta.kubernetes.io/aws-load-balancer-type").Text() {
		case "external", "nlb-ip":
		default:
			return calledPrivate(class)
		}
	}
	return annotations.Get("service.beta.kubernetes.io/aws-load-balancer-scheme").Text() != "internet-facing" &&
		!annotations.Get("service.beta.kubernetes.io/aws-load-balancer-internal").False()
}

// privateGateway says that a Gateway asks for private addresses, for itself or,
// by annotations, for the Service that is made for it.
func privateGateway(spec manifest.Value) bool {
	for key, v := range spec.Get("infrastructure", "annotations").Entries() {
		if privateAnnotation(key, v.Text()) {
			return true
		}
	}
	var addresses []string
	for _, a := range spec.Get("addresses").Items() {
		addresses = append(addresses, a.Get("value").Text())
	}
	return privateAddresses(strings.Join(addresses, ","))
}

// privateAddresses says that a list of addresses has some, and none that is
// routed on the internet.
func privateAddresses(list string) bool {
	if list == "" {
		return false
	}
	for text := range strings.SplitSeq(list, ",") {
		a, err := netip.ParseAddr(strings.TrimSpace(text))
		if err != nil || !notRouted(a.Unmap()) {
			return false
		}
	}
	return true
}

// notRouted says that an address is none of the internet's.
func notRouted(a netip.Addr) bool {
	// Between a provider and its customers (RFC 6598), and in private networks
	// such as Tailscale's.
	shared := netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64, 0, 0}), 10)
	return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || shared.Contains(a)
}

// calledPrivate says that a name has a word for what is not public.
func calledPrivate(name string) bool {
	for word := range strings.FieldsFuncSeq(strings.ToLower(name), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }) {
		switch word {
		case "internal", "private", "intranet", "local", "lan", "vpn", "tailscale":
			return true
		}
	}
	return false
}

// allPrivate says that there are names, and that each is of something private.
func allPrivate(names []string) bool {
	for _, n := range names {
		if !calledPrivate(n) {
			return false
		}
	}
	return len(names) > 0
}
