package render

import (
	"regexp"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
)

// affixes are what the kustomizations of a build put before and behind names.
type affixes struct{ prefixes, suffixes []string }

// hashSuffix is what kustomize puts behind the names of what it generates.
var hashSuffix = lazyRegexp(`-[0-9a-z]{10}$`)

// madeOf completes the place of a scalar whose written text is another than its
// value: a name that got prefixes, suffixes or a hash, or a text with variables
// of Flux, of kustomize or of an ApplicationSet in it. The written text is what must
// be edited then. With anything else the
// place is only near.
func (k *kustomizeOrigins) madeOf(at manifest.Origin, written, rendered string) (manifest.Origin, bool) {
	switch {
	case k.named(written, rendered):
		at.Exact = true
	case k.flux != nil && k.flux.substitute && strings.Contains(written, "$"):
		return k.substituted(at, written, rendered)
	case strings.Contains(written, "{{") && fits(setReference(), written, rendered):
		at.Exact = true
	case strings.Contains(written, "$(") && fits(varReference(), written, rendered):
		at.Exact = true
		for _, name := range k.tree.kustomizations() {
			if s := k.kustomization(name); s != nil {
				for _, v := range s.spot().items("vars") {
					if strings.Contains(written, "$("+v.str("name")+")") {
						if from, ok := v.get("name"); ok {
							at.Via = append(at.Via, manifest.Step{Span: position(name, from.value), What: "variable " + v.str("name")})
						}
					}
				}
			}
		}
	}
	return at, true
}

var (
	setReference  = lazyRegexp(`\{\{.*?\}\}`)
	varReference  = lazyRegexp(`\$\([^()]*\)`)
	fluxReference = lazyRegexp(`\$(?:\{[^{}]*\}|[_[:alpha:]][_[:alnum:]]*)`)
	fluxOnly      = lazyRegexp(`^\$\{([_[:alpha:]][_[:alnum:]]*)[^{}]*\}$`)
	fluxName      = lazyRegexp(`\$\{#?([_[:alpha:]][_[:alnum:]]*)`)
)

// fits says that a rendered text is a written one in which each reference stands
// for some text.
func fits(reference *regexp.Regexp, written, rendered string) bool {
	// $$ is how a $ is written that begins no reference.
	parts := reference.Split(strings.ReplaceAll(written, "$$", "$"), -1)
	if len(parts) < 2 {
		return strings.Contains(written, "$$") && parts[0] == rendered
	}
	rest, ok := strings.CutPrefix(rendered, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}

// substituted is the place of a text with variables of Flux in it. If the text is
// one variable and nothing else, it is where that is set: what must be edited.
// Else the text is the place, and where the variables are set are steps beside it.
func (k *kustomizeOrigins) substituted(at manifest.Origin, written, rendered string) (manifest.Origin, bool) {
	if !fits(fluxReference(), written, rendered) {
		return at, true
	}
	at.Exact = true
	if m := fluxOnly().FindStringSubmatch(strings.TrimSpace(written)); m != nil {
		if set, ok := k.variable(m[1]); ok && k.flux.vars[m[1]] == rendered {
			set.Via = append([]manifest.Step{{Span: at.Span, What: "${" + m[1] + "}"}}, set.Via...)
			return set, true
		}
	}
	for _, m := range fluxName().FindAllStringSubmatch(written, -1) {
		if set, ok := k.variable(m[1]); ok {
			at.Via = append(at.Via, manifest.Step{Span: set.Span, What: "variable " + m[1]})
		}
	}
	return at, true
}

// variable is where a variable of a Flux Kustomization is set.
func (k *kustomizeOrigins) variable(name string) (manifest.Origin, bool) {
	if _, ok := k.flux.vars[name]; !ok {
		return manifest.Origin{}, false
	}
	if k.over != nil {
		if at, ok := k.over.spot().get("postBuild", "substitute", name); ok {
			return at.origin()
		}
	}
	for _, o := range slices.Backward(k.flux.from) {
		for _, key := range []string{"data", "stringData"} {
			if at, ok := objectField(o, key)([]string{name}); ok {
				return at, true
			}
		}
	}
	return manifest.Origin{}, false
}

// named says that a rendered text is a written name with prefixes, suffixes and
// the hash that kustomize adds to names.
func (k *kustomizeOrigins) named(written, rendered string) bool {
	if written == "" || len(written) >= len(rendered) {
		return false
	}
	a := k.nameParts()
	for from := 0; ; {
		i := strings.Index(rendered[from:], written)
		if i < 0 {
			return false
		}
		from += i
		before, behind := rendered[:from], rendered[from+len(written):]
		if madeFrom(before, a.prefixes) && (madeFrom(behind, a.suffixes) || hashSuffix().MatchString(behind) && madeFrom(behind[:len(behind)-11], a.suffixes)) {
			return true
		}
		from++
	}
}

// madeFrom says that a text is a row of some of the parts.
func madeFrom(text string, parts []string) bool {
	reached := make([]bool, len(text)+1)
	reached[0] = true
	for i := range text {
		if !reached[i] {
			continue
		}
		for _, p := range parts {
			if p != "" && strings.HasPrefix(text[i:], p) {
				reached[i+len(p)] = true
			}
		}
	}
	return reached[len(text)]
}

func (k *kustomizeOrigins) nameParts() *affixes {
	k.mu.Lock()
	a := k.affixes
	k.mu.Unlock()
	if a != nil {
		return a
	}
	a = &affixes{}
	add := func(s *directives) {
		if s != nil {
			a.prefixes = append(a.prefixes, s.spot().str("namePrefix"))
			a.suffixes = append(a.suffixes, s.spot().str("nameSuffix"))
		}
	}
	add(k.over)
	for _, name := range k.tree.kustomizations() {
		add(k.kustomization(name))
	}
	k.mu.Lock()
	k.affixes = a
	k.mu.Unlock()
	return a
}
