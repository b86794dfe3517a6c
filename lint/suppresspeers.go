package lint

import (
	"strings"
	"time"
)

// Peers are the ids of the rules that look for what a check of another tool does,
// such as checkov's CKV_K8S_16. The check "*" is all that the tool has.
type Peers func(tool, check string) []string

// foreign is what another tool is told to ignore.
type foreign struct {
	tool   string
	checks []string
	because
}

// String is what the tool is told, such as "checkov CKV_K8S_16".
func (f foreign) String() string { return f.tool + " " + strings.Join(f.checks, ", ") }

// The annotations of other tools by which they are told what to ignore:
// https://docs.kubelinter.io/#/configuring-kubelinter?id=ignoring-violations-for-specific-cases,
// https://www.checkov.io/2.Basics/Suppressing%20and%20Skipping%20Policies.html,
// https://github.com/zegl/kube-score#ignoring-checks,
// https://polaris.docs.fairwinds.com/customization/exemptions/.
const (
	kubeLinterCheck = "ignore-check.kube-linter.io/"
	kubeLinterAll   = "kube-linter.io/ignore-all"
	kubeScoreIgnore = "kube-score/ignore"
	polarisDomain   = "polaris.fairwinds.com/"
	polarisExempt   = "exempt"
	datreeSkip      = "datree.skip/"
)

var checkovSkips = []string{"checkov.io/skip", "bridgecrew.io/skip", "cortex.io/skip"}

// foreignAnnotation reads an annotation of another tool.
func foreignAnnotation(key, value string) (f foreign, ok bool) {
	if check, ok := strings.CutPrefix(key, kubeLinterCheck); ok {
		return foreign{"kube-linter", []string{check}, because{reason: value}}, true
	}
	if rule, ok := strings.CutPrefix(key, datreeSkip); ok {
		return foreign{"datree", []string{rule}, because{reason: value}}, true
	}
	if name, ok := strings.CutPrefix(key, polarisDomain); ok {
		if value != "true" {
			return foreign{}, false
		}
		if name == polarisExempt {
			return foreign{"polaris", []string{"*"}, because{}}, true
		}
		check, ok := strings.CutSuffix(name, "-"+polarisExempt)
		return foreign{"polaris", []string{check}, because{}}, ok
	}
	for _, prefix := range checkovSkips {
		if number, ok := strings.CutPrefix(key, prefix); ok && strings.Trim(number, "0123456789") == "" {
			check, reason, _ := strings.Cut(value, "=")
			return foreign{"checkov", []string{strings.TrimSpace(check)}, because{reason: reason}}, true
		}
	}
	switch key {
	case kubeLinterAll:
		return foreign{"kube-linter", []string{"*"}, because{reason: value}}, true
	case kubeScoreIgnore:
		return foreign{"kube-score", words(value), because{}}, true
	}
	return foreign{}, false
}

// words are the words between the commas of a text.
func words(text string) []string {
	var list []string
	for w := range strings.SplitSeq(text, ",") {
		if w = strings.TrimSpace(w); w != "" && len(list) < maxNames {
			list = append(list, w)
		}
	}
	return list
}

// The comments of other tools by which they are told what to ignore:
// https://trivy.dev/latest/docs/configuration/filtering/#by-inline-comments,
// https://www.checkov.io/2.Basics/Suppressing%20and%20Skipping%20Policies.html.
const (
	trivyComment   = "trivy:ignore:"
	checkovComment = "checkov:skip="
)

// foreignComment reads the text of a comment of another tool, without its marks.
func foreignComment(text string) (f foreign, ok bool) {
	text = strings.TrimSpace(text)
	if rest, ok := strings.CutPrefix(text, trivyComment); ok {
		check, _, _ := strings.Cut(rest, " ")
		f := foreign{tool: "trivy"}
		check, day, dated := strings.Cut(check, ":exp:")
		f.checks = []string{check}
		if dated {
			f.until, f.fault = parseDay(day)
		}
		return f, true
	}
	if rest, ok := strings.CutPrefix(text, checkovComment); ok {
		check, reason, _ := strings.Cut(rest, ":")
		return foreign{"checkov", []string{strings.TrimSpace(check)}, because{reason: reason}}, true
	}
	return foreign{}, false
}

// ours are the rules that a foreign suppression excuses, and why, with what it is
// written as in the place of a reason that it does not give. A suppression that
// has run out, or whose date can't be read, excuses nothing.
func (s *Suppressor) ours(f foreign, as string) (rules []string, why string) {
	if _, over := f.over(s.today); over || f.fault != "" || s.peers == nil {
		return nil, ""
	}
	for _, check := range f.checks {
		for _, id := range s.peers(f.tool, check) {
			if s.refuse(id) == "" {
				rules = append(rules, id)
			}
		}
	}
	if why = clip(strings.TrimSpace(f.reason), maxReason); why == "" {
		why = clip(as, maxName)
	}
	return rules, why
}

// today is the day that suppressions are judged by.
func today() time.Time { return time.Now().UTC().Truncate(24 * time.Hour) }
