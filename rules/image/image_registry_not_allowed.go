package image

import (
	"errors"
	"strings"

	"github.com/scantling-dev/scantling/lint"
)

var imageRegistryNotAllowed = &lint.Rule{
	ID: "image-registry-not-allowed", Severity: lint.High, Category: lint.Image, Since: "0.1.0",
	Title:      "image comes from a registry outside the allow-list",
	Why:        "An image from a registry that nobody vetted runs with the workload's rights and Secrets, and may be replaced or vanish at any time.",
	Fix:        "Use the image from an allowed registry, mirror it there, or add the registry to the rule's option allow.",
	Frameworks: []string{"MITRE:T1525"},
	Kinds:      lint.Workloads,
	Options: []lint.Option{
		{Name: "allow", Doc: "Registries, or paths in them such as ghcr.io/acme, that images may come from; with none, all may.", Valid: validPattern},
		{Name: "deny", Doc: "Registries, or paths in them, that images may not come from, even if allow names them.", Valid: validPattern},
	},
	Check: func(p *lint.Pass) {
		allow, deny := p.Option("allow"), p.Option("deny")
		if len(allow)+len(deny) == 0 {
			return
		}
		for _, c := range p.Workload().Containers() {
			// Of a reference that can't be parsed image-invalid-reference speaks.
			r, err := parse(c.Image)
			if err != nil || c.Image == "auto" && c.Name == "istio-proxy" {
				continue
			}
			name := r.Registry + "/" + r.Repository
			if pattern := match(deny, name); pattern != "" {
				p.Report(c.Path.Child("image"), "image of container %q comes from %s, which %s denies", c.Name, r.Registry, pattern)
			} else if len(allow) > 0 && match(allow, name) == "" {
				p.Report(c.Path.Child("image"), "image of container %q comes from %s, which is not allowed", c.Name, name)
			}
		}
	},
	// The examples are written for allow: [ghcr.io/acme, "*.example.com"] and
	// deny: [ghcr.io/acme/old]; without options the rule is quiet.
	Examples: `
With allow: [ghcr.io/acme, "*.example.com"] and deny: [ghcr.io/acme/old].
-- bad.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: hub
      image: nginx:1.27 # want: docker.io/library/nginx, which is not allowed
    - name: neighbour
      image: ghcr.io/acme-evil/web:1.0 # want: ghcr.io/acme-evil/web
    - name: denied
      image: ghcr.io/acme/old/web:1.0 # want: which ghcr.io/acme/old denies
    - name: suffix
      image: example.com.evil.test/web:1.0 # want
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: path
      image: ghcr.io/acme/web:1.0
    - name: host
      image: eu.example.com/web:1.0
    - name: near-miss
      image: ghcr.io/acme/older:1.0
`,
}

// match is the first pattern that a full image name lies under, or "".
func match(patterns []string, name string) string {
	for _, pattern := range patterns {
		if under(strings.TrimSuffix(pattern, "/"), name) {
			return pattern
		}
	}
	return ""
}

// under compares part by part, so that ghcr.io/acme does not let in
// ghcr.io/acme-evil. A * stands for any text within one part.
func under(pattern, name string) bool {
	have := strings.Split(name, "/")
	want := strings.Split(pattern, "/")
	if len(want) > len(have) {
		return false
	}
	for i := range want {
		if !glob(want[i], have[i]) {
			return false
		}
	}
	return true
}

func glob(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == s
	}
	s, ok := strings.CutPrefix(s, parts[0])
	if !ok {
		return false
	}
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s = s[i+len(part):]
	}
	return strings.HasSuffix(s, last)
}

func validPattern(s string) error {
	first, _, _ := strings.Cut(s, "/")
	switch {
	case strings.ContainsAny(s, " @") || s == "":
		return errors.New("must be a registry, or a path in one, such as ghcr.io/acme")
	case !strings.ContainsAny(first, ".:*") && first != "localhost":
		return errors.New("must begin with a registry: Docker Hub's is docker.io, its own images are docker.io/library")
	}
	return nil
}
