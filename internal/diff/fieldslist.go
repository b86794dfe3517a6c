package diff

import (
	"slices"
	"strconv"
	"strings"
)

// mergeKeys are what tells the items of a list apart, by the name of the list, as
// the API server merges them. Of several the first holds that each item has, and
// that no two share.
var mergeKeys = map[string][][]string{
	"ports":                     {{"containerPort", "protocol"}, {"port", "protocol"}},
	"volumeMounts":              {{"mountPath"}},
	"volumeDevices":             {{"devicePath"}},
	"hostAliases":               {{"ip"}},
	"topologySpreadConstraints": {{"topologyKey", "whenUnsatisfiable"}},
	"subjects":                  {{"kind", "namespace", "name"}},
	"valuesFrom":                {{"kind", "name", "valuesKey", "targetPath"}},
	"items":                     {{"key"}},
	"paths":                     {{"path", "pathType"}},
	"rules":                     {{"host"}},
	"tls":                       {{"secretName"}},
}

// otherKeys are those of all other lists.
var otherKeys = [][]string{{"name"}, {"kind", "namespace", "name"}, {"key"}, {"id"}, {"secretKey"}, {"host"}, {"path"}, {"type"}}

// optional keys are those that an item may lack.
var optional = map[string]bool{"protocol": true, "namespace": true, "valuesKey": true, "targetPath": true, "pathType": true}

// unordered lists mean the same in any order of their items.
var unordered = map[string]bool{
	"containers": true, "ephemeralContainers": true, "env": true, "envFrom": false, "ports": true, "volumes": true, "volumeMounts": true, "volumeDevices": true,
	"imagePullSecrets": true, "secrets": true, "hostAliases": true, "tolerations": true, "topologySpreadConstraints": true,
	"subjects": true, "verbs": true, "resources": true, "apiGroups": true, "resourceNames": true, "nonResourceURLs": true,
	"add": true, "drop": true, "accessModes": true, "policyTypes": true, "ingress": true, "egress": true, "from": true, "to": true,
	"finalizers": true, "dnsNames": true, "dependsOn": true, "sources": true, "tls": true, "items": true, "matchExpressions": true, "values": true,
	"readinessGates": true, "volumeClaimTemplates": true, "webhooks": true, "operations": true, "conditions": true, "metrics": true,
	"sourceNamespaces": true, "destinations": true, "shortNames": true, "categories": true,
}

// lists compares two lists, item by item.
func (d *differ) lists(path []step, before, after *value) {
	name := listName(path)
	if keys := d.keysOf(name, before, after); keys != nil {
		d.keyed(path, name, keys, before, after)
		return
	}
	d.byContent(path, d.orderless(path, name), before, after)
}

// listName is the key that a list stands under.
func listName(path []step) string {
	for i := len(path) - 1; i >= 0; i-- {
		if !path[i].item {
			return path[i].name
		}
	}
	return ""
}

// orderless says that the order of a list's items means nothing.
func (d *differ) orderless(path []step, name string) bool {
	if name == "rules" {
		// Of a role; of an Ingress the order counts.
		return d.kind == "Role" || d.kind == "ClusterRole"
	}
	return unordered[name] && len(path) > 0 && !path[len(path)-1].item
}

// keysOf are the keys that tell the items of both lists apart; nil for none.
func (d *differ) keysOf(name string, before, after *value) []string {
	for _, keys := range slices.Concat(mergeKeys[name], otherKeys) {
		if distinct(before, keys) && distinct(after, keys) {
			return keys
		}
	}
	return nil
}

// distinct says that each item has the keys, and that no two have the same values
// under them.
func distinct(list *value, keys []string) bool {
	seen := make(map[string]bool, len(list.items))
	for _, item := range list.items {
		name, ok := nameOf(item, keys)
		if !ok || seen[name] {
			return false
		}
		seen[name] = true
	}
	return true
}

// nameOf is what the values under some keys call an item.
func nameOf(item *value, keys []string) (string, bool) {
	var parts []string
	for _, key := range keys {
		v := item.get(key)
		switch {
		case v == nil && optional[key] && item.form == mapForm:
		case v == nil || v.form != textForm && v.form != plainForm:
			return "", false
		case key == "protocol" && v.text == "TCP":
			// It is what is meant where none is named.
		default:
			parts = append(parts, v.text)
		}
	}
	return strings.Join(parts, ","), true
}

// keyed compares lists whose items have names.
func (d *differ) keyed(path []step, name string, keys []string, before, after *value) {
	was, order := named(before, keys)
	is, now := named(after, keys)
	// What a generated object was called is part of some names.
	generated := map[string]string{}
	for _, called := range order {
		if s := stem(called); s != "" && is[called] == nil {
			generated[s] = called
		}
	}
	for _, called := range now {
		b := was[called]
		if earlier := generated[stem(called)]; b == nil && earlier != "" {
			b = was[earlier]
			delete(was, earlier)
		}
		d.below(path, step{name: called, item: true}, b, is[called])
	}
	for _, called := range order {
		if b := was[called]; b != nil && is[called] == nil {
			d.below(path, step{name: called, item: true}, b, nil)
		}
	}
	if d.orderless(path, name) && !(name == "env" && refers(after)) {
		return
	}
	order = slices.DeleteFunc(order, func(called string) bool { return is[called] == nil })
	now = slices.DeleteFunc(now, func(called string) bool { return was[called] == nil })
	if !slices.Equal(order, now) {
		d.reordered(path, order, now)
	}
}

// named are the items of a list by what keys call them, and these names in order.
func named(list *value, keys []string) (map[string]*value, []string) {
	items := make(map[string]*value, len(list.items))
	var order []string
	for _, item := range list.items {
		called, _ := nameOf(item, keys)
		items[called] = item
		order = append(order, called)
	}
	return items, order
}

// refers says that a variable of a list may be made of those before it.
func refers(env *value) bool {
	return slices.ContainsFunc(env.items, func(item *value) bool {
		v := item.get("value")
		return v != nil && strings.Contains(v.text, "$(")
	})
}

// reordered notes that the items of a list, which are called so, changed places.
func (d *differ) reordered(path []step, before, after []string) {
	if len(d.fields) >= d.limit {
		d.more++
		return
	}
	list := func(names []string) *string {
		s := "order " + cut(strings.Join(names, ", "), maxValue)
		return &s
	}
	d.fields = append(d.fields, Field{Path: pathText(path), Kind: Changed, Before: list(before), After: list(after)})
}

// maxCells bounds what it costs to find which items of two lists are the same.
const maxCells = 250_000

// byContent compares lists whose items have no names.
func (d *differ) byContent(path []step, orderless bool, before, after *value) {
	l := &lists{before: before.items, after: after.items}
	b, a := l.before, l.after
	for l.start < min(len(b), len(a)) && same(b[l.start], a[l.start]) {
		l.start++
	}
	end := 0
	for end < min(len(b), len(a))-l.start && same(b[len(b)-1-end], a[len(a)-1-end]) {
		end++
	}
	l.beforeEnd, l.afterEnd = len(b)-end, len(a)-end
	if orderless || (l.beforeEnd-l.start)*(l.afterEnd-l.start) > maxCells {
		d.sets(path, l)
		return
	}
	// What lies between two items that stayed was replaced, one by one.
	d.gaps(path, l)
}

// lists are two lists, which differ between start and the ends.
type lists struct {
	before, after       []*value
	start               int
	beforeEnd, afterEnd int
}

// sets compares lists in which items may stand anywhere.
func (d *differ) sets(path []step, l *lists) {
	count := map[uint64]int{}
	for _, b := range l.before[l.start:l.beforeEnd] {
		count[b.hash]++
	}
	var removed, added []int
	for i := l.start; i < l.afterEnd; i++ {
		if hash := l.after[i].hash; count[hash] > 0 {
			count[hash]--
		} else {
			added = append(added, i)
		}
	}
	for i := l.beforeEnd - 1; i >= l.start; i-- {
		if hash := l.before[i].hash; count[hash] > 0 {
			count[hash]--
			removed = append(removed, i)
		}
	}
	slices.Reverse(removed)
	switch {
	case len(added)+len(removed) == 0:
		if !d.orderless(path, listName(path)) {
			d.reordered(path, []string{"as it was"}, []string{"of " + strconv.Itoa(len(l.after)) + " items changed"})
		}
	case scalars(l.before) && scalars(l.after):
		// What came did not replace what went.
		d.replaced(path, l, removed, nil)
		d.replaced(path, l, nil, added)
	default:
		d.replaced(path, l, removed, added)
	}
}

func scalars(list []*value) bool {
	return !slices.ContainsFunc(list, func(v *value) bool { return !v.scalar() })
}

// gaps compares lists whose order counts.
func (d *differ) gaps(path []step, l *lists) {
	kept := inCommon(l.beforeEnd-l.start, l.afterEnd-l.start, func(i, j int) bool {
		return same(l.before[l.start+i], l.after[l.start+j])
	})
	i, j := l.start, l.start
	for _, k := range append(kept, [2]int{l.beforeEnd - l.start, l.afterEnd - l.start}) {
		var removed, added []int
		for ; i < l.start+k[0]; i++ {
			removed = append(removed, i)
		}
		for ; j < l.start+k[1]; j++ {
			added = append(added, j)
		}
		d.replaced(path, l, removed, added)
		i, j = i+1, j+1
	}
}

// replaced notes the items that went and came in one place of a list.
func (d *differ) replaced(path []step, l *lists, removed, added []int) {
	for n := range max(len(removed), len(added)) {
		var b, a *value
		s := step{item: true}
		if n < len(removed) {
			b = l.before[removed[n]]
			s.name = strconv.Itoa(removed[n])
			s.behind[0] = textBefore(l.before, removed[n])
		}
		if n < len(added) {
			a = l.after[added[n]]
			s.name = strconv.Itoa(added[n])
			s.behind[1] = textBefore(l.after, added[n])
		}
		d.below(path, s, b, a)
	}
}

// textBefore is the text in front of an item: of a command line, the flag that it
// may be the value of.
func textBefore(list []*value, i int) string {
	if i == 0 || list[i-1].form != textForm {
		return ""
	}
	return list[i-1].text
}

// inCommon gives the longest run of pairs that are the same, in order, of n and m
// things; n times m must be small.
func inCommon(n, m int, same func(i, j int) bool) [][2]int {
	length := make([]int32, (n+1)*(m+1))
	at := func(i, j int) *int32 { return &length[i*(m+1)+j] }
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			if same(i, j) {
				*at(i, j) = *at(i+1, j+1) + 1
			} else {
				*at(i, j) = max(*at(i+1, j), *at(i, j+1))
			}
		}
	}
	var pairs [][2]int
	for i, j := 0, 0; i < n && j < m; {
		switch {
		case same(i, j):
			pairs = append(pairs, [2]int{i, j})
			i, j = i+1, j+1
		case *at(i+1, j) >= *at(i, j+1):
			i++
		default:
			j++
		}
	}
	return pairs
}
