package reliability

import (
	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/lint"
)

type podMakersKey struct{}

// makesPods says that an operator makes pods in a namespace, as far as cluster.Makers
// knows, which the rule joins.
func makesPods(p *lint.Pass, namespace string) bool {
	return p.Shared(podMakersKey{}, func() any {
		in := map[string]bool{}
		for _, k := range cluster.Makers {
			for _, o := range cluster.Of(p).Kind(k.Group, k.Kind) {
				in[o.Namespace] = true
			}
		}
		return in
	}).(map[string]bool)[namespace]
}
