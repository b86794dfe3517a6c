package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
)

// through names what leads from the place of a finding to the cluster, the nearest
// first: what the field passes, then the objects that deploy it. The cluster is
// named beside the unit.
func through(at manifest.Origin) string {
	var names []string
	for _, step := range steps(at) {
		if step.File == "" && strings.HasPrefix(step.What, "cluster ") {
			continue
		}
		name := Escape(clip(step.What, maxPath))
		if kind, dir, ok := strings.Cut(step.What, " "); ok && strings.HasPrefix(step.File, dir+"/") {
			// The file says which folder.
			name = Escape(clip(kind, maxPath))
		}
		where := position(manifest.Span{File: step.File, Line: step.Line}, maxLine/3)
		switch {
		case where == "":
		case strings.Contains(name, " "):
			name += " (" + where + ")"
		default:
			name += " " + where
		}
		names = append(names, strings.TrimSpace(name))
	}
	if more := len(names) - maxSteps; more > 0 {
		names = append(names[:maxSteps], thousands(more)+" more")
	}
	return strings.Join(names, ", ")
}

// steps are the steps of the way from a place, each once.
func steps(at manifest.Origin) []manifest.Step {
	var all []manifest.Step
	for _, step := range at.Via {
		if !slices.Contains(all, step) {
			all = append(all, step)
		}
	}
	return all
}

// reached names the units of a finding. Those that GitOps objects of one name
// deploy to several clusters are named once, and so is a chart that is rendered
// with several values files.
func (t *textWriter) reached(ids []string) string {
	var order, rest []string
	// with are what units of one name differ in.
	with := map[string][]string{}
	for _, id := range ids {
		u, ok := t.units[id]
		var name, differs string
		switch {
		case ok && u.Cluster != "":
			name, differs = Escape(clip(u.Kind+" "+u.Name, maxPath))+" in ", u.Cluster
		case ok && u.Kind == "helm" && u.Name != "":
			name, differs = Escape(clip(u.Path, maxPath))+" with ", u.Name
		default:
			rest = append(rest, id)
			continue
		}
		if with[name] == nil {
			order = append(order, name)
		}
		with[name] = append(with[name], differs)
	}
	var list []string
	for _, name := range order[:min(len(order), maxUnits)] {
		list = append(list, name+foldUnits(with[name]))
	}
	if n := len(order) - maxUnits; n > 0 {
		list = append(list, fmt.Sprintf("%s more", thousands(n)))
	}
	if len(rest) > 0 {
		list = append(list, foldUnits(rest))
	}
	return strings.Join(list, ", ")
}

// foldUnits lists units for a person: "prod, stage: apps/web/overlays/{prod,stage}".
func foldUnits(units []string) string {
	groups := make([][]string, len(units))
	for i, u := range units {
		groups[i] = strings.Split(Escape(clip(u, maxPath)), "/")
	}
	deepest := 0
	for _, g := range groups {
		deepest = max(deepest, len(g))
	}
	// The last element first: units of one folder are the usual case. Names that
	// are thousands of folders deep must not take forever.
	for back := 1; back <= min(deepest, maxPlies); back++ {
		at := map[string]int{}
		var merged [][]string
		var names [][]string
		for _, g := range groups {
			i := len(g) - back
			if i < 0 {
				merged, names = append(merged, g), append(names, nil)
				continue
			}
			key := strings.Join(g[:i], "/") + "\x00" + strings.Join(g[i+1:], "/")
			j, ok := at[key]
			if !ok {
				at[key] = len(merged)
				merged, names = append(merged, slices.Clone(g)), append(names, []string{g[i]})
				continue
			}
			names[j] = append(names[j], g[i])
		}
		for j, n := range names {
			if len(n) > 1 {
				merged[j][len(merged[j])-back] = "{" + strings.Join(n, ",") + "}"
			}
		}
		groups = merged
	}
	var list []string
	for _, g := range groups {
		list = append(list, strings.Join(g, "/"))
	}
	text := strings.Join(list[:min(len(list), maxUnits)], ", ")
	if n := len(list) - maxUnits; n > 0 {
		text += fmt.Sprintf(" and %s more", thousands(n))
	}
	// The names first, where they tell the units apart.
	if len(list) == 1 && len(units) > 1 && len(units) <= maxUnits {
		var names []string
		for _, u := range units {
			names = append(names, Escape(u[strings.LastIndexByte(u, '/')+1:]))
		}
		if slices.Sort(names); len(slices.Compact(slices.Clone(names))) == len(units) {
			text = strings.Join(names, ", ") + ": " + text
		}
	}
	return text
}
