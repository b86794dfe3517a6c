package podsecurity

import (
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var windowsContainerAdministrator = &lint.Rule{
	ID:       "windows-container-administrator",
	Title:    "Windows container runs as its administrator",
	Why:      "ContainerAdministrator can change every file and service of the container, and reaches most of the ways that lead out of a Windows container. Images of Windows Server use this account unless they are told otherwise.",
	Fix:      "Set windowsOptions.runAsUserName to ContainerUser in the pod's securityContext.",
	Since:    "0.1.0",
	Severity: lint.Medium,
	Category: lint.PodSecurity,
	Profile:  lint.All,
	Kinds:    lint.Workloads,
	Check: func(p *lint.Pass) {
		w := p.Workload()
		if !onWindows(w) {
			return
		}
		pod := w.SecurityPath().Child("windowsOptions", "runAsUserName").String()
		reported := false
		for _, c := range w.Containers() {
			user, path := windowsUser(c, w)
			switch {
			case onHost(c.Security().WindowsOptions) || onHost(w.Security().WindowsOptions):
				// windows-host-process speaks for it, and its users are the node's.
			case user == nil:
				// The kubelet then refuses to start the administrator.
				if set, _ := c.RunAsNonRoot(); !isTrue(set) {
					p.ReportAs(lint.Low, path, "container %q may run as ContainerAdministrator, if its image says so", c.Name)
				}
			case !isContainerAdministrator(*user):
			case path.String() != pod:
				p.Report(path, "container %q runs as ContainerAdministrator", c.Name)
			case !reported:
				reported = true
				p.Report(path, "the pod runs its containers as ContainerAdministrator")
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
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      os: {name: windows}
      initContainers:
        - name: setup # want low: container "setup" may run as ContainerAdministrator
          image: registry.example/setup:1.4.2
      containers:
        - name: web
          image: registry.example/web:1.4.2
          securityContext:
            windowsOptions:
              runAsUserName: 'User Manager\containeradministrator' # want medium: container "web" runs as
        - name: log
          image: registry.example/log:0.9.0
          securityContext:
            windowsOptions:
              runAsUserName: ContainerUser
-- bad-pod.yaml --
# The pod's value holds for both containers: one line to mend.
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  nodeSelector:
    kubernetes.io/os: windows
  securityContext:
    windowsOptions:
      runAsUserName: ContainerAdministrator # want: the pod runs its containers
  containers:
    - name: web
      image: registry.example/web:1.4.2
    - name: log
      image: registry.example/log:0.9.0
      # A field of the same object that is set does not unset the pod's name.
      securityContext:
        windowsOptions: {gmsaCredentialSpecName: log}
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  os: {name: windows}
  securityContext:
    windowsOptions:
      runAsUserName: ContainerUser
  containers:
    - name: web
      image: registry.example/web:1.4.2
---
# With runAsNonRoot the kubelet does not start an administrator.
apiVersion: v1
kind: Pod
metadata:
  name: log
spec:
  os: {name: windows}
  securityContext:
    runAsNonRoot: true
  containers:
    - name: log
      image: registry.example/log:0.9.0
---
# windows-host-process speaks for this one.
apiVersion: v1
kind: Pod
metadata:
  name: agent
spec:
  os: {name: windows}
  hostNetwork: true
  securityContext:
    windowsOptions: {hostProcess: true}
  containers:
    - name: agent
      image: registry.example/agent:1.0.0
---
# Not on Windows.
apiVersion: v1
kind: Pod
metadata:
  name: linux
spec:
  containers:
    - name: web
      image: registry.example/web:1.4.2
`,
}

// windowsUser is the user that a container runs as, nil when the image decides,
// and its path. Of windowsOptions each field is inherited by itself.
func windowsUser(c *manifest.Container, w *manifest.Workload) (*string, *field.Path) {
	if o := c.Security().WindowsOptions; o != nil && o.RunAsUserName != nil {
		return o.RunAsUserName, c.SecurityPath().Child("windowsOptions", "runAsUserName")
	}
	if o := w.Security().WindowsOptions; o != nil && o.RunAsUserName != nil {
		return o.RunAsUserName, w.SecurityPath().Child("windowsOptions", "runAsUserName")
	}
	return nil, c.SecurityPath().Child("windowsOptions", "runAsUserName")
}

func onHost(o *corev1.WindowsSecurityContextOptions) bool { return o != nil && isTrue(o.HostProcess) }

// isContainerAdministrator reads a name with or without its domain; Windows does
// not mind the case.
func isContainerAdministrator(user string) bool {
	return strings.EqualFold(user[strings.LastIndexByte(user, '\\')+1:], "ContainerAdministrator")
}
