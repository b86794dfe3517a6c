package image

import "github.com/scantling-dev/scantling/lint"

// retired are registries, and paths in them, that get no new images, and where
// their images went ("" for nowhere).
var retired = []struct{ pattern, now string }{
	// https://kubernetes.io/blog/2023/02/06/k8s-gcr-io-freeze-announcement/
	{"k8s.gcr.io", "registry.k8s.io"},
	{"*.k8s.gcr.io", "registry.k8s.io"},
	{"gcr.io/google-containers", "registry.k8s.io"},
	{"gcr.io/google_containers", "registry.k8s.io"},
	// https://github.com/kubernetes/ingress-nginx/blob/main/Changelog.md, 0.32.0
	{"quay.io/kubernetes-ingress-controller", "registry.k8s.io/ingress-nginx"},
	// https://github.com/bitnami/containers/issues/83267
	{"docker.io/bitnami", ""},
	{"docker.io/bitnamilegacy", ""},
	// https://docs.github.com/en/packages/working-with-a-github-packages-registry/migrating-to-the-container-registry-from-the-docker-registry
	{"docker.pkg.github.com", "ghcr.io"},
}

var imageDeprecatedRegistry = &lint.Rule{
	ID: "image-deprecated-registry", Severity: lint.Medium, Category: lint.Image, Since: "0.1.0",
	Title: "image is pulled from a registry that was given up",
	Why:   "The image gets no more fixes there, and may be gone tomorrow: a pod that moves to a new node then does not start. Docker Hub's bitnami, for one, lost nearly all of its versioned images in 2025.",
	Fix:   "Take the image from where its project publishes it now, or another one that is maintained, or mirror it in a registry of your own.",
	Kinds: lint.Workloads,
	Options: []lint.Option{{
		Name: "registries", Doc: "Further registries, or paths in them such as ghcr.io/acme/old, that were given up.", Valid: validPattern,
	}},
	Check: func(p *lint.Pass) {
		for _, c := range p.Workload().Containers() {
			r, err := parse(c.Image)
			if err != nil || stillServed(r) {
				continue
			}
			from, now := givenUp(r, p.Option("registries"))
			switch {
			case from == "":
			case now == "":
				p.Report(c.Path.Child("image"), "image of container %q comes from %s, which gets no more updates", c.Name, from)
			default:
				p.Report(c.Path.Child("image"), "image of container %q comes from %s, which was given up for %s", c.Name, from, now)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  initContainers:
    - name: frozen
      image: k8s.gcr.io/pause:3.2 # want: "frozen" comes from k8s.gcr.io, which was given up for registry.k8s.io
  containers:
    - name: region
      image: eu.k8s.gcr.io/pause:3.2 # want: eu.k8s.gcr.io
    - name: alias
      image: gcr.io/google_containers/pause:3.2 # want: gcr.io/google_containers
    - name: moved
      image: bitnami/redis:7.2.4 # want: docker.io/bitnami, which gets no more updates
    - name: legacy
      image: docker.io/bitnamilegacy/redis:7.2.4 # want: docker.io/bitnamilegacy
-- bad-options.yaml --
# options: registries=registry.example/old
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: own
      image: registry.example/old/web:1.0.0 # want: registry.example/old
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: current
      image: registry.k8s.io/pause:3.10
    - name: mirror
      image: registry.example/bitnami/redis:7.2.4
    - name: neighbour
      image: docker.io/bitnamisecure/redis:latest
    # The project says that its images stay:
    # https://github.com/bitnami/sealed-secrets/issues/1790.
    - name: sealed-secrets
      image: docker.io/bitnami/sealed-secrets-controller:0.27.1
    - name: variable
      image: k8s.gcr.io/pause:${TAG}
`,
}

// stillServed says that an image is one of those that stay where the others left.
func stillServed(r reference) bool {
	switch r.Repository {
	case "bitnami/sealed-secrets-controller", "bitnami/sealed-secrets-kubeseal", "bitnami/minideb":
		return r.Registry == "docker.io"
	}
	return false
}

// givenUp is the registry, or the path in it, of a reference that was given up,
// and what took its place.
func givenUp(r reference, more []string) (from, now string) {
	name := r.Registry + "/" + r.Repository
	for _, old := range retired {
		if under(old.pattern, name) {
			if old.pattern[0] == '*' {
				return r.Registry, old.now
			}
			return old.pattern, old.now
		}
	}
	return match(more, name), ""
}
