// Package governance holds the rules about what an organisation asks of every
// object: where it lies, what is written on it, and in which order.
package governance

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/lint"
)

// Rules are the rules of this topic.
var Rules = []*lint.Rule{
	defaultNamespace,
	namespaceNotDeclared,
	requiredAnnotationMissing,
	requiredLabelMissing,
	sortedKeys,
}

// kindsOption is the option that says of which kinds something is required.
var kindsOption = lint.Option{
	Name:    "kinds",
	Doc:     "The kinds of objects that are looked at, as Kind or group/Kind; * stands for all.",
	Default: []string{"Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job", "Service"},
}

// asked says that the option names the kind of the object.
func asked(p *lint.Pass) bool {
	return slices.ContainsFunc(p.Option(kindsOption.Name), func(kind string) bool {
		return kind == "*" || kind == p.Object.GVK.Kind || kind == p.Object.GVK.Group+"/"+p.Object.GVK.Kind
	})
}

// requirement takes what options ask for: a key, or key=pattern.
func requirement(s string) error {
	key, pattern, _ := strings.Cut(s, "=")
	if key == "" {
		return errors.New("it is a key, or key=pattern")
	}
	_, err := regexp.Compile(pattern)
	return err
}

// require reports what a map of an object's metadata, labels or annotations,
// lacks of what an option asks for, and the values that do not match.
func require(p *lint.Pass, what string, required []string) {
	if !asked(p) {
		return
	}
	written := p.Object.Value("metadata", what)
	var missing []string
	for _, r := range required {
		key, pattern, _ := strings.Cut(r, "=")
		v := written.Key(key)
		switch {
		case !v.Written() || v.Text() == "" && pattern == "":
			missing = append(missing, fmt.Sprintf("%q", key))
		case pattern == "" || !v.Known():
		default:
			if re, err := regexp.Compile("^(?:" + pattern + ")$"); err == nil && !re.MatchString(v.Text()) {
				p.Report(v.Path, "%s %q of %s %q does not match %q", strings.TrimSuffix(what, "s"), key, p.Object.GVK.Kind, p.Object.Name, pattern)
			}
		}
	}
	if len(missing) == 1 {
		p.Report(written.Path, "%s %q has no %s %s", p.Object.GVK.Kind, p.Object.Name, strings.TrimSuffix(what, "s"), missing[0])
	} else if len(missing) > 1 {
		p.Report(written.Path, "%s %q lacks the %s %s", p.Object.GVK.Kind, p.Object.Name, what, strings.Join(missing, ", "))
	}
}
