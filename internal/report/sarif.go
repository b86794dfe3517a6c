package report

import (
	"cmp"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

// maxResults is what GitHub keeps of one run; above 25,000 it refuses the file.
const maxResults = 5000

// maxRelated keeps one result's locations far below GitHub's limit of 1,000.
const maxRelated = 100

// maxTags is how many tags of a rule GitHub shows.
const maxTags = 10

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool        sarifTool               `json:"tool"`
	Invocations []sarifInvocation       `json:"invocations"`
	BaseIDs     map[string]sarifBaseURI `json:"originalUriBaseIds"`
	ColumnKind  string                  `json:"columnKind"`
	Results     []sarifResult           `json:"results"`
}

type sarifBaseURI struct {
	Description sarifText `json:"description"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name    string      `json:"name"`
	Version string      `json:"version,omitempty"`
	Rules   []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID         string               `json:"id"`
	Short      *sarifText           `json:"shortDescription,omitempty"`
	Full       *sarifText           `json:"fullDescription,omitempty"`
	Help       *sarifText           `json:"help,omitempty"`
	Default    *sarifConfiguration  `json:"defaultConfiguration,omitempty"`
	Properties *sarifRuleProperties `json:"properties,omitempty"`
}

type sarifText struct {
	Text     string `json:"text"`
	Markdown string `json:"markdown,omitempty"`
}

type sarifConfiguration struct {
	Enabled bool   `json:"enabled"`
	Level   string `json:"level"`
}

type sarifRuleProperties struct {
	Tags             []string `json:"tags"`
	SecuritySeverity string   `json:"security-severity"`
}

type sarifInvocation struct {
	ExecutionSuccessful bool                `json:"executionSuccessful"`
	Notifications       []sarifNotification `json:"toolExecutionNotifications,omitempty"`
}

type sarifNotification struct {
	Level   string    `json:"level"`
	Message sarifText `json:"message"`
}

type sarifResult struct {
	RuleID        string                `json:"ruleId"`
	RuleIndex     int                   `json:"ruleIndex"`
	Level         string                `json:"level"`
	Message       sarifText             `json:"message"`
	Locations     []sarifLocation       `json:"locations"`
	Related       []sarifLocation       `json:"relatedLocations,omitempty"`
	Fingerprints  map[string]string     `json:"partialFingerprints,omitempty"`
	BaselineState string                `json:"baselineState,omitempty"`
	Suppressions  []sarifSuppression    `json:"suppressions"`
	Properties    sarifResultProperties `json:"properties"`
}

type sarifResultProperties struct {
	Severity string   `json:"severity"`
	Exact    bool     `json:"exact"`
	Path     string   `json:"path,omitempty"`
	Missing  string   `json:"missing,omitempty"`
	Key      string   `json:"key,omitempty"`
	Objects  int      `json:"objectCount,omitempty"`
	Units    []string `json:"units,omitempty"`
}

type sarifLocation struct {
	ID       int            `json:"id,omitempty"`
	Message  *sarifText     `json:"message,omitempty"`
	Physical *sarifPhysical `json:"physicalLocation,omitempty"`
	Logical  []sarifLogical `json:"logicalLocations,omitempty"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   *sarifRegion  `json:"region,omitempty"`
}

type sarifArtifact struct {
	URI    string `json:"uri"`
	BaseID string `json:"uriBaseId"`
}

type sarifRegion struct {
	StartLine   int `json:"startLine"`
	StartColumn int `json:"startColumn,omitempty"`
	EndLine     int `json:"endLine,omitempty"`
	EndColumn   int `json:"endColumn,omitempty"`
}

type sarifLogical struct {
	Name string `json:"fullyQualifiedName"`
	Kind string `json:"kind"`
}

type sarifSuppression struct {
	Kind          string         `json:"kind"`
	Status        string         `json:"status"`
	Justification string         `json:"justification,omitempty"`
	Location      *sarifLocation `json:"location,omitempty"`
}

// writeSARIF writes SARIF 2.1.0 as GitHub wants it. There are no snippets: a
// line may hold a secret.
func writeSARIF(w io.Writer, r *Report) error {
	run := sarifRun{
		Invocations: []sarifInvocation{{ExecutionSuccessful: true}},
		BaseIDs:     map[string]sarifBaseURI{"%SRCROOT%": {Description: sarifText{Text: "The root of the repository."}}},
		ColumnKind:  "unicodeCodePoints",
		Results:     []sarifResult{},
	}
	driver := sarifDriver{Name: "scantling", Version: r.Version, Rules: []sarifRule{}}
	index := map[string]int{}
	for _, rule := range r.Rules {
		if _, ok := index[rule.ID]; !ok {
			index[rule.ID] = len(driver.Rules)
			driver.Rules = append(driver.Rules, ruleMetadata(rule))
		}
	}
	kept, left := worst(r.Findings, maxResults, nil)
	for _, i := range kept {
		f := &r.Findings[i]
		if _, ok := index[f.Rule]; !ok {
			index[f.Rule] = len(driver.Rules)
			driver.Rules = append(driver.Rules, sarifRule{ID: f.Rule})
		}
		run.Results = append(run.Results, toSARIF(f, index[f.Rule], r.Summary.Base != ""))
	}
	if left > 0 {
		run.Invocations[0].Notifications = []sarifNotification{{
			Level:   "warning",
			Message: sarifText{Text: fmt.Sprintf("%s of %s left out of this report: it holds the worst %s. The JSON report holds more.", thousands(left), count(len(r.Findings), "finding"), thousands(len(kept)))},
		}}
	}
	run.Tool.Driver = driver
	return encode(w, sarifLog{
		Schema:  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
		Version: "2.1.0",
		Runs:    []sarifRun{run},
	})
}

// worst is the indexes of the n findings that matter most, in their own order:
// what counts before what is suppressed or fixed, new before unchanged. Only
// those are looked at that want takes; nil takes all. left is how many more
// there are.
func worst(findings []lint.Finding, n int, want func(*lint.Finding) bool) (kept []int, left int) {
	for i := range findings {
		if want == nil || want(&findings[i]) {
			kept = append(kept, i)
		}
	}
	if len(kept) <= n {
		return kept, 0
	}
	class := func(f *lint.Finding) int {
		switch {
		case f.State == lint.Fixed:
			return 2
		case f.Suppressed != nil:
			return 1
		}
		return 0
	}
	slices.SortStableFunc(kept, func(i, j int) int {
		a, b := &findings[i], &findings[j]
		old := func(f *lint.Finding) int {
			if f.State == lint.Unchanged {
				return 1
			}
			return 0
		}
		return cmp.Or(cmp.Compare(class(a), class(b)), cmp.Compare(b.Severity, a.Severity), cmp.Compare(old(a), old(b)))
	})
	left = len(kept) - n
	kept = kept[:n]
	slices.Sort(kept)
	return kept, left
}

func ruleMetadata(rule *lint.Rule) sarifRule {
	tags := []string{string(rule.Category)}
	if securityCategory(rule.Category) {
		// GitHub heeds security-severity only for rules with this tag.
		tags = append(tags, "security")
	}
	tags = append(tags, rule.Frameworks...)
	markdown := "**" + rule.Title + "**\n\n" + rule.Why + "\n\n" + rule.Fix
	if len(rule.Frameworks) > 0 {
		markdown += "\n\nCovers " + strings.Join(rule.Frameworks, ", ") + "."
	}
	return sarifRule{
		ID:      rule.ID,
		Short:   &sarifText{Text: rule.Title},
		Full:    &sarifText{Text: rule.Why},
		Help:    &sarifText{Text: rule.Why + "\n\n" + rule.Fix, Markdown: markdown},
		Default: &sarifConfiguration{Enabled: lint.Recommended.Has(rule), Level: level(rule.Severity)},
		Properties: &sarifRuleProperties{
			Tags:             slices.Compact(tags[:min(len(tags), maxTags)]),
			SecuritySeverity: securitySeverity(rule.Severity),
		},
	}
}

// securityCategory says that the rules of a category are about security.
func securityCategory(c lint.Category) bool {
	switch c {
	case lint.Problems, lint.Reliability, lint.Governance, lint.APILifecycle:
		return false
	}
	return true
}

func level(s lint.Severity) string {
	switch {
	case s >= lint.High:
		return "error"
	case s == lint.Medium:
		return "warning"
	}
	return "note"
}

// securitySeverity falls into the band that GitHub shows under the same name.
func securitySeverity(s lint.Severity) string {
	switch s {
	case lint.Critical:
		return "9.5"
	case lint.High:
		return "8.0"
	case lint.Medium:
		return "5.5"
	case lint.Low:
		return "3.0"
	}
	return "0.0"
}

func toSARIF(f *lint.Finding, rule int, based bool) sarifResult {
	out := sarifResult{
		RuleID: f.Rule, RuleIndex: rule, Level: level(f.Severity),
		Message:      sarifText{Text: sarifMessage(f.Message)},
		Locations:    []sarifLocation{{Physical: physical(f.Origin.Span)}},
		Suppressions: []sarifSuppression{},
		Properties: sarifResultProperties{
			Severity: f.Severity.String(), Exact: f.Origin.Exact, Path: clip(f.Path, maxMessage),
			Missing: clip(f.Origin.Missing, maxMessage), Key: clip(f.Origin.Key, maxMessage), Units: clipAll(f.Units),
		},
	}
	if object := clip(f.Object.String(), maxMessage); object != "" {
		out.Message.Text += " in " + sarifMessage(object)
		if more := f.More(); more > 0 {
			out.Message.Text += " and " + count(more, "more object")
		}
		if n := len(f.Objects()); n > 1 {
			out.Properties.Objects = n
		}
		out.Locations[0].Logical = []sarifLogical{{Name: object, Kind: "resource"}}
	}
	if missing := brief(f.Origin.Missing, maxLine/4); missing != "" {
		out.Message.Text += ": add " + sarifMessage(missing)
	}
	if key := brief(f.Origin.Key, maxLine/4); key != "" {
		out.Message.Text += ", values key " + sarifMessage(key)
	}
	if f.Fingerprint != "" {
		out.Fingerprints = map[string]string{"scantling/v1": f.Fingerprint}
	}
	way := steps(f.Origin)
	for i, s := range way[:min(len(way), maxRelated)] {
		l := sarifLocation{ID: i + 1, Message: &sarifText{Text: sarifMessage(s.What)}}
		if s.File != "" {
			l.Physical = physical(s.Span)
		}
		out.Related = append(out.Related, l)
	}
	if based {
		// All results of a run have a baseline state, or none.
		switch f.State {
		case lint.Fixed:
			out.BaselineState = "absent"
		case lint.Unchanged:
			out.BaselineState = "unchanged"
		default:
			out.BaselineState = "new"
		}
	}
	if s := f.Suppressed; s != nil {
		suppression := sarifSuppression{Kind: "external", Status: "accepted", Justification: sarifMessage(s.Reason)}
		if s.Kind == "comment" || s.Kind == "annotation" {
			suppression.Kind = "inSource"
		}
		if s.Place.File != "" {
			suppression.Location = &sarifLocation{Physical: physical(s.Place)}
		}
		out.Suppressions = append(out.Suppressions, suppression)
	}
	return out
}

// sarifMessage is text for a SARIF message, in which "[text](target)" would be
// a link.
func sarifMessage(s string) string {
	return clip(strings.ReplaceAll(Message(s), "](", "] ("), maxMessage)
}

// physical is a place; GitHub wants a line even where none is known.
func physical(s manifest.Span) *sarifPhysical {
	region := &sarifRegion{StartLine: max(s.Line, 1)}
	if s.Line > 0 && s.Column > 0 {
		region.StartColumn = s.Column
		if s.EndColumn > 0 && (s.EndLine > s.Line || s.EndLine == s.Line && s.EndColumn >= s.Column) {
			region.EndLine, region.EndColumn = s.EndLine, s.EndColumn
		}
	}
	return &sarifPhysical{Artifact: sarifArtifact{URI: relativeURI(s.File), BaseID: "%SRCROOT%"}, Region: region}
}

// relativeURI is a path as a reference that nothing can take for an absolute
// one: no leading slash, no colon.
func relativeURI(path string) string {
	path = strings.TrimLeft(clip(path, maxPath), "/")
	if path == "" {
		return "."
	}
	parts := strings.Split(path, "/")
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(url.PathEscape(p), ":", "%3A")
	}
	return strings.Join(parts, "/")
}
