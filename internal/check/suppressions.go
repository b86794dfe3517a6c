package check

import (
	"maps"
	"slices"

	"github.com/scantling-dev/scantling/internal/config"
	"github.com/scantling-dev/scantling/lint"
)

// Excused are the findings about suppressions that a change adds, from the
// findings of both trees. before is the configuration of the base.
func Excused(head, base []lint.Finding, c, before *config.Config) []lint.Finding {
	s := lint.NewSuppressor(Rules(), nil).With(c.Selection)
	return s.Added(head, base, excuses(c), excuses(before))
}

func excuses(c *config.Config) lint.Excuses {
	e := lint.Excuses{Ignore: c.Ignore, Exclude: c.Exclude, File: config.File}
	for _, id := range slices.Sorted(maps.Keys(c.Rules)) {
		if on := c.Rules[id].Enabled; on != nil && !*on {
			e.Off = append(e.Off, id)
		}
	}
	return e
}
