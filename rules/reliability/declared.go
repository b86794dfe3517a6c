package reliability

import (
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// What makes Secrets and ConfigMaps that stand in no repository.

const (
	secret    = "Secret"
	configMap = "ConfigMap"
)

// maker is a kind whose objects make a Secret or a ConfigMap.
type maker struct {
	schema.GroupKind
	makes string
	// names are the fields that name what is made; [] stands for each item of a
	// list. Without any it is called as the object itself.
	names []string
	// unnamed says that it is called as the object itself where no field says.
	unnamed bool
	// anywhere says that it is made in other namespaces, too.
	anywhere bool
}

func made(group, kind, makes string, names ...string) maker {
	return maker{GroupKind: schema.GroupKind{Group: group, Kind: kind}, makes: makes, names: names}
}

func (m maker) orSameName() maker { m.unnamed = true; return m }

func (m maker) inAnyNamespace() maker { m.anywhere = true; return m }

// makers are after the documentation of the operators, which calls the fields by
// these names.
var makers = []maker{
	made("external-secrets.io", "ExternalSecret", secret, "spec.target.name").orSameName(),
	made("external-secrets.io", "ExternalSecret", configMap, "spec.target.name").orSameName(),
	made("external-secrets.io", "ClusterExternalSecret", secret, "spec.externalSecretSpec.target.name", "spec.externalSecretName").orSameName().inAnyNamespace(),
	// It pushes a Secret that something in the cluster makes.
	made("external-secrets.io", "PushSecret", secret, "spec.selector.secret.name"),
	made("bitnami.com", "SealedSecret", secret),
	made("cert-manager.io", "Certificate", secret, "spec.secretName"),
	made("trust.cert-manager.io", "Bundle", configMap).inAnyNamespace(),
	made("trust.cert-manager.io", "Bundle", secret).inAnyNamespace(),
	made("secrets.hashicorp.com", "VaultStaticSecret", secret, "spec.destination.name"),
	made("secrets.hashicorp.com", "VaultDynamicSecret", secret, "spec.destination.name"),
	made("secrets.hashicorp.com", "VaultPKISecret", secret, "spec.destination.name"),
	made("secrets.hashicorp.com", "HCPVaultSecretsApp", secret, "spec.destination.name"),
	made("ricoberger.de", "VaultSecret", secret),
	made("secrets.infisical.com", "InfisicalSecret", secret, "spec.managedSecretReference.secretName", "spec.managedKubeSecretReferences[].secretName"),
	made("secrets.infisical.com", "InfisicalSecret", configMap, "spec.managedKubeConfigMapReferences[].configMapName"),
	made("onepassword.com", "OnePasswordItem", secret),
	made("secrets.doppler.com", "DopplerSecret", secret, "spec.managedSecret.name").inAnyNamespace(),
	made("k8s.bitwarden.com", "BitwardenSecret", secret, "spec.secretName"),
	made("secrets-store.csi.x-k8s.io", "SecretProviderClass", secret, "spec.secretObjects[].secretName"),
	made("spv.no", "AzureKeyVaultSecret", secret, "spec.output.secret.name"),
	made("spv.no", "AzureKeyVaultSecret", configMap, "spec.output.configMap.name"),
	made("isindir.github.com", "SopsSecret", secret, "spec.secretTemplates[].name"),
	made("secretgenerator.mittwald.de", "StringSecret", secret),
	made("secretgenerator.mittwald.de", "BasicAuth", secret),
	made("secretgenerator.mittwald.de", "SSHKeyPair", secret),
	made("secretgen.carvel.dev", "SecretImport", secret),
	made("secretgen.k14s.io", "Password", secret),
	made("secretgen.k14s.io", "Certificate", secret),
	made("clustersecret.io", "ClusterSecret", secret).inAnyNamespace(),
	made("kafka.strimzi.io", "KafkaUser", secret),
	made("objectbucket.io", "ObjectBucketClaim", secret),
	made("objectbucket.io", "ObjectBucketClaim", configMap),
	made("networking.k8s.io", "Ingress", secret, "spec.tls[].secretName"), // with an annotation, by cert-manager
	made("kyverno.io", "ClusterPolicy", secret, "spec.rules[].generate.name").inAnyNamespace(),
	made("kyverno.io", "ClusterPolicy", configMap, "spec.rules[].generate.name").inAnyNamespace(),
	// Databases and the like make several, which begin with their own names; see
	// cluster.Makers.
}

// makerKinds are what a rule joins that asks for declaredIn.
func makerKinds() []schema.GroupKind {
	kinds := []schema.GroupKind{{Kind: secret}, kindConfigMap, {Kind: "Service"}}
	for _, m := range makers {
		kinds = append(kinds, m.GroupKind)
	}
	return slices.Concat(kinds, cluster.Makers, lint.Workloads)
}

// declared is what exists, or may exist, besides the Secrets and ConfigMaps among
// the objects.
type declared struct {
	made map[thing]bool
	// blank are the kinds, by namespace, of which something has a name that is
	// filled in later.
	blank map[thing]bool
	// owners are the names with which those of an operator's Secrets begin.
	owners map[thing]bool
	// words are what the containers of a namespace are told, as arguments and in
	// variables: a program that is told the name of a Secret may well make it.
	words map[thing]bool
}

// thing is an object; with the namespace "*" one of any namespace.
type thing struct{ kind, namespace, name string }

type declaredKey struct{}

func declaredIn(p *lint.Pass) *declared {
	return p.Shared(declaredKey{}, func() any {
		d := &declared{made: map[thing]bool{}, blank: map[thing]bool{}, owners: map[thing]bool{}, words: map[thing]bool{}}
		x := cluster.Of(p)
		for _, m := range makers {
			for _, o := range x.Kind(m.Group, m.Kind) {
				d.maker(m, o)
			}
		}
		for _, kind := range []string{secret, configMap} {
			for _, o := range x.Kind("", kind) {
				if copied(o) {
					d.add(kind, "*", o.Name)
				}
				if !manifest.Known(o.Name) {
					d.add(kind, o.Namespace, o.Name)
				}
			}
		}
		for _, o := range x.Kind("", "Service") {
			// OpenShift makes the certificate of a Service.
			for _, key := range []string{"service.beta.openshift.io/serving-cert-secret-name", "service.alpha.openshift.io/serving-cert-secret-name"} {
				d.add(secret, o.Namespace, o.Value("metadata", "annotations").Key(key).Text())
			}
		}
		for _, k := range cluster.Makers {
			for _, o := range x.Kind(k.Group, k.Kind) {
				d.owners[thing{"", o.Namespace, o.Name}] = true
			}
		}
		for _, o := range p.Of(lint.Workloads...) {
			if w, ok := o.Workload(); ok {
				d.listen(o.Namespace, w)
			}
		}
		return d
	}).(*declared)
}

func (d *declared) add(kind, namespace, name string) {
	if name == "" {
		return
	}
	if !manifest.Known(name) || strings.Contains(name, "{{") {
		d.blank[thing{kind, namespace, ""}] = true
		return
	}
	d.made[thing{kind, namespace, name}] = true
}

func (d *declared) maker(m maker, o *manifest.Object) {
	var names []string
	for _, field := range m.names {
		names = append(names, textsAt(o.Value(), field)...)
	}
	if len(m.names) == 0 || m.unnamed && len(names) == 0 {
		names = append(names, o.Name)
	}
	namespaces := []string{o.Namespace}
	if m.anywhere || copied(o) {
		namespaces = append(namespaces, "*")
	}
	for _, name := range names {
		for _, namespace := range namespaces {
			d.add(m.makes, namespace, name)
		}
	}
}

// textsAt are the texts at a field, such as spec.items[].name.
func textsAt(v manifest.Value, field string) []string {
	first, rest, more := strings.Cut(field, ".")
	name, list := strings.CutSuffix(first, "[]")
	below := []manifest.Value{v.Get(name)}
	if list {
		below = below[0].Items()
	}
	var texts []string
	for _, b := range below {
		if more {
			texts = append(texts, textsAt(b, rest)...)
		} else if t := b.Text(); t != "" {
			texts = append(texts, t)
		}
	}
	return texts
}

// copied says that a controller copies the object, or what it makes, into other
// namespaces: Reflector, Replicator or Config Syncer.
func copied(o *manifest.Object) bool {
	for _, annotations := range []manifest.Value{
		o.Value("metadata", "annotations"),
		o.Value("spec", "secretTemplate", "annotations"),                 // Certificate
		o.Value("spec", "template", "metadata", "annotations"),           // SealedSecret
		o.Value("spec", "target", "template", "metadata", "annotations"), // ExternalSecret
	} {
		for key, v := range annotations.Entries() {
			switch {
			case key == "reflector.v1.k8s.emberstack.com/reflection-auto-enabled" && v.True(),
				strings.HasPrefix(key, "replicator.v1.mittwald.de/replicate-to"),
				key == "kubed.appscode.com/sync", key == "config-syncer.kubeops.dev/sync":
				return true
			}
		}
	}
	return false
}

// maxWords bounds what is read of one text: a script may be as long as a file.
const maxWords = 1000

func (d *declared) listen(namespace string, w *manifest.Workload) {
	hear := func(text string) {
		for i, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\n=,/:;'\"`(){}", r) }) {
			if i == maxWords {
				return
			}
			d.words[thing{"", namespace, word}] = true
		}
	}
	for _, c := range w.Containers() {
		for _, text := range slices.Concat(c.Command, c.Args) {
			hear(text)
		}
		for i := range c.Env {
			hear(c.Env[i].Value)
		}
	}
}

// has says that an object exists, or that it may.
func (d *declared) has(kind, namespace, name string) bool {
	for _, in := range []string{namespace, "*", ""} {
		if d.made[thing{kind, in, name}] || d.blank[thing{kind, in, ""}] {
			return true
		}
	}
	if d.words[thing{"", namespace, name}] || builtIn(kind, name) {
		return true
	}
	for i, r := range name {
		if r == '-' && d.owners[thing{"", namespace, name[:i]}] {
			return true
		}
	}
	return d.owners[thing{"", namespace, name}]
}

// builtIn says that the cluster makes an object in each namespace, or an operator
// gives it a name that tells.
func builtIn(kind, name string) bool {
	switch kind {
	case configMap:
		return name == "kube-root-ca.crt" || name == "openshift-service-ca.crt" || name == "istio-ca-root-cert"
	case secret:
		return strings.HasSuffix(name, ".credentials.postgresql.acid.zalan.do")
	}
	return false
}

// hashed says that a name ends with the hash that kustomize puts behind the names
// of what it generates: ten characters of its own alphabet.
func hashed(name string) bool {
	i := strings.LastIndexByte(name, '-')
	return i > 0 && len(name)-i == 11 && strings.Trim(name[i+1:], "bcdfghkmt2456789") == ""
}
