package report

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
)

// The rules of the text report:
//
//   - what is wrong first, where second, what it reaches and the remedy last,
//     which names the key to add where one is missing;
//   - a colour only repeats what a word says;
//   - everything from the repository is escaped, and none of it begins a line;
//   - no secret value: a line that holds one is masked from the value on;
//   - with a base, only what is new is shown, what is fixed is listed, and what
//     was there before is counted.

const defaultWidth = 100

// maxUnits is how many groups of units a finding lists.
const maxUnits = 5

// maxSteps is how many steps of the way to the cluster a finding shows.
const maxSteps = 8

// maxPlies is how many elements of the units' paths, from the last, are looked
// at for what the units have in common.
const maxPlies = 16

// tabWidth is what a tab takes at most.
const tabWidth = 8

type place struct {
	file string
	line int
}

type textWriter struct {
	w        *bufio.Writer
	r        *Report
	o        Options
	rules    map[string]lint.Category
	harmless map[string]bool  // the rules of which no line holds a secret
	units    map[string]*Unit // by ID
	secrets  map[place]bool
	// file, lines and sensitive are of the file shown last: findings are
	// sorted by file.
	file      string
	lines     [][]byte
	sensitive bool
}

// maxAbsent is how many of what is not fetched are shown, when nothing but
// fetching them is asked for.
const maxAbsent = 5

// maxFixed is how many of what is fixed are shown.
const maxFixed = 20

func writeText(w io.Writer, r *Report, o Options) error {
	if o.Width <= 0 {
		o.Width = defaultWidth
	}
	t := &textWriter{w: bufio.NewWriter(w), r: r, o: o, rules: map[string]lint.Category{}, harmless: map[string]bool{}, units: map[string]*Unit{}, secrets: map[place]bool{}}
	for _, rule := range r.Rules {
		t.rules[rule.ID] = rule.Category
		t.harmless[rule.ID] = rule.Harmless
	}
	for i := range r.Units {
		t.units[r.Units[i].ID] = &r.Units[i]
	}
	for i := range r.Findings {
		// Other findings at the line of a secret must not show it either.
		if f := &r.Findings[i]; t.rules[f.Rule] == lint.Secrets && !t.harmless[f.Rule] {
			for n := f.Origin.Line; n <= max(f.Origin.Line, min(f.Origin.EndLine, f.Origin.Line+1000)); n++ {
				t.secrets[place{f.Origin.File, n}] = true
			}
		}
	}
	kept, left := worst(r.Findings, maxFindings, func(f *lint.Finding) bool {
		return f.State == lint.Fixed || f.State != lint.Unchanged && f.Suppressed == nil
	})
	listed := false
	absent := 0
	for _, i := range kept {
		f := &r.Findings[i]
		if f.State == lint.Fixed {
			continue
		}
		// A repository without its charts says the same many times.
		if f.Rule == "not-fetched" && f.Severity == lint.Info {
			if absent++; absent > maxAbsent {
				continue
			}
		}
		t.finding(f)
	}
	if more := absent - maxAbsent; more > 0 {
		fmt.Fprintf(t.w, "and %s more that are not fetched: scantling fetch --list\n", thousands(more))
		listed = true
	}
	fixed := 0
	for _, i := range kept {
		if f := &r.Findings[i]; f.State == lint.Fixed {
			if fixed++; fixed <= maxFixed {
				t.fixed(f)
				listed = true
			}
		}
	}
	if more := fixed - maxFixed; more > 0 {
		fmt.Fprintf(t.w, "and %s more fixed: --report json lists them\n", thousands(more))
	}
	if left > 0 {
		fmt.Fprintf(t.w, "and %s more\n", thousands(left))
		listed = true
	}
	if listed {
		t.w.WriteString("\n")
	}
	t.w.WriteString(summaryLine(&r.Summary))
	t.w.WriteString("\n")
	return t.w.Flush()
}

// The escape sequences of the colours used.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

func (t *textWriter) style(code, s string) string {
	if !t.o.Color || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func severityColor(s lint.Severity) string {
	switch {
	case s >= lint.High:
		return red
	case s == lint.Medium:
		return yellow
	}
	return cyan
}

func (t *textWriter) finding(f *lint.Finding) {
	severity := f.Severity.String()
	head := fmt.Sprintf("%-8s  ", severity)
	if f.State != "" {
		head += string(f.State) + "  "
	}
	message, rule := Line(f.Message), Escape(f.Rule)
	gap := max(2, t.o.Width-width(head)-width(message)-width(rule))
	fmt.Fprintf(t.w, "%s%s%s%s%s\n", t.style(bold+";"+severityColor(f.Severity), severity), head[len(severity):],
		t.style(bold, message), strings.Repeat(" ", gap), t.style(dim, rule))
	t.place(f)
	// What was not fetched is counted in the summary, with the remedy.
	if f.Rule != "not-fetched" {
		gutter := t.snippet(f)
		note := func(s string) { fmt.Fprintf(t.w, "%s %s %s\n", gutter, t.style(dim, "="), s) }
		if units := t.reached(f.Units); units != "" && !slices.Equal(f.Units, []string{f.Origin.File}) {
			note("reaches " + shorten(units, maxLine))
		}
		if way := through(f.Origin); way != "" {
			note(t.style(dim, "through "+shorten(way, maxLine)))
		}
		if key := brief(f.Origin.Key, maxLine/2); key != "" {
			note("values key " + key)
		}
		if fix := remedy(f.Fix, f.Origin.Missing); fix != "" {
			note(Line(fix))
		}
	}
	t.w.WriteString("\n")
}

// position is a place with at most n characters of its file's name.
func position(s manifest.Span, n int) string {
	at := shortenPath(Escape(clip(s.File, maxPath)), n)
	if s.Line > 0 {
		at += ":" + strconv.Itoa(s.Line)
		if s.Column > 0 {
			at += ":" + strconv.Itoa(s.Column)
		}
	}
	return at
}

func (t *textWriter) place(f *lint.Finding) {
	at, object := t.style(bold, position(f.Origin.Span, maxLine*5/8)), brief(f.Object.String(), maxLine*3/8)
	if at != "" && !f.Origin.Exact && f.Origin.Line > 0 {
		at += " (near)"
	}
	if more := f.More(); more > 0 {
		object += " and " + count(more, "more object")
	}
	switch {
	case at == "" && object == "":
		return
	case at == "" || object == "":
		at += object
	default:
		at += "   " + object
	}
	fmt.Fprintf(t.w, "  %s %s\n", t.style(dim, "-->"), at)
}

func (t *textWriter) fixed(f *lint.Finding) {
	fmt.Fprintf(t.w, "%s     %s  %s", t.style(green, "fixed"), brief(f.Message, maxLine/2), Escape(f.Rule))
	if at := position(f.Origin.Span, maxLine/4); at != "" {
		t.w.WriteString("  " + at)
	}
	if object := brief(f.Object.String(), maxLine/4); object != "" {
		t.w.WriteString("  " + object)
	}
	t.w.WriteString("\n")
}

// snippet writes the source line with its caret and gives the gutter's blanks.
func (t *textWriter) snippet(f *lint.Finding) string {
	const blank = "  "
	line, ok := t.line(f.Origin.File, f.Origin.Line)
	if !ok {
		return blank
	}
	number := fmt.Sprintf("%2d", f.Origin.Line)
	gutter := strings.Repeat(" ", len(number))
	bar := t.style(dim, "|")
	start, end := f.Origin.Column, f.Origin.EndColumn
	if f.Origin.EndLine > f.Origin.Line {
		end = utf8.RuneCountInString(line) + 1
	}
	if t.masked(f, line) && !blockHeader().MatchString(line) {
		line, start, end = mask(line, start, f.Origin.Exact)
	}
	text, pad, caret := cut(line, start, end, t.o.Width-len(number)-3)
	if strings.TrimSpace(text) == "" {
		return gutter
	}
	fmt.Fprintf(t.w, "%s %s\n%s %s %s\n", gutter, bar, t.style(dim, number), bar, text)
	if caret > 0 {
		fmt.Fprintf(t.w, "%s %s %s%s\n", gutter, bar, pad, t.style(severityColor(f.Severity), strings.Repeat("^", caret)))
	}
	return gutter
}

// line is a line of a file of the head tree.
func (t *textWriter) line(file string, n int) (string, bool) {
	if n <= 0 || file == "" || t.r.Source == nil {
		return "", false
	}
	if file != t.file || t.lines == nil {
		data := bytes.TrimPrefix(t.r.Source(file), []byte("\xef\xbb\xbf"))
		t.file, t.lines = file, bytes.Split(data, []byte("\n"))
		t.sensitive = bytes.Contains(bytes.ToLower(data), []byte("secret"))
	}
	if n > len(t.lines) {
		return "", false
	}
	return strings.TrimSuffix(string(t.lines[n-1]), "\r"), true
}

// masked says that the line of a finding may hold a secret value. A rule that
// is not known may be one about secrets.
func (t *textWriter) masked(f *lint.Finding, line string) bool {
	category, known := t.rules[f.Rule]
	secret := func(s lint.Sight) bool { return s.Object.Kind == "Secret" }
	return !known || category == lint.Secrets && !t.harmless[f.Rule] || f.Object.Kind == "Secret" || slices.ContainsFunc(f.Sights, secret) ||
		t.secrets[place{f.Origin.File, f.Origin.Line}] ||
		t.r.Secret != nil && t.r.Secret(t.lines, f.Origin.Line-1) ||
		category == lint.Problems && (t.sensitive || f.Object.Kind == "" && !structural(f, line))
}

// structural says that a problem is at a line that holds no data, but says how
// the repository is put together. A problem is met before anything is known of
// the text, and elsewhere any text may be a secret: a values file has no kind.
func structural(f *lint.Finding, line string) bool {
	switch path.Base(f.Origin.File) {
	case "kustomization.yaml", "kustomization.yml", "Kustomization", "Chart.yaml", "requirements.yaml", ".scantling.yaml":
		return true
	}
	return strings.HasPrefix(f.Rule, "ignore-") || strings.Contains(line, "{{")
}

// key is the pattern of indentation and one key. The expressions made of it are
// built on first use: start-up does no work.
const key = `^[ \t]*(?:- +)*(?:"[\w.\-/]+"|'[\w.\-/]+'|[\w.\-/]+)[ \t]*:[ \t]+`

var (
	keyPrefix = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(key) })
	// blockHeader is a key whose value begins on the next line: nothing to hide.
	blockHeader = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(key + `[|>][-+0-9]{0,2}[ \t]*$`) })
)

// mask hides the line from the column on. What stands before the column is
// shown only as far as it is indentation and one key: in a flow mapping another
// value may stand there. The second and third result are the columns of the
// mask.
func mask(line string, column int, exact bool) (masked string, start, end int) {
	shown := keyPrefix().FindString(line)
	if shown == "" {
		shown = line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	}
	runes := []rune(shown)
	switch {
	case column > 0 && column <= len(runes):
		runes = runes[:column-1]
	case column == 0 && !exact:
		runes = nil
	}
	return string(runes) + "***", len(runes) + 1, len(runes) + 4
}

// cut gives the escaped line, what to put before the caret so that it stands
// under the column, and the caret's length. A line wider than room is cut around
// the caret. Columns count runes from 1; 0 is none.
func cut(line string, start, end, room int) (text, pad string, caret int) {
	type cell struct {
		text  string
		width int
	}
	room = max(room, 20)
	// Far more than room around the caret need not be looked at.
	first := max(start-1-2*room, 0)
	var cells []cell
	more := false
	for i, n := 0, 0; i < len(line); n++ {
		if n > first+4*room {
			more = true
			break
		}
		s, size := escapeRune(line[i:])
		c := cell{s, width(s)}
		if line[i] == '\t' {
			c = cell{"\t", tabWidth}
		}
		i += size
		if n >= first {
			cells = append(cells, c)
		}
	}
	from, to := start-1-first, max(end, start+1)-1-first
	if start <= 0 || from >= len(cells) {
		from, to = 0, 0
	}
	to = min(to, len(cells))
	low, high, total := 0, len(cells), 0
	for _, c := range cells {
		total += c.width
	}
	if total > room || first > 0 || more {
		// Grow from the caret's start to both sides, two columns being kept
		// for the marks of the cut.
		low, high = from, from
		used := 0
		for grown := true; grown; {
			grown = false
			if high < len(cells) && used+cells[high].width <= room-2 {
				used += cells[high].width
				high++
				grown = true
			}
			// The span comes before what stands left of it.
			if high >= to && low > 0 && used+cells[low-1].width <= room-2 {
				low--
				used += cells[low].width
				grown = true
			}
		}
	}
	var b, p strings.Builder
	if low > 0 || first > 0 {
		b.WriteString("…")
		p.WriteByte(' ')
	}
	for i, c := range cells[low:high] {
		b.WriteString(c.text)
		switch i += low; {
		case i >= from && i < to:
			caret += max(c.width, 1)
		case i >= from:
		case c.text == "\t":
			p.WriteByte('\t')
		default:
			p.WriteString(strings.Repeat(" ", c.width))
		}
	}
	if high < len(cells) || more {
		b.WriteString("…")
	}
	return b.String(), p.String(), caret
}

func summaryLine(s *Summary) string {
	var checked []string
	if s.Units > 0 || s.Objects == 0 {
		checked = append(checked, count(s.Units, "unit"))
	}
	if s.Objects > 0 {
		checked = append(checked, count(s.Objects, "object"))
	}
	if s.Elapsed > 0 {
		checked = append(checked, duration(s.Elapsed))
	}
	counts, word, none := s.Findings, "", "no findings"
	if s.Base != "" {
		checked = append(checked, "against "+brief(s.Base, maxLine/2))
		counts, word = s.NewFindings, "new "
		if s.Unchanged > 0 {
			none = "no new findings"
		}
	}
	var found []string
	for severity := lint.Critical; severity >= lint.Info; severity-- {
		if n := counts[severity]; n > 0 {
			found = append(found, thousands(n)+" "+word+severity.String())
		}
	}
	if len(found) == 0 {
		found = []string{none}
	}
	line := strings.Join(checked, ", ") + ": " + strings.Join(found, ", ")
	var aside []string
	for _, c := range []struct {
		n    int
		word string
	}{{s.Unchanged, "unchanged"}, {s.Fixed, "fixed"}, {s.Suppressed, "suppressed"}} {
		if c.n > 0 {
			aside = append(aside, thousands(c.n)+" "+c.word)
		}
	}
	if len(aside) > 0 {
		line += " (" + strings.Join(aside, ", ") + ")"
	}
	if s.Partial > 0 || s.NotRendered > 0 {
		var lacking []string
		if s.Partial > 0 {
			lacking = append(lacking, count(s.Partial, "unit")+" partial")
		}
		if s.NotRendered > 0 {
			text := count(s.NotRendered, "unit") + " not rendered"
			// Of one unit the kind tells little; of many it tells the cause.
			if s.NotRendered > 1 {
				var kinds []string
				for _, k := range s.NotRenderedKinds {
					kinds = append(kinds, thousands(k.Count)+" "+brief(k.Kind, 40))
				}
				if len(kinds) > 0 {
					text += " (" + strings.Join(kinds, ", ") + ")"
				}
			}
			lacking = append(lacking, text)
		}
		line += ". " + strings.Join(lacking, ", ") + ": scantling units"
	}
	if s.NotFetched > 0 {
		line += ". " + thousands(s.NotFetched) + " not fetched: scantling fetch"
	}
	return line
}

// count is "1 unit" or "1,204 units".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return thousands(n) + " " + what + "s"
}

// thousands is a number with a comma before every three digits.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func duration(d time.Duration) string {
	switch {
	case d < 100*time.Millisecond:
		return fmt.Sprintf("%d ms", max(d.Milliseconds(), 1))
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	d = d.Round(time.Second)
	return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
}
