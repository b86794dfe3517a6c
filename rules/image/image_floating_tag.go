package image

import (
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/lint"
)

var imageFloatingTag = &lint.Rule{
	ID: "image-floating-tag", Severity: lint.Low, Category: lint.Image, Since: "0.1.0",
	Title:   "image tag names a channel, not a version",
	Why:     "A tag such as stable, main or v1 is moved to each new build. Nodes run different builds of it, a restart is an upgrade that nobody asked for, and a rollback brings nothing back.",
	Fix:     "Name a full version, or pin the image by its digest behind the tag.",
	Profile: lint.Strict,
	Kinds:   lint.Workloads,
	Options: []lint.Option{floatingTags()},
	Check: func(p *lint.Pass) {
		for _, c := range p.Workload().Containers() {
			r, err := parse(c.Image)
			// Of latest and of no tag at all image-latest-tag speaks.
			if err != nil || r.Digest != "" || r.Tag == "" || r.Tag == "latest" {
				continue
			}
			switch {
			case channel(r.Tag, p.Option(floatingOption)):
				p.Report(c.Path.Child("image"), "image of container %q has the tag %q, which is moved to new builds", c.Name, r.Tag)
			case majorOnly(r.Tag):
				p.Report(c.Path.Child("image"), "image of container %q has the tag %q, a number that each release of it may take over", c.Name, r.Tag)
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
        - name: migrate
          image: ghcr.io/acme/migrate:main # want: "migrate" has the tag "main"
      containers:
        - name: web
          image: nginx:stable-alpine # want: "stable-alpine"
        - name: log
          image: ghcr.io/acme/log:v1 # want: the tag "v1", a number that each release
        - name: cache
          image: redis:7-alpine # want: "7-alpine"
-- bad-options.yaml --
# options: tags=candidate*
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: ghcr.io/acme/web:candidate-2 # want: "candidate-2"
    - name: log
      image: ghcr.io/acme/log:main
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: version
      image: nginx:1.27.3
    # Two parts may be all that a version has.
    - name: minor
      image: busybox:1.37
    - name: digest
      image: nginx:stable@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    # image-latest-tag speaks about these.
    - name: latest
      image: nginx:latest
    - name: none
      image: nginx
    - name: variable
      image: ghcr.io/acme/web:${TAG}
    - name: dated
      image: ghcr.io/acme/web:main-2026-01-31
    - name: build
      image: ghcr.io/acme/web:20260131
    - name: commit
      image: ghcr.io/acme/web:3f2a91c
    - name: named-like-a-release
      image: ghcr.io/acme/web:main-f3a91c2
`,
}

// floatingOption is the name of the option that floatingTags makes.
const floatingOption = "tags"

// floatingTags is the option for the tags that registries move.
func floatingTags() lint.Option {
	return lint.Option{
		Name:    floatingOption,
		Doc:     "Tags that are taken to move to each new build; * stands for any characters.",
		Default: []string{"stable", "edge", "main", "master", "trunk", "nightly", "dev", "develop", "devel", "lts", "rolling", "canary", "snapshot", "unstable", "mainline", "current", "production", "prod", "staging"},
		Valid:   lint.Glob,
	}
}

// variants are what stands behind a tag for the system that an image is built on.
var variants = []string{"alpine", "slim", "debian", "ubuntu", "bookworm", "bullseye", "trixie", "distroless", "debug", "nonroot", "fpm", "apache", "jdk", "jre", "amd64", "arm64"}

// channel says that a tag is a word of the list, alone or with the system that the
// image is built on.
func channel(tag string, tags []string) bool {
	word := withoutVariant(tag)
	return lint.MatchesAny(tags, word)
}

// majorOnly says that a tag is the number of a major version, likewise. Longer
// numbers are those of builds and dates.
func majorOnly(tag string) bool {
	number := strings.TrimPrefix(withoutVariant(tag), "v")
	return len(number) <= 2 && every(number, isDigit)
}

func withoutVariant(tag string) string {
	for {
		head, last, ok := cutLast(tag)
		if !ok || !slices.Contains(variants, strings.TrimRight(last, "0123456789.")) {
			return tag
		}
		tag = head
	}
}

func cutLast(s string) (head, last string, ok bool) {
	i := strings.LastIndexByte(s, '-')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// mutable says that a reference names something else from one day to the next.
func mutable(r reference, tags []string) bool {
	return r.Digest == "" && (r.Tag == "" || r.Tag == "latest" || channel(r.Tag, tags))
}
