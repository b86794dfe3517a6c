package api

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// checkValues looks at what decodes and the API server's validation refuses all the
// same, in the kinds that are written most: after pkg/apis/*/validation of
// Kubernetes 1.37. What other rules speak of is left out.
func checkValues(o *manifest.Object, r report) {
	if w, ok := o.Workload(); ok && !w.IsZero() {
		checkPod(o, w, r)
	}
	spec := field.NewPath("spec")
	switch t := o.Typed().(type) {
	case *corev1.ConfigMap:
		checkConfigMap(t, r)
	case *corev1.Secret:
		checkSecret(o, t, r)
	case *corev1.Service:
		checkService(&t.Spec, r)
	case *corev1.PersistentVolumeClaim:
		checkClaim(&t.Spec, spec, r)
	case *appsv1.Deployment:
		checkSelector(t.Spec.Selector, spec.Child("selector"), true, r)
	case *appsv1.DaemonSet:
		checkSelector(t.Spec.Selector, spec.Child("selector"), true, r)
	case *appsv1.StatefulSet:
		checkSelector(t.Spec.Selector, spec.Child("selector"), true, r)
		for i := range t.Spec.VolumeClaimTemplates {
			checkClaim(&t.Spec.VolumeClaimTemplates[i].Spec, spec.Child("volumeClaimTemplates").Index(i).Child("spec"), r)
		}
	case *networkingv1.Ingress:
		checkIngress(&t.Spec, r)
	case *networkingv1.NetworkPolicy:
		checkNetworkPolicy(&t.Spec, r)
	case *policyv1.PodDisruptionBudget:
		if t.Spec.MinAvailable != nil && t.Spec.MaxUnavailable != nil {
			r(spec.Child("maxUnavailable"), "minAvailable and maxUnavailable are both set, of which only one may be")
		}
		checkSelector(t.Spec.Selector, spec.Child("selector"), false, r)
	case *rbacv1.Role:
		checkRules(t.Rules, true, r)
	case *rbacv1.ClusterRole:
		checkRules(t.Rules, false, r)
	case *rbacv1.RoleBinding:
		checkBinding(t.Subjects, t.RoleRef, r)
	case *rbacv1.ClusterRoleBinding:
		checkBinding(t.Subjects, t.RoleRef, r)
		for i, s := range t.Subjects {
			if s.Kind == "ServiceAccount" && s.Namespace == "" {
				r(field.NewPath("subjects").Index(i).Child("namespace"), "ServiceAccount %q has no namespace, which a ClusterRoleBinding must name", s.Name)
			}
		}
		if t.RoleRef.Kind == "Role" {
			r(field.NewPath("roleRef", "kind"), "a ClusterRoleBinding can't grant a Role: it must be a ClusterRole")
		}
	}
}

// checkSelector looks at a label selector.
func checkSelector(s *metav1.LabelSelector, path *field.Path, full bool, r report) {
	if s == nil {
		return
	}
	if full && len(s.MatchLabels) == 0 && len(s.MatchExpressions) == 0 {
		r(path, "the selector is empty")
	}
	checkLabels(s.MatchLabels, path.Child("matchLabels"), r)
	for i, e := range s.MatchExpressions {
		if !slices.ContainsFunc(append([]string{e.Key, string(e.Operator)}, e.Values...), func(text string) bool { return !manifest.Known(text) }) {
			faults := metavalidation.ValidateLabelSelectorRequirement(e, metavalidation.LabelSelectorValidationOptions{}, path.Child("matchExpressions").Index(i))
			if len(faults) > 0 && e.Key != "" && e.Operator != "" {
				r(path.Child("matchExpressions").Index(i), "the requirement on label %q is not valid: In and NotIn have values, Exists and DoesNotExist have none", e.Key)
			}
		}
	}
}

// checkLabels looks at the labels that a selector asks for.
func checkLabels(labels map[string]string, path *field.Path, r report) {
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		value := labels[key]
		if manifest.Known(key) && len(validation.IsQualifiedName(key)) > 0 || manifest.Known(value) && len(validation.IsValidLabelValue(value)) > 0 {
			r(path.Key(key), "the selector asks for label %q with a key or value that no label has: %s", key, qualified)
		}
	}
}

func checkConfigMap(c *corev1.ConfigMap, r report) {
	for _, key := range slices.Sorted(maps.Keys(c.Data)) {
		checkDataKey(key, "data", r)
		if _, ok := c.BinaryData[key]; ok {
			r(field.NewPath("binaryData").Key(key), "key %q is in data, too", key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(c.BinaryData)) {
		checkDataKey(key, "binaryData", r)
	}
}

func checkDataKey(key, where string, r report) {
	if manifest.Known(key) && len(validation.IsConfigMapKey(key)) > 0 {
		r(field.NewPath(where).Key(key), "key %q must consist of letters, digits, - _ and .", key)
	}
}

// requiredKeys are what Secrets of a type must hold.
var requiredKeys = map[corev1.SecretType][]string{
	corev1.SecretTypeTLS:              {corev1.TLSCertKey, corev1.TLSPrivateKeyKey},
	corev1.SecretTypeDockerConfigJson: {corev1.DockerConfigJsonKey},
	corev1.SecretTypeDockercfg:        {corev1.DockerConfigKey},
	corev1.SecretTypeSSHAuth:          {corev1.SSHAuthPrivateKey},
}

func checkSecret(o *manifest.Object, s *corev1.Secret, r report) {
	known := true
	has := func(key string) bool {
		return o.Value("data").Get(key).Node != nil || o.Value("stringData").Get(key).Node != nil
	}
	for _, where := range []string{"data", "stringData"} {
		for key := range o.Value(where).Entries() {
			known = known && manifest.Known(key)
			checkDataKey(key, where, r)
		}
	}
	if !known {
		return
	}
	for _, key := range requiredKeys[s.Type] {
		if !has(key) {
			r(field.NewPath("data"), "a Secret of type %s must have the key %q", s.Type, key)
		}
	}
	if s.Type == corev1.SecretTypeBasicAuth && !has(corev1.BasicAuthUsernameKey) && !has(corev1.BasicAuthPasswordKey) {
		r(field.NewPath("data"), "a Secret of type %s must have the key %q or %q", s.Type, corev1.BasicAuthUsernameKey, corev1.BasicAuthPasswordKey)
	}
	if s.Type == corev1.SecretTypeServiceAccountToken && s.Annotations[corev1.ServiceAccountNameKey] == "" {
		r(field.NewPath("metadata", "annotations").Key(corev1.ServiceAccountNameKey), "a Secret of type %s must name its account in the annotation %s", s.Type, corev1.ServiceAccountNameKey)
	}
}

func checkService(s *corev1.ServiceSpec, r report) {
	spec := field.NewPath("spec")
	checkLabels(s.Selector, spec.Child("selector"), r)
	headless := s.ClusterIP == corev1.ClusterIPNone
	switch {
	case s.Type == corev1.ServiceTypeExternalName:
		if s.ExternalName == "" {
			r(spec.Child("externalName"), "a Service of type ExternalName must have an externalName")
		}
	case len(s.Ports) == 0 && !headless:
		r(spec.Child("ports"), "the Service has no ports: only one with clusterIP None may have none")
	case headless && (s.Type == corev1.ServiceTypeNodePort || s.Type == corev1.ServiceTypeLoadBalancer):
		r(spec.Child("clusterIP"), "a Service of type %s can't have clusterIP None", s.Type)
	}
	type use struct {
		port     int32
		protocol corev1.Protocol
	}
	names, uses := map[string]bool{}, map[use]bool{}
	for i, p := range s.Ports {
		path := spec.Child("ports").Index(i)
		if p.Port != 0 && len(validation.IsValidPortNum(int(p.Port))) > 0 {
			r(path.Child("port"), "port %d must be between 1 and 65535", p.Port)
		}
		switch {
		case p.Name == "" && len(s.Ports) > 1:
			r(path.Child("name"), "port %d has no name, which each of several ports must have", p.Port)
		case p.Name == "" || !manifest.Known(p.Name):
		case names[p.Name]:
			r(path.Child("name"), "port name %q is there twice", p.Name)
		default:
			dnsLabel(r, path.Child("name"), "port", p.Name)
		}
		names[p.Name] = true
		u := use{p.Port, p.Protocol}
		if u.protocol == "" {
			u.protocol = corev1.ProtocolTCP
		}
		if uses[u] && p.Port != 0 {
			r(path.Child("port"), "port %d of %s is there twice", p.Port, u.protocol)
		}
		uses[u] = true
	}
}

func checkClaim(c *corev1.PersistentVolumeClaimSpec, path *field.Path, r report) {
	if len(c.AccessModes) == 0 {
		r(path.Child("accessModes"), "the claim has no accessModes, of which it must have one")
	}
	if _, ok := c.Resources.Requests[corev1.ResourceStorage]; !ok {
		r(path.Child("resources", "requests", "storage"), "the claim does not say how much storage it requests")
	}
}

func checkIngress(s *networkingv1.IngressSpec, r report) {
	spec := field.NewPath("spec")
	if s.DefaultBackend == nil && len(s.Rules) == 0 {
		r(spec.Child("rules"), "the Ingress has neither rules nor a defaultBackend")
	}
	if s.DefaultBackend != nil {
		checkBackend(s.DefaultBackend, spec.Child("defaultBackend"), r)
	}
	for i, rule := range s.Rules {
		path := spec.Child("rules").Index(i)
		if host := rule.Host; host != "" && host != "*" && manifest.Known(host) {
			name := strings.TrimPrefix(host, "*.")
			if _, err := netip.ParseAddr(host); err == nil {
				r(path.Child("host"), "host %q is an address: it must be a name", host)
			} else if fault := dnsFault(name, validation.IsDNS1123Subdomain(name), subdomain); fault != "" {
				r(path.Child("host"), "host %q %s", host, fault)
			}
		}
		if rule.HTTP == nil {
			continue
		}
		for j, p := range rule.HTTP.Paths {
			at := path.Child("http", "paths").Index(j)
			free := p.PathType == nil || *p.PathType == networkingv1.PathTypeImplementationSpecific
			if manifest.Known(p.Path) && !strings.HasPrefix(p.Path, "/") && (!free || p.Path != "") {
				r(at.Child("path"), "path %q must begin with /", p.Path)
			}
			checkBackend(&p.Backend, at.Child("backend"), r)
		}
	}
}

func checkBackend(b *networkingv1.IngressBackend, path *field.Path, r report) {
	switch {
	case b.Service != nil && b.Resource != nil:
		r(path.Child("resource"), "the backend has both a service and a resource")
	case b.Service == nil && b.Resource == nil:
		r(path, "the backend has neither a service nor a resource")
	case b.Service == nil:
	case b.Service.Port.Name == "" && b.Service.Port.Number == 0:
		r(path.Child("service", "port"), "the port of service %q has neither a name nor a number", b.Service.Name)
	case b.Service.Port.Name != "" && b.Service.Port.Number != 0:
		r(path.Child("service", "port", "number"), "the port of service %q has both a name and a number", b.Service.Name)
	}
}

func checkNetworkPolicy(s *networkingv1.NetworkPolicySpec, r report) {
	spec := field.NewPath("spec")
	checkSelector(&s.PodSelector, spec.Child("podSelector"), false, r)
	peers := func(all []networkingv1.NetworkPolicyPeer, path *field.Path) {
		for i, p := range all {
			checkPeer(&p, path.Index(i), r)
		}
	}
	for i, rule := range s.Ingress {
		peers(rule.From, spec.Child("ingress").Index(i).Child("from"))
	}
	for i, rule := range s.Egress {
		peers(rule.To, spec.Child("egress").Index(i).Child("to"))
	}
}

func checkPeer(p *networkingv1.NetworkPolicyPeer, path *field.Path, r report) {
	switch {
	case p.IPBlock == nil && p.PodSelector == nil && p.NamespaceSelector == nil:
		r(path, "the peer is empty: it has none of podSelector, namespaceSelector and ipBlock")
	case p.IPBlock != nil && (p.PodSelector != nil || p.NamespaceSelector != nil):
		r(path.Child("ipBlock"), "the peer has an ipBlock beside a selector: they must be two peers")
	}
	checkSelector(p.PodSelector, path.Child("podSelector"), false, r)
	checkSelector(p.NamespaceSelector, path.Child("namespaceSelector"), false, r)
	if p.IPBlock == nil || p.IPBlock.CIDR == "" || !manifest.Known(p.IPBlock.CIDR) {
		return
	}
	block, err := netip.ParsePrefix(p.IPBlock.CIDR)
	if err != nil {
		r(path.Child("ipBlock", "cidr"), "%q is no network such as 10.0.0.0/8", p.IPBlock.CIDR)
		return
	}
	for i, text := range p.IPBlock.Except {
		except, err := netip.ParsePrefix(text)
		at := path.Child("ipBlock", "except").Index(i)
		switch {
		case !manifest.Known(text):
		case err != nil:
			r(at, "%q is no network such as 10.0.0.0/8", text)
		case !block.Masked().Contains(except.Addr()) || except.Bits() <= block.Bits():
			r(at, "%s does not lie within %s", text, p.IPBlock.CIDR)
		}
	}
}

func checkRules(rules []rbacv1.PolicyRule, namespaced bool, r report) {
	for i, rule := range rules {
		path := field.NewPath("rules").Index(i)
		switch {
		case len(rule.NonResourceURLs) > 0 && namespaced:
			r(path.Child("nonResourceURLs"), "a Role can't grant nonResourceURLs: they are in no namespace")
		case len(rule.NonResourceURLs) > 0 && len(rule.APIGroups)+len(rule.Resources)+len(rule.ResourceNames) > 0:
			r(path.Child("nonResourceURLs"), "the rule has both resources and nonResourceURLs: they must be two rules")
		case len(rule.NonResourceURLs) > 0:
		case len(rule.APIGroups) == 0:
			r(path.Child("apiGroups"), "the rule has no apiGroups: the core group is \"\"")
		case len(rule.Resources) == 0:
			r(path.Child("resources"), "the rule has neither resources nor nonResourceURLs")
		}
	}
}

func checkBinding(subjects []rbacv1.Subject, role rbacv1.RoleRef, r report) {
	if k := role.Kind; k != "" && k != "Role" && k != "ClusterRole" && manifest.Known(k) {
		r(field.NewPath("roleRef", "kind"), "roleRef is of kind %q: it must be Role or ClusterRole", k)
	}
	if g := role.APIGroup; g != "" && g != rbacv1.GroupName && manifest.Known(g) {
		r(field.NewPath("roleRef", "apiGroup"), "roleRef is of the group %q: it must be %s", g, rbacv1.GroupName)
	}
	for i, s := range subjects {
		path := field.NewPath("subjects").Index(i)
		group := rbacv1.GroupName
		switch s.Kind {
		case "ServiceAccount":
			group = ""
		case "User", "Group":
		default:
			if s.Kind != "" && manifest.Known(s.Kind) {
				r(path.Child("kind"), "subject %q is of kind %q: it must be ServiceAccount, User or Group", s.Name, s.Kind)
			}
			continue
		}
		if s.APIGroup != "" && s.APIGroup != group && manifest.Known(s.APIGroup) {
			r(path.Child("apiGroup"), "subject %q is a %s, whose apiGroup must be %q", s.Name, s.Kind, group)
		}
	}
}
