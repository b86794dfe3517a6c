package podsecurity

import (
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var gitSyncCommandOverride = &lint.Rule{
	ID:       "git-sync-command-override",
	Title:    "git-sync runs another program in place of git",
	Why:      "git-sync starts whatever program this setting names, with the credentials of the repository at hand. Attackers use it to run commands in a container that nobody looks at.",
	Fix:      "Remove the setting, so that git-sync uses the git of its image.",
	Since:    "0.1.0",
	Severity: lint.High,
	Category: lint.PodSecurity,
	Kinds:    lint.Workloads,
	Check: func(p *lint.Pass) {
		for _, c := range p.Workload().Containers() {
			for i, e := range c.Env {
				// Version 4 and, with another name, version 3 of git-sync.
				if e.Name == "GITSYNC_GIT" || e.Name == "GIT_SYNC_GIT" {
					p.Report(c.Path.Child("env").Index(i).Child("name"), "container %q runs another program in place of git", c.Name)
				}
			}
			if !isGitSync(c) {
				// The flag means something else to other programs.
				continue
			}
			report := func(path *field.Path, args []string) {
				for i, a := range args {
					if name, _, _ := strings.Cut(a, "="); name == "--git" || name == "-git" {
						p.Report(path.Index(i), "container %q runs another program in place of git", c.Name)
					}
				}
			}
			report(c.Path.Child("command"), c.Command)
			report(c.Path.Child("args"), c.Args)
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: site
spec:
  selector: {matchLabels: {app: site}}
  template:
    metadata: {labels: {app: site}}
    spec:
      initContainers:
        - name: first
          image: registry.k8s.io/git-sync/git-sync:v4.4.2
          args:
            - --repo=https://git.example/site.git
            - --git=/tmp/run.sh # want: container "first" runs another program
      containers:
        - name: sync
          image: registry.k8s.io/git-sync/git-sync:v4.4.2
          args: [--one-time]
          env:
            - name: GITSYNC_REPO
              value: https://git.example/site.git
            - name: GITSYNC_GIT # want: container "sync" runs another program
              value: /tmp/run.sh
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: site
spec:
  containers:
    - name: sync
      image: registry.k8s.io/git-sync/git-sync:v4.4.2
      args:
        - --repo=https://git.example/site.git
        - --git-config=core.autocrlf:false
        - --git-gc=auto
      env:
        - name: GITSYNC_REF
          value: main
    # Here the flag means something else.
    - name: report
      image: registry.example/report:1.0.0
      args: [--git=https://git.example/site.git]
`,
}

func isGitSync(c *manifest.Container) bool {
	return strings.Contains(imageName(c.Image), "git-sync") ||
		slices.ContainsFunc(c.Env, func(e corev1.EnvVar) bool {
			return strings.HasPrefix(e.Name, "GITSYNC_") || strings.HasPrefix(e.Name, "GIT_SYNC_")
		})
}

// imageName is the last part of an image's repository: "web" for
// "registry.example:5000/shop/web:1.4.2@sha256:...".
func imageName(image string) string {
	image, _, _ = strings.Cut(image, "@")
	image = image[strings.LastIndexByte(image, '/')+1:]
	image, _, _ = strings.Cut(image, ":")
	return image
}
