// Package lint holds what a rule, a pass and a finding are, runs rules over
// objects, and folds what they report into findings. It knows no rule, no
// loader, no git and no terminal.
package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Severity says how bad it is when a rule is broken.
type Severity int

// The severities, from the mildest.
const (
	Info Severity = iota
	Low
	Medium
	High
	Critical
)

var severityNames = [...]string{"info", "low", "medium", "high", "critical"}

// String is the severity's name as reports and the configuration write it.
func (s Severity) String() string {
	if s < Info || s > Critical {
		return fmt.Sprintf("severity(%d)", int(s))
	}
	return severityNames[s]
}

// SeverityNames are the names of the severities, from the mildest.
func SeverityNames() []string { return severityNames[:] }

// ParseSeverity reads a severity's name.
func ParseSeverity(name string) (Severity, error) {
	if i := slices.Index(severityNames[:], name); i >= 0 {
		return Severity(i), nil
	}
	return 0, fmt.Errorf("unknown severity %q: it is one of %s", name, strings.Join(severityNames[:], ", "))
}

// Category is the topic that a rule belongs to.
type Category string

// The categories of the rule catalogue.
const (
	PodSecurity Category = "pod-security"
	RBAC        Category = "rbac"
	Network     Category = "network"
	Image       Category = "image"
	Reliability Category = "reliability"
	Secrets     Category = "secrets"
	// SupplyChain is about where what runs comes from, and who vouches for it.
	SupplyChain Category = "supply-chain"
	// Governance is about what an organisation asks of every object.
	Governance Category = "governance"
	// APILifecycle is about the API itself: versions that go away, schemas.
	APILifecycle Category = "api-lifecycle"
	// Admission is about webhooks and policy engines.
	Admission Category = "admission"
	// Workflow is about Argo Workflows and Rollouts, Tekton and OpenShift.
	Workflow Category = "workflow"
	// Problems are the reserved rules that say what could not be checked.
	Problems Category = "problems"
)

// Rule is one check, with all that is said about it. The engine, `scantling
// rules`, `scantling explain`, the documentation and the SARIF metadata all
// read this one value.
type Rule struct {
	// ID names the fault, not the remedy: it must read well after "ignore".
	ID string
	// Title says the fault in a few words, without a full stop.
	Title string
	// Why says what can go wrong, Fix what to do about it, in whole sentences.
	Why, Fix string
	// Since is the version of scantling that brought the rule.
	Since    string
	Severity Severity
	Category Category
	// Frameworks are the items of published standards that the rule covers,
	// such as "CIS-1.12:5.2.2", "PSS:baseline" or "NSA-CISA".
	Frameworks []string
	// Profile is the narrowest of Recommended, Strict and All that has the rule;
	// empty means Recommended.
	Profile Profile
	// Standard are options of the rule as the Pod Security Standards have them,
	// where its defaults differ: what the profiles pss-baseline and
	// pss-restricted set.
	Standard map[string][]string
	// Kinds are the kinds of objects that Check is called for; without Check, those
	// that CheckAll judges.
	Kinds []schema.GroupKind
	// Joins are the kinds of objects that CheckAll looks at, besides Kinds if there
	// is no Check. They are all kept until the end of the run.
	Joins []schema.GroupKind
	// JoinsIf asks for more objects to join, of whatever kind. It must be quick: it
	// is called for every object.
	JoinsIf func(*manifest.Object) bool
	// Options are what the configuration may set for the rule.
	Options []Option

	// Check judges one object.
	Check func(*Pass)
	// CheckAll judges all objects of one cluster together.
	CheckAll func(*Pass)
	// CheckFile judges one file of the repository, of whatever kind: text, not
	// binary. Without a repository, as in a commit of the past, it sees the file
	// alone.
	CheckFile func(*TreePass)
	// CheckTree judges the files of the repository together, and with those of the
	// base.
	CheckTree func(*TreePass)
	// Harmless says of a rule on secrets that the lines at which it reports hold
	// none, so that reports may show them as they show those of other rules.
	Harmless bool
	// Supersedes names rules whose findings on the same line are left out where this
	// one reports: they say the same less well. The finding takes the highest
	// severity of them all.
	Supersedes []string
	// Compares says that the rule has something to say only where there is a base
	// to compare with, so that what excuses its findings is not called unused
	// elsewhere.
	Compares bool
	// ByPathOnly says that no comment and no annotation excuses the findings, and
	// of the configuration only what names their paths.
	ByPathOnly bool
	// Written asks for Check to be called, too, for objects that stand in a
	// file of the repository and that no unit deploys as they stand.
	Written bool

	// Examples is a txtar archive: files whose names begin with "bad" hold
	// manifests with a comment "# want" at the end of each line where the rule
	// must report (or "# want: text", text being part of the message), files
	// whose names begin with "good" manifests on which it must be silent. A
	// rule on files may need several: the first part of their names, such as
	// "bad-two", is the example, the rest the name in the tree. Package linttest
	// says more.
	Examples string
}

// Any stands for every kind, custom ones included, in Rule.Kinds and Rule.Joins.
var Any = []schema.GroupKind{anyKind}

// Custom stands for the kinds of every API group that is not Kubernetes' own, in
// Rule.Joins.
var Custom = schema.GroupKind{Group: "*", Kind: "*"}

var anyKind = schema.GroupKind{Kind: "*"}

// Workloads are the kinds that carry a pod specification, for Rule.Kinds.
var Workloads = []schema.GroupKind{
	{Kind: "Pod"},
	{Kind: "PodTemplate"},
	{Kind: "ReplicationController"},
	{Group: "apps", Kind: "DaemonSet"},
	{Group: "apps", Kind: "Deployment"},
	{Group: "apps", Kind: "ReplicaSet"},
	{Group: "apps", Kind: "StatefulSet"},
	{Group: "batch", Kind: "CronJob"},
	{Group: "batch", Kind: "Job"},
	{Group: "extensions", Kind: "DaemonSet"},
	{Group: "extensions", Kind: "Deployment"},
	{Group: "extensions", Kind: "ReplicaSet"},
	{Group: "agents.x-k8s.io", Kind: "Sandbox"},
	{Group: "extensions.agents.x-k8s.io", Kind: "SandboxTemplate"},
	{Group: "argoproj.io", Kind: "Rollout"},
	{Group: "apps.openshift.io", Kind: "DeploymentConfig"},
	{Group: "serving.knative.dev", Kind: "Service"},
}

var ruleID = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// Validate refuses a set of rules that could not be run or explained.
func Validate(rules []*Rule) error {
	seen := map[string]bool{}
	for _, r := range rules {
		switch {
		case r == nil:
			return fmt.Errorf("a rule is nil")
		case !ruleID.MatchString(r.ID):
			return fmt.Errorf("rule id %q is not lower-case words joined by hyphens", r.ID)
		case seen[r.ID]:
			return fmt.Errorf("rule %s is listed twice", r.ID)
		case r.Title == "" || r.Why == "" || r.Fix == "" || r.Since == "" || r.Category == "":
			return fmt.Errorf("rule %s lacks a title, why, fix, since or category", r.ID)
		case r.Category != Problems && r.Check == nil && r.CheckAll == nil && r.CheckFile == nil && r.CheckTree == nil:
			return fmt.Errorf("rule %s checks nothing", r.ID)
		case (len(r.Joins) > 0 || r.JoinsIf != nil) && r.CheckAll == nil:
			return fmt.Errorf("rule %s joins no objects: it has no CheckAll", r.ID)
		case (r.Check != nil || r.CheckAll != nil) && len(r.Kinds) == 0:
			return fmt.Errorf("rule %s names no kinds", r.ID)
		case !slices.Contains([]Profile{"", Recommended, Strict, All}, r.Profile):
			return fmt.Errorf("rule %s: %q is not one of the profiles that hold each other", r.ID, r.Profile)
		}
		seen[r.ID] = true
	}
	return nil
}
