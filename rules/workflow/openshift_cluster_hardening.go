package workflow

import (
	"slices"
	"strconv"

	"github.com/scantling-dev/scantling/lint"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var openshiftClusterHardening = &lint.Rule{
	ID: "openshift-cluster-hardening", Severity: lint.Low, Category: lint.Workflow, Since: "0.1.0",
	Title:   "OpenShift leaves a door open that it could close",
	Why:     "Without encryption a copy of etcd, or of its disk, shows all Secrets. Everybody who can log in may make projects as long as self-provisioner is bound to all of them. And pipelines of the Jenkins strategy, which is deprecated, run in a Jenkins that may edit the whole project.",
	Fix:     "Set encryption.type of the APIServer to aesgcm or aescbc; bind self-provisioner to the groups that need it; move builds from Jenkins to OpenShift Pipelines.",
	Profile: lint.All,
	Kinds: []schema.GroupKind{
		{Group: "config.openshift.io", Kind: "APIServer"},
		{Group: "build.openshift.io", Kind: "BuildConfig"},
		{Group: rbacv1.GroupName, Kind: "ClusterRoleBinding"},
	},
	Check: func(p *lint.Pass) {
		switch o := p.Object; o.GVK.Kind {
		case "APIServer":
			// https://docs.redhat.com/en/documentation/openshift_container_platform/4.20/html/etcd/enabling-etcd-encryption
			switch v := o.Value("spec", "encryption", "type"); v.Text() {
			case "aescbc", "aesgcm", "KMS":
			case "", "identity":
				p.Report(v.Path, "what etcd holds is not encrypted")
			}
		case "BuildConfig":
			if v := o.Value("spec", "strategy", "jenkinsPipelineStrategy"); v.Written() {
				p.Report(v.Path, "the build is a pipeline in Jenkins, which OpenShift has deprecated")
			}
		case "ClusterRoleBinding":
			b, ok := o.Typed().(*rbacv1.ClusterRoleBinding)
			if !ok || b.RoleRef.Name != "self-provisioner" {
				return
			}
			i := slices.IndexFunc(b.Subjects, func(s rbacv1.Subject) bool {
				return s.Kind == rbacv1.GroupKind && (s.Name == "system:authenticated:oauth" || s.Name == "system:authenticated")
			})
			if i >= 0 {
				p.Report(field.NewPath("subjects").Index(i).Child("name"), "everybody in the group %q may make projects", b.Subjects[i].Name)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: config.openshift.io/v1
kind: APIServer
metadata:
  name: cluster
spec: # want: what etcd holds is not encrypted
  audit: {profile: Default}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: self-provisioners
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: self-provisioner}
subjects:
  - apiGroup: rbac.authorization.k8s.io
    kind: Group
    name: system:authenticated:oauth # want: everybody in the group "system:authenticated:oauth"
---
apiVersion: build.openshift.io/v1
kind: BuildConfig
metadata:
  name: web
spec:
  strategy:
    type: JenkinsPipeline
    jenkinsPipelineStrategy: # want: a pipeline in Jenkins
      jenkinsfilePath: Jenkinsfile
-- bad-identity.yaml --
apiVersion: config.openshift.io/v1
kind: APIServer
metadata:
  name: cluster
spec:
  encryption:
    type: identity # want: not encrypted
-- good.yaml --
apiVersion: config.openshift.io/v1
kind: APIServer
metadata:
  name: cluster
spec:
  encryption: {type: aesgcm}
---
apiVersion: config.openshift.io/v1
kind: APIServer
metadata:
  name: variable
spec:
  encryption: {type: "${ENCRYPTION}"}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: self-provisioners
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: self-provisioner}
subjects:
  - {apiGroup: rbac.authorization.k8s.io, kind: Group, name: platform}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: basic-users
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: basic-user}
subjects:
  - {apiGroup: rbac.authorization.k8s.io, kind: Group, name: "system:authenticated"}
---
apiVersion: build.openshift.io/v1
kind: BuildConfig
metadata:
  name: web
spec:
  strategy: {type: Docker, dockerStrategy: {}}
---
apiVersion: example.com/v1
kind: APIServer
metadata:
  name: cluster
spec: {}
`,
}

// quote puts quotes around a name that stands in a message.
func quote(name string) string { return strconv.Quote(name) }
