package image

import (
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// flaw is one that lets somebody take over a component of the cluster.
type flaw struct {
	cve string
	// images are the names of the component's images: the end of their paths.
	images []string
	// affected are the versions that have the flaw, and fixed those that do not.
	affected, fixed string
	// chart, charts and chartFixed say the same of the component's chart.
	chart, charts, chartFixed string
}

// flaws are as of 2026-08. Which version of a chart brings which version of the
// component is after the charts' own history.
var flaws = []flaw{
	{ // https://github.com/argoproj/argo-cd/security/advisories/GHSA-63qx-x74g-jcr7
		cve: "CVE-2022-24348", images: []string{"argoproj/argocd"},
		affected: "<2.1.9 || >=2.2.0 <2.2.4", fixed: "2.1.9 and 2.2.4",
		chart: "argo-cd", charts: "<3.33.3", chartFixed: "3.33.3",
	},
	{ // https://github.com/argoproj/argo-cd/security/advisories/GHSA-786q-9hcg-v9ff
		cve: "CVE-2025-55190", images: []string{"argoproj/argocd"},
		affected: ">=2.13.0 <2.13.9 || >=2.14.0 <2.14.16 || >=3.0.0 <3.0.14 || >=3.1.0 <3.1.2", fixed: "2.13.9, 2.14.16, 3.0.14 and 3.1.2",
		chart: "argo-cd", charts: ">=7.7.0 <8.3.4", chartFixed: "8.3.4",
	},
	{ // https://github.com/argoproj/argo-cd/security/advisories/GHSA-3v3m-wc6v-x4x3
		cve: "CVE-2026-42880", images: []string{"argoproj/argocd"},
		affected: ">=3.2.0 <3.2.11 || >=3.3.0 <3.3.9", fixed: "3.2.11 and 3.3.9",
		chart: "argo-cd", charts: ">=9.1.0 <9.5.11", chartFixed: "9.5.11",
	},
	{ // https://github.com/grafana/grafana/security/advisories/GHSA-8pjx-jj86-j47p
		cve: "CVE-2021-43798", images: []string{"grafana/grafana", "grafana/grafana-oss", "grafana/grafana-enterprise"},
		affected: ">=8.0.0 <8.0.7 || >=8.1.0 <8.1.8 || >=8.2.0 <8.2.7 || 8.3.0", fixed: "8.0.7, 8.1.8, 8.2.7 and 8.3.1",
		chart: "grafana", charts: ">=6.12.1 <6.19.0", chartFixed: "6.19.0",
	},
	{ // https://grafana.com/blog/2022/11/08/security-release-new-versions-of-grafana-with-critical-and-moderate-fixes-for-cve-2022-39328-cve-2022-39307-and-cve-2022-39306/
		cve: "CVE-2022-39328", images: []string{"grafana/grafana", "grafana/grafana-oss", "grafana/grafana-enterprise"},
		affected: ">=9.2.0 <9.2.4", fixed: "9.2.4",
		chart: "grafana", charts: ">=6.41.0 <6.44.0", chartFixed: "6.44.0",
	},
	{ // https://github.com/kyverno/kyverno/security/advisories/GHSA-m3cq-xcx9-3gvm
		cve: "CVE-2022-47633", images: []string{"kyverno/kyverno"},
		affected: ">=1.8.3 <1.8.5", fixed: "1.8.5",
		chart: "kyverno", charts: ">=2.6.3 <2.6.5", chartFixed: "2.6.5",
	},
	{ // https://github.com/kyverno/kyverno/security/advisories/GHSA-8p9x-46gm-qfx2
		cve: "CVE-2026-22039", images: []string{"kyverno/kyverno"},
		affected: "<1.15.3 || >=1.16.0 <1.16.3", fixed: "1.15.3 and 1.16.3",
		chart: "kyverno", charts: "<3.5.3 || >=3.6.0 <3.6.3", chartFixed: "3.5.3 and 3.6.3",
	},
}

var (
	kindHelmRelease = schema.GroupKind{Group: "helm.toolkit.fluxcd.io", Kind: "HelmRelease"}
	kindApplication = schema.GroupKind{Group: "argoproj.io", Kind: "Application"}
)

var knownVulnerableComponent = &lint.Rule{
	ID: "known-vulnerable-component", Severity: lint.High, Category: lint.SupplyChain, Since: "0.1.0",
	Title:      "component of the cluster has a known grave flaw",
	Why:        "Argo CD, Grafana and Kyverno hold rights over the whole cluster, or the credentials of what they read. In these versions somebody with little or no access gets at them: reads other repositories' credentials or Secrets, calls the administrator's endpoints, or gets an unsigned image past the policy. How it is done is public.",
	Fix:        "Upgrade to a version that the message names, or a later one, and change the credentials that the component held if it was within reach of others.",
	Frameworks: []string{"CVE-2022-24348", "CVE-2022-39328", "CVE-2022-47633"},
	Kinds:      slices.Concat(lint.Workloads, []schema.GroupKind{kindHelmRelease, kindApplication}),
	// A join: a chart that was rendered is judged by its images, and a component
	// that runs as several workloads is reported once.
	CheckAll: func(p *lint.Pass) {
		seen := map[component]bool{}
		rendered := map[string]bool{} // components, by their images' names and the namespace
		for _, o := range p.Of(lint.Workloads...) {
			w, ok := o.Workload()
			if !ok {
				continue
			}
			for _, c := range w.Containers() {
				r, err := parse(c.Image)
				if err != nil {
					continue
				}
				name, found := flawsOf(r)
				if name == "" {
					continue
				}
				rendered[name+" "+o.Namespace] = true
				once := component{name, r.Tag, o.Namespace, p.UnitOf(o).ID}
				if f := newest(found); f != nil && !seen[once] {
					seen[once] = true
					p.ReportOn(o, p.Rule.Severity, c.Path.Child("image"), "%s %s has %s, mended in %s", name, r.Tag, f.cve, f.fixed)
				}
			}
		}
		for _, o := range p.Of(kindHelmRelease, kindApplication) {
			for _, r := range releases(o) {
				version := r.version.Text()
				for _, f := range slices.Backward(flaws) {
					if f.chart == "" || f.chart != r.name || !within(f.charts, version) || rendered[f.images[0]+" "+r.namespace] {
						continue
					}
					p.ReportOn(o, p.Rule.Severity, r.version.Path, "chart %q of version %s has %s, mended in %s", r.name, version, f.cve, f.chartFixed)
					break
				}
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: argocd-server
  namespace: argocd
spec:
  selector: {matchLabels: {app: argocd-server}}
  template:
    metadata: {labels: {app: argocd-server}}
    spec:
      containers:
        - name: server
          image: quay.io/argoproj/argocd:v2.2.3 # want: argoproj/argocd v2.2.3 has CVE-2022-24348, mended in 2.1.9 and 2.2.4
---
# The same fault, which one upgrade mends.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: argocd-repo-server
  namespace: argocd
spec:
  selector: {matchLabels: {app: argocd-repo-server}}
  template:
    metadata: {labels: {app: argocd-repo-server}}
    spec:
      containers:
        - name: repo-server
          image: quay.io/argoproj/argocd:v2.2.3
---
apiVersion: v1
kind: Pod
metadata:
  name: others
spec:
  containers:
    - name: grafana
      image: mirror.example:5000/grafana/grafana:9.2.3 # want: grafana/grafana 9.2.3 has CVE-2022-39328
    - name: old-grafana
      image: grafana/grafana-oss:8.3.0@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef # want: CVE-2021-43798
    # It has both; what was found last is mended by the higher version.
    - name: kyverno
      image: ghcr.io/kyverno/kyverno:v1.8.4 # want: CVE-2026-22039
-- bad-chart.yaml --
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: kyverno
  namespace: kyverno
spec:
  chart:
    spec:
      chart: kyverno
      version: 3.6.2 # want: chart "kyverno" of version 3.6.2 has CVE-2026-22039, mended in 3.5.3 and 3.6.3
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: argocd
  namespace: argocd
spec:
  destination: {namespace: argocd}
  sources:
    - repoURL: https://argoproj.github.io/argo-helm
      chart: argo-cd
      targetRevision: 8.1.0 # want: CVE-2025-55190
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: tools
  namespace: tools
spec:
  containers:
    - name: fixed
      image: quay.io/argoproj/argocd:v3.1.2
    - name: branch
      image: quay.io/argoproj/argocd:v2.1.9
    - name: unaffected
      image: docker.io/grafana/grafana:9.1.8
    - name: other
      image: ghcr.io/acme/kyverno:v1.8.4
    - name: neighbour
      image: ghcr.io/kyverno/kyverno-cli:v1.8.4
    - name: unknown
      image: quay.io/argoproj/argocd:latest
    - name: argocd-fixed
      image: ghcr.io/kyverno/kyverno:v1.16.3
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: range
  namespace: kyverno
spec:
  chart:
    spec:
      chart: kyverno
      version: ">=2.0.0"
---
# Its chart was rendered, with a newer image: the Pod above.
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: pinned
  namespace: tools
spec:
  chart:
    spec:
      chart: kyverno
      version: 3.6.2
`,
}

// component is one that is reported once, however many workloads it runs as.
type component struct{ name, version, namespace, unit string }

// flawsOf are the flaws that the version of an image has, and the name of the
// component; no name for an image that is none of a component that is looked at.
func flawsOf(r reference) (name string, found []flaw) {
	for _, f := range flaws {
		if !slices.ContainsFunc(f.images, func(image string) bool { return r.Repository == image || strings.HasSuffix(r.Repository, "/"+image) }) {
			continue
		}
		name = f.images[0]
		if within(f.affected, r.Tag) {
			found = append(found, f)
		}
	}
	return name, found
}

func newest(found []flaw) *flaw {
	if len(found) == 0 {
		return nil
	}
	return &found[len(found)-1]
}

// within says that a version lies in a range. What is no full version, such as a
// range or a channel, is not known to.
func within(bounds, version string) bool {
	v, err := semver.StrictNewVersion(strings.TrimPrefix(version, "v"))
	if err != nil {
		return false
	}
	// What stands behind a hyphen in a tag is most often a build of the version
	// itself: 9.2.3-ubuntu.
	plain, err := v.SetPrerelease("")
	if err != nil {
		return false
	}
	c, err := semver.NewConstraint(bounds)
	return err == nil && c.Check(&plain)
}

// release is one chart that a GitOps object installs.
type release struct {
	name      string
	version   manifest.Value
	namespace string
}

// releases are the charts that a HelmRelease or an Application installs.
func releases(o *manifest.Object) []release {
	spec := o.Value("spec")
	switch o.GroupKind() {
	case kindHelmRelease:
		chart := spec.Get("chart", "spec")
		namespace := spec.Get("targetNamespace").Text()
		if namespace == "" {
			namespace = o.Namespace
		}
		return []release{{chartName(chart.Get("chart")), chart.Get("version"), namespace}}
	case kindApplication:
		var all []release
		for _, s := range append(spec.Get("sources").Items(), spec.Get("source")) {
			all = append(all, release{chartName(s.Get("chart")), s.Get("targetRevision"), spec.Get("destination", "namespace").Text()})
		}
		return all
	}
	return nil
}

// chartName is the last part of a chart's name: an OCI chart is named by its path.
func chartName(v manifest.Value) string {
	name := v.Text()
	return name[strings.LastIndexByte(name, '/')+1:]
}
