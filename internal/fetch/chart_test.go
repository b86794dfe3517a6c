package fetch

import (
	"fmt"
	"net/url"
	"testing"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/registry"
	"helm.sh/helm/v3/pkg/repo"
)

// TestChooseVersion compares with helm, over an index and over a registry's
// tags.
func TestChooseVersion(t *testing.T) {
	sets := [][]string{
		{"1.0.0", "1.2.3", "1.10.0", "2.0.0-rc.1", "2.0.0", "0.9.1"},
		{"2.0.0-alpha.1", "2.0.0-alpha.10", "2.0.0-alpha.2", "1.9.9"},
		{"v1.0.0", "v1.1.0", "1.0.5"},
		{"1.0.0+a", "1.0.1+b.5", "0.1.0"},
		{"3.0.0-beta"},
		{"20.1.7", "20.1.10", "19.9.9"},
	}
	wants := []string{"", "*", "1", "1.x", "1.*", "^1", "~1.2", ">=1.0.0", ">=1.0.0-0", ">= 1.0 < 2", "1.2.3", "v1.2.3", "1.0", "=1.0.0", "1.0.0+a", "1.0.1",
		"2.0.0-alpha.2", "^2.0.0-0", ">2.0.0-alpha.2", "!=2.0.0", "1.0.0 - 1.5.0", "20.1.x", "latest", "not a version", "1.0.0 || 2.0.0", "9"}
	for _, set := range sets {
		index := repo.NewIndexFile()
		for _, v := range set {
			index.Entries["web"] = append(index.Entries["web"], &repo.ChartVersion{Metadata: &chart.Metadata{APIVersion: "v2", Name: "web", Version: v}, URLs: []string{"x"}})
		}
		index.SortEntries()
		var sorted []string
		for _, v := range index.Entries["web"] {
			sorted = append(sorted, v.Version)
		}
		for _, want := range wants {
			ours, err := chooseVersion(set, want)
			if err != nil {
				ours = ""
			}
			theirs := ""
			if v, err := index.Get("web", want); err == nil {
				theirs = v.Version
			}
			if ours != theirs {
				t.Errorf("%q of %q: %q, helm takes %q", want, set, ours, theirs)
			}
			if tag, _ := registry.GetTagMatchingVersionOrConstraint(sorted, want); ours != tag {
				t.Errorf("%q of the tags %q: %q, helm takes %q", want, set, ours, tag)
			}
		}
	}
}

func TestChartURL(t *testing.T) {
	for _, base := range []string{"https://a.example", "https://a.example/", "https://a.example/charts", "https://a.example/charts/?token=x", "https://a.example/a%20b/c"} {
		for _, ref := range []string{"web-1.0.0.tgz", "charts/web.tgz", "/root/web.tgz", "../web.tgz", "https://b.example/web.tgz", "oci://b.example/web:1", "./a b.tgz"} {
			u, err := url.Parse(base)
			if err != nil {
				t.Fatal(err)
			}
			ours, err := chartURL(u, ref)
			theirs, helmErr := repo.ResolveReferenceURL(base, ref)
			if ours != theirs || fmt.Sprint(err == nil) != fmt.Sprint(helmErr == nil) {
				t.Errorf("%s and %s: %q (%v), helm has %q (%v)", base, ref, ours, err, theirs, helmErr)
			}
		}
	}
}
