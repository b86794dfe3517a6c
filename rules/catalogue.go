package rules

import (
	_ "embed"
	"encoding/csv"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// catalogue is the union of what the peers check on manifests. A test holds it
// against the rules that there are. Columns: the rule's id and category, why it
// is left out on purpose (else empty), the level of the Pod Security Standards,
// items of other standards, and a column of ids for each peer.
//
//go:embed catalogue.csv
var catalogue string

// Entry is one row of the catalogue of rules.
type Entry struct {
	// ID is the rule's id.
	ID       string
	Category string
	// LeftOut says why there is no such rule, on purpose; empty for a rule.
	LeftOut string
	// Frameworks are the items of published standards that the rule covers, as
	// lint.Rule.Frameworks has them.
	Frameworks []string
	// Peers are the checks of other tools that look for the same.
	Peers []Peer
}

// Peer is a check of another tool.
type Peer struct {
	// Tool is the other tool's name, such as "kube-linter" or "checkov".
	Tool string
	// ID is the check's id there, such as "CKV_K8S_16".
	ID string
}

// referencedPeers are the peers that have no column of their own.
var referencedPeers = map[string]string{"psa": "pod-security-admission", "kubesec": "kubesec", "datree": "datree", "pluto": "pluto", "kubeconform": "kubeconform"}

// Catalogue is every entry, in the order of the categories.
var Catalogue = sync.OnceValue(func() []Entry {
	rows, err := csv.NewReader(strings.NewReader(catalogue)).ReadAll()
	if err != nil {
		panic(err) // it is compiled in, and tested
	}
	const firstPeer = 5
	tools := rows[0][firstPeer:]
	entries := make([]Entry, 0, len(rows)-1)
	for _, row := range rows[1:] {
		e := Entry{ID: row[0], Category: row[1], LeftOut: row[2]}
		for _, level := range strings.Fields(row[3]) {
			e.Frameworks = append(e.Frameworks, "PSS:"+level)
		}
		for item := range strings.SplitSeq(row[4], ";") {
			item = strings.TrimSpace(item)
			before, id, _ := strings.Cut(item, ":")
			if tool, ok := referencedPeers[before]; ok {
				e.Peers = append(e.Peers, Peer{tool, id})
			} else if item != "" {
				// CIS-1.12:5.2.2,5.2.8 are two items.
				for n := range strings.SplitSeq(id, ",") {
					e.Frameworks = append(e.Frameworks, strings.TrimSuffix(before+":"+n, ":"))
				}
			}
		}
		for i, ids := range row[firstPeer:] {
			for id := range strings.FieldsSeq(ids) {
				e.Peers = append(e.Peers, Peer{tools[i], id})
			}
		}
		entries = append(entries, e)
	}
	return entries
})

// byPeer are the ids of our rules by a peer's.
var byPeer = sync.OnceValue(func() map[Peer][]string {
	ids := map[Peer][]string{}
	add := func(tool, id, ours string) {
		if key := (Peer{tool, id}); !slices.Contains(ids[key], ours) {
			ids[key] = append(ids[key], ours)
		}
	}
	for _, e := range Catalogue() {
		if e.LeftOut != "" {
			continue
		}
		for _, p := range e.Peers {
			id := peerID(p.ID)
			add(p.Tool, id, e.ID)
			add("", id, e.ID)
			add(p.Tool, "*", e.ID)
		}
	}
	return ids
})

// trivyID is the number of a check of trivy, in all the ways in which it was
// written over the years: KSV-0017, AVD-KSV-0017, KSV017.
var trivyID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?:avd-)?(ksv|kcv)-?0*(\d+)$`) })

// peerID is a peer's id as it is compared: case does not matter.
func peerID(id string) string {
	return trivyID().ReplaceAllString(strings.ToLower(id), "$1$2")
}

// Ours are the ids of the rules that look for what a check of another tool does;
// with no tool, that of any tool. The check "*" is all that a tool has.
func Ours(tool, check string) []string {
	return byPeer()[Peer{tool, peerID(check)}]
}
