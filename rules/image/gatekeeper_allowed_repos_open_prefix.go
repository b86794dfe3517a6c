package image

import (
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var gatekeeperAllowedReposOpenPrefix = &lint.Rule{
	ID: "gatekeeper-allowed-repos-open-prefix", Severity: lint.High, Category: lint.SupplyChain, Since: "0.1.0",
	Title: "policy allows more registries than it names",
	Why:   "The policy compares the beginning of the image's name. Without a slash at the end of what it allows, registry.example lets in registry.example.attacker.net, and ghcr.io/acme the images of anybody who registers ghcr.io/acme-labs.",
	Fix:   "End the prefix with a slash (registry.example/, docker.io/acme/), or the pattern of Kyverno with /*.",
	Kinds: []schema.GroupKind{
		{Group: "constraints.gatekeeper.sh", Kind: "K8sAllowedRepos"},
		{Group: "kyverno.io", Kind: "ClusterPolicy"},
		{Group: "kyverno.io", Kind: "Policy"},
	},
	Check: func(p *lint.Pass) {
		if p.Object.GVK.Kind == "K8sAllowedRepos" {
			// https://open-policy-agent.github.io/gatekeeper-library/website/validation/allowedrepos
			for _, repo := range p.Object.Value("spec", "parameters", "repos").Items() {
				if prefix := repo.Text(); prefix != "" && repo.Known() && open(prefix) {
					p.Report(repo.Path, "prefix %q lets in every image whose name begins with it, not only those below it", prefix)
				}
			}
			return
		}
		for _, rule := range p.Object.Value("spec", "rules").Items() {
			validate := rule.Get("validate")
			patterns := append(validate.Get("anyPattern").Items(), validate.Get("pattern"))
			for _, pattern := range patterns {
				imagePatterns(pattern, 0, func(v manifest.Value) { openPattern(p, v) })
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: K8sAllowedRepos
metadata:
  name: ours
spec:
  parameters:
    repos:
      - registry.example # want: prefix "registry.example" lets in every image
      - ghcr.io/acme # want: prefix "ghcr.io/acme"
      - registry.example:5000 # want
      - acme # want: prefix "acme"
-- bad-kyverno.yaml --
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: ours
spec:
  rules:
    - name: registries
      match: {any: [{resources: {kinds: [Pod]}}]}
      validate:
        message: unknown registry
        pattern:
          spec:
            =(initContainers):
              - image: "ghcr.io/acme* | registry.example/*" # want: "ghcr.io/acme*"
            containers:
              - image: registry.example* # want: pattern "registry.example*" lets in
-- good.yaml --
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: K8sAllowedRepos
metadata:
  name: ours
spec:
  parameters:
    repos:
      - registry.example/
      - ghcr.io/acme/
      - registry.example:5000/
      # One image.
      - docker.io/library/nginx:1.27
      - docker.io/library/nginx@sha256:0123
      - nginx:1.27
      # Nobody but acme makes names there.
      - ghcr.io/acme/web
      - acme/web
      - ${REGISTRY}
---
# This one takes an exact name where there is no star.
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: K8sAllowedReposv2
metadata:
  name: exact
spec:
  parameters:
    allowedImages: ["registry.example/*", "ghcr.io/acme/web"]
---
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: ours
spec:
  rules:
    - name: registries
      match: {any: [{resources: {kinds: [Pod]}}]}
      validate:
        message: unknown registry
        pattern:
          spec:
            containers:
              - image: "ghcr.io/acme/* | registry.example/*"
    # Denied is what matches: more is safer.
    - name: no-latest
      match: {any: [{resources: {kinds: [Pod]}}]}
      validate:
        message: no latest
        pattern:
          spec:
            containers:
              - image: "!*:latest"
    - name: tag
      match: {any: [{resources: {kinds: [Pod]}}]}
      validate:
        message: a tag
        pattern:
          spec:
            containers:
              - image: "*:*"
    - name: condition
      match: {any: [{resources: {kinds: [Pod]}}]}
      validate:
        message: the agent needs a limit
        pattern:
          spec:
            containers:
              - (image): registry.example*
                resources: {limits: {memory: "?*"}}
    - name: version
      match: {any: [{resources: {kinds: [Pod]}}]}
      validate:
        message: version 1
        pattern:
          spec:
            containers:
              - image: "registry.example/web:1.*"
`,
}

// open says that a prefix ends within the name of a registry, or of an account in
// one: that strangers may have a name which begins with it. Below an account only
// its owner makes names.
func open(prefix string) bool {
	account := prefix
	if first, rest, ok := strings.Cut(prefix, "/"); ok && isRegistry(first) {
		account = rest
		if rest == "" {
			return false
		}
	} else if !ok && strings.Contains(prefix, ".") {
		// A registry, maybe with a port; an image of Docker Hub has a dot only
		// behind the colon of its tag.
		host, _, _ := strings.Cut(prefix, ":")
		return strings.Contains(host, ".")
	}
	return !strings.ContainsAny(account, "/:@")
}

// maxDepth is how deep a pattern for pods is looked into.
const maxDepth = 12

// imagePatterns calls f for what a pattern asks of the images of containers.
func imagePatterns(v manifest.Value, depth int, f func(manifest.Value)) {
	if depth > maxDepth {
		return
	}
	for _, item := range v.Items() {
		imagePatterns(item, depth+1, f)
	}
	for key, below := range v.Entries() {
		// In parentheses alone it is a condition, not a demand.
		switch key {
		case "image", "=(image)":
			f(below)
		default:
			imagePatterns(below, depth+1, f)
		}
	}
}

// openPattern reports those of the alternatives of a pattern that name a registry
// or a folder without closing it.
func openPattern(p *lint.Pass, v manifest.Value) {
	for alternative := range strings.SplitSeq(v.Text(), "|") {
		alternative = strings.TrimSpace(alternative)
		prefix, ok := strings.CutSuffix(alternative, "*")
		if ok && prefix != "" && !strings.ContainsAny(prefix, "*?!&{$") && open(prefix) {
			p.Report(v.Path, "pattern %q lets in every image whose name begins with it, not only those below it", alternative)
		}
	}
}
