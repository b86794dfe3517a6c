package podsecurity

import (
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var debugImageInWorkload = &lint.Rule{
	ID:       "debug-image-in-workload",
	Title:    "long-running workload uses an image full of tools",
	Why:      "Images for debugging and those of whole distributions have shells, package managers and network tools: all that somebody who gets in needs to look around and to bring in more. They also have the most vulnerabilities to mend.",
	Fix:      "Use the image of the application alone, best one without a shell, and look into the running pod with kubectl debug.",
	Since:    "0.1.0",
	Severity: lint.Info,
	Category: lint.PodSecurity,
	Profile:  lint.All,
	// What ends by itself often needs a shell, and is soon gone.
	Kinds: slices.DeleteFunc(slices.Clone(lint.Workloads), func(k schema.GroupKind) bool {
		return k.Kind == "Job" || k.Kind == "CronJob" || k.Kind == "Pod" || k.Kind == "PodTemplate"
	}),
	Options: []lint.Option{{
		Name: "images",
		Doc:  "Names of such images, without registry, folder and tag; * stands for any characters.",
		Default: []string{
			"alpine-curl", "bitnami-shell", "busybox", "curl", "debian", "dnsutils", "fedora", "jessie-dnsutils", "kali*",
			"*multitool", "nettools", "netshoot", "*toolbox", "tcpdump", "ubuntu",
		},
		Valid: lint.Glob,
	}},
	Check: func(p *lint.Pass) {
		for _, c := range p.Workload().Containers() {
			if c.Kind == manifest.Init || c.Kind == manifest.Ephemeral || !manifest.Known(c.Image) {
				continue
			}
			name, tag := imageName(c.Image), imageTag(c.Image)
			switch {
			case p.Matches("images", name):
				p.Report(c.Path.Child("image"), "container %q runs all the time from the image %q, which is full of tools", c.Name, name)
			case slices.Contains(strings.Split(tag, "-"), "debug") || strings.HasSuffix(tag, "-dev"):
				p.Report(c.Path.Child("image"), "container %q runs all the time from an image for debugging, by its tag %q", c.Name, tag)
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
      initContainers:
        - name: wait
          image: busybox:1.37
        - name: tail
          image: registry.example:5000/library/busybox:1.37@sha256:0123456789012345678901234567890123456789012345678901234567890123 # want: container "tail"
          restartPolicy: Always
      containers:
        - name: tools
          image: nicolaka/netshoot # want: container "tools" runs all the time from the image "netshoot"
        - name: web
          image: registry.example/web:debug-nonroot # want: by its tag "debug-nonroot"
        - name: log
          image: registry.example/log:1.4.2-dev # want: "1.4.2-dev"
-- bad-options.yaml --
# options: images=perl*
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: web
spec:
  serviceName: web
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: perl-threaded:5 # want: "perl-threaded"
        - name: log
          image: ubuntu:24.04
-- good.yaml --
# What ends by itself may need a shell.
apiVersion: batch/v1
kind: Job
metadata:
  name: report
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: report
          image: ubuntu:24.04
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: registry.example/ubuntu/web:1.4.2-devel
        - name: variable
          image: ubuntu:${tag}
        - name: debugger
          image: registry.example/debugger:1.4.2
`,
}

// imageTag is the tag of an image, "" for none.
func imageTag(image string) string {
	image, _, _ = strings.Cut(image, "@")
	_, tag, _ := strings.Cut(image[strings.LastIndexByte(image, '/')+1:], ":")
	return tag
}
