package reliability

import (
	"fmt"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var danglingConfigReference = &lint.Rule{
	ID:       "dangling-config-reference",
	Title:    "workload refers to a Secret or ConfigMap that nothing declares",
	Why:      "A container whose volume or variable comes from what does not exist is not started: the pod waits in CreateContainerConfigError or ContainerCreating, after a rollout that looked fine in Git.",
	Fix:      "Correct the name or the key, or declare the object, such as by an ExternalSecret. Set optional where the container can do without; name what is made elsewhere in the option external.",
	Since:    "0.1.0",
	Severity: lint.Low,
	Category: lint.Reliability,
	// What is made by hand or by a pipeline is in no repository.
	Profile: lint.Strict,
	Kinds:   lint.Workloads,
	Joins:   makerKinds(),
	Options: []lint.Option{externalObjects},
	CheckAll: func(p *lint.Pass) {
		for _, o := range p.Judged() {
			w, ok := o.Workload()
			if !ok || w.IsZero() || p.UnitOf(o).Bare || !p.Complete(o.Namespace) {
				continue
			}
			reported := map[thing]bool{}
			for _, r := range references(w) {
				if r.optional || r.name == "" || !manifest.Known(r.name) {
					continue
				}
				id := thing{r.kind, o.Namespace, r.name}
				found := named(p, o, schema.GroupKind{Kind: r.kind}, r.name)
				switch {
				case len(found) > 0:
					near := together(p, o, found)
					if r.key != "" && manifest.Known(r.key) && len(near) > 0 && !mayHave(p, o, near, &r) {
						p.ReportOn(o, p.Rule.Severity, r.keyPath, "%s key %q of %s %q, which has no such key", r.what, r.key, r.kind, r.name)
					}
				case reported[id], hashed(r.name), declaredIn(p).has(r.kind, o.Namespace, r.name), external(p, r.kind, o.Namespace, r.name):
				default:
					// All references to one object are mended at once.
					reported[id] = true
					p.ReportOn(o, p.Rule.Severity, r.path, "%s %s %q, which nothing in the repository declares", r.what, r.kind, r.name)
				}
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      imagePullSecrets:
        - name: registry # want: the pod pulls its images with Secret "registry", which nothing in the repository declares
      initContainers:
        - name: setup
          image: registry.example/setup:1.4.2
          envFrom:
            - configMapRef:
                name: setup # want: container "setup" takes its variables from ConfigMap "setup"
      containers:
        - name: web
          image: registry.example/web:1.4.2
          env:
            - name: PASSWORD
              valueFrom:
                secretKeyRef:
                  name: db
                  key: pasword # want: container "web" takes PASSWORD from key "pasword" of Secret "db", which has no such key
            - name: USER
              valueFrom:
                secretKeyRef:
                  name: db-admin # want: container "web" takes USER from Secret "db-admin"
                  key: user
            # The same object again is the same fault.
            - name: HOST
              valueFrom:
                secretKeyRef:
                  name: db-admin
                  key: host
      volumes:
        - name: config
          configMap:
            name: web
            items:
              - key: web.yml # want: volume "config" is made from key "web.yml" of ConfigMap "web", which has no such key
                path: web.yaml
        - name: tls
          projected:
            sources:
              - secret:
                  name: web-tls # want: volume "tls" is made from Secret "web-tls"
---
apiVersion: v1
kind: Secret
metadata: {name: db, namespace: shop}
data: {user: YWRtaW4=}
stringData: {password: placeholder}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web, namespace: shop}
data: {web.yaml: "a: 1"}
---
# In another namespace.
apiVersion: v1
kind: Secret
metadata: {name: web-tls, namespace: other}
type: kubernetes.io/tls
-- good.yaml --
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      imagePullSecrets: [{name: "${REGION}-registry"}]
      containers:
        - name: web
          image: registry.example/web:1.4.2
          envFrom:
            - secretRef: {name: extra, optional: true}
            - secretRef: {name: from-vault}
            - secretRef: {name: sealed}
            - secretRef: {name: everywhere}
            - secretRef: {name: generated-5dt72fc8mf}
          env:
            - name: PASSWORD
              valueFrom:
                secretKeyRef: {name: db, key: password}
            - name: EMPTY
              valueFrom:
                secretKeyRef: {name: filled-later, key: token}
            - name: DB
              valueFrom:
                secretKeyRef: {name: main-app, key: uri}
      volumes:
        - name: ca
          configMap: {name: kube-root-ca.crt}
        - name: tls
          secret: {secretName: web-tls}
        - name: webhook
          secret: {secretName: webhook-certs}
        - name: serving
          secret: {secretName: serving-cert}
        - name: scratch
          emptyDir: {}
---
apiVersion: v1
kind: Secret
metadata: {name: db, namespace: shop}
data: {password: "ENC[AES256_GCM,data:abcd,iv:abcd,tag:abcd,type:str]"}
sops: {mac: abcd}
---
# Something fills it in.
apiVersion: v1
kind: Secret
metadata: {name: filled-later, namespace: shop}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: vault, namespace: shop}
spec:
  target: {name: from-vault}
---
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata: {name: sealed, namespace: shop}
---
apiVersion: external-secrets.io/v1
kind: ClusterExternalSecret
metadata: {name: everywhere}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: web, namespace: shop}
spec: {secretName: web-tls}
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: main, namespace: shop}
---
apiVersion: batch/v1
kind: Job
metadata: {name: certs, namespace: shop}
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: certs
          image: registry.example/certgen:1.4.2
          args: [create, --secret-name=webhook-certs]
---
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
  annotations: {service.beta.openshift.io/serving-cert-secret-name: serving-cert}
-- good-copied.yaml --
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: wildcard, namespace: cert-manager}
spec:
  secretName: wildcard-tls
  secretTemplate:
    annotations: {reflector.v1.k8s.emberstack.com/reflection-auto-enabled: "true"}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers: [{name: web, image: "registry.example/web:1.4.2"}]
  volumes:
    - name: tls
      secret: {secretName: wildcard-tls}
---
# Its namespace is not known, and there is one of this name.
apiVersion: v1
kind: Pod
metadata: {name: anywhere}
spec:
  containers: [{name: web, image: "registry.example/web:1.4.2"}]
  volumes:
    - name: config
      configMap: {name: web}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web, namespace: other}
-- good-injected.yaml --
# OpenShift fills it in.
apiVersion: v1
kind: ConfigMap
metadata:
  name: ca
  namespace: shop
  annotations: {service.beta.openshift.io/inject-cabundle: "true"}
data: {note: filled in by the cluster}
---
# Kubernetes fills it in.
apiVersion: v1
kind: Secret
metadata:
  name: token
  namespace: shop
  annotations: {kubernetes.io/service-account.name: web}
type: kubernetes.io/service-account-token
data: {extra: YQ==}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
      env:
        - name: TOKEN
          valueFrom:
            secretKeyRef: {name: token, key: token}
  volumes:
    - name: ca
      configMap: {name: ca, items: [{key: service-ca.crt, path: ca.crt}]}
-- good-external.yaml --
# options: external=Secret/*/registry
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  imagePullSecrets: [{name: registry}]
  containers: [{name: web, image: "registry.example/web:1.4.2"}]
-- good-incomplete.yaml --
# incomplete
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  imagePullSecrets: [{name: registry}]
  containers: [{name: web, image: "registry.example/web:1.4.2"}]
-- good-bare.yaml --
# unit: bare
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  imagePullSecrets: [{name: registry}]
  containers: [{name: web, image: "registry.example/web:1.4.2"}]
`,
}

// reference is a place where a pod takes something from a Secret or a ConfigMap.
type reference struct {
	kind, name, key string
	optional        bool
	// path leads to the name, keyPath to the key.
	path, keyPath *field.Path
	// what begins a sentence that goes on with the object.
	what string
}

// references are all places where a pod takes something from Secrets and
// ConfigMaps.
func references(w *manifest.Workload) []reference {
	var all []reference
	for i := range w.Pod.ImagePullSecrets {
		all = append(all, reference{
			kind: secret, name: w.Pod.ImagePullSecrets[i].Name,
			path: w.Path.Child("imagePullSecrets").Index(i).Child("name"),
			what: "the pod pulls its images with",
		})
	}
	for _, c := range w.Containers() {
		all = append(all, containerReferences(c)...)
	}
	for i := range w.Pod.Volumes {
		v := &w.Pod.Volumes[i]
		path := w.Path.Child("volumes").Index(i)
		what := fmt.Sprintf("volume %q is made from", v.Name)
		if s := v.Secret; s != nil {
			all = append(all, fileReferences(secret, s.SecretName, s.Items, s.Optional, path.Child("secret"), "secretName", what)...)
		}
		if c := v.ConfigMap; c != nil {
			all = append(all, fileReferences(configMap, c.Name, c.Items, c.Optional, path.Child("configMap"), "name", what)...)
		}
		if v.Projected == nil {
			continue
		}
		for j := range v.Projected.Sources {
			source, path := &v.Projected.Sources[j], path.Child("projected", "sources").Index(j)
			if s := source.Secret; s != nil {
				all = append(all, fileReferences(secret, s.Name, s.Items, s.Optional, path.Child("secret"), "name", what)...)
			}
			if c := source.ConfigMap; c != nil {
				all = append(all, fileReferences(configMap, c.Name, c.Items, c.Optional, path.Child("configMap"), "name", what)...)
			}
		}
	}
	return all
}

func containerReferences(c *manifest.Container) []reference {
	var all []reference
	for i := range c.EnvFrom {
		path := c.Path.Child("envFrom").Index(i)
		what := fmt.Sprintf("container %q takes its variables from", c.Name)
		if s := c.EnvFrom[i].SecretRef; s != nil {
			all = append(all, reference{kind: secret, name: s.Name, optional: yes(s.Optional), path: path.Child("secretRef", "name"), what: what})
		}
		if m := c.EnvFrom[i].ConfigMapRef; m != nil {
			all = append(all, reference{kind: configMap, name: m.Name, optional: yes(m.Optional), path: path.Child("configMapRef", "name"), what: what})
		}
	}
	for i := range c.Env {
		from := c.Env[i].ValueFrom
		if from == nil {
			continue
		}
		path := c.Path.Child("env").Index(i).Child("valueFrom")
		what := fmt.Sprintf("container %q takes %s from", c.Name, c.Env[i].Name)
		if s := from.SecretKeyRef; s != nil {
			path := path.Child("secretKeyRef")
			all = append(all, reference{secret, s.Name, s.Key, yes(s.Optional), path.Child("name"), path.Child("key"), what})
		}
		if m := from.ConfigMapKeyRef; m != nil {
			path := path.Child("configMapKeyRef")
			all = append(all, reference{configMap, m.Name, m.Key, yes(m.Optional), path.Child("name"), path.Child("key"), what})
		}
	}
	return all
}

// fileReferences are those of a volume: to the object, or to each key that is
// named.
func fileReferences(kind, name string, items []corev1.KeyToPath, optional *bool, path *field.Path, nameField, what string) []reference {
	all := []reference{{kind: kind, name: name, optional: yes(optional), path: path.Child(nameField), what: what}}
	for i := range items {
		r := all[0]
		r.key, r.keyPath = items[i].Key, path.Child("items").Index(i).Child("key")
		all = append(all, r)
	}
	return all
}

func yes(b *bool) bool { return b != nil && *b }

// mayHave says that one of the objects that a reference may mean has the key, or
// gets what it holds from elsewhere.
func mayHave(p *lint.Pass, from *manifest.Object, found []*manifest.Object, r *reference) bool {
	if declaredIn(p).made[thing{r.kind, from.Namespace, r.name}] {
		return true
	}
	for _, o := range found {
		keys := 0
		for _, list := range []string{"data", "stringData", "binaryData"} {
			for key := range o.Value(list).Entries() {
				if key == r.key || !manifest.Known(key) {
					return true
				}
				keys++
			}
		}
		if keys == 0 || filledIn(o) {
			return true
		}
	}
	return false
}

// filledIn says that the cluster adds keys to a Secret or a ConfigMap.
func filledIn(o *manifest.Object) bool {
	meta := o.Value("metadata")
	return o.Value("type").Text() == string(corev1.SecretTypeServiceAccountToken) ||
		meta.Get("annotations").Key("service.beta.openshift.io/inject-cabundle").True() ||
		meta.Get("labels").Key("config.openshift.io/inject-trusted-cabundle").True()
}
