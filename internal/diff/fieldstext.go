package diff

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// maxValue is how many bytes of a value on one line are shown, and maxText of one
	// of several lines.
	maxValue = 400
	maxText  = 2 << 10
	// maxFlow is how long, in bytes, a list or mapping on one line may be.
	maxFlow = 100
	// maxLines is how many lines of one field are shown.
	maxLines = 40
)

// printer writes the values of one field, without what is secret.
type printer struct {
	field *Field
	path  []step
	// at is 0 for what stood there before, and 1 for what stands there now.
	at int
}

// values writes what stood and what stands in a field: each on one line, or else
// both as lines of YAML.
func (p *printer) values(before, after *value) {
	shown, short := [2]string{}, true
	for at, v := range []*value{before, after} {
		if p.at = at; v != nil {
			shown[at] = p.flow(v)
			short = short && shown[at] != ""
		}
	}
	if short {
		if before != nil && after != nil {
			shown[0], shown[1] = nearDifference(shown[0], shown[1])
		}
		for at := range shown {
			shown[at] = cut(shown[at], maxValue)
		}
	}
	for at, v := range []*value{before, after} {
		if v == nil {
			continue
		}
		if p.at = at; !short {
			shown[at] = p.lines(v)
		}
		if at == 0 {
			p.field.Before = &shown[at]
		} else {
			p.field.After = &shown[at]
		}
	}
}

// lines writes a value as lines of the field, and gives their text.
func (p *printer) lines(v *value) string {
	t := &outline{printer: p}
	t.write(p.path, v, "", "")
	for _, line := range t.lines {
		p.field.Lines = append(p.field.Lines, string("-+"[p.at])+line)
	}
	p.field.MoreLines += t.more
	return strings.Join(t.lines, "\n")
}

// nearDifference cuts two long texts around where they begin to differ.
func nearDifference(a, b string) (string, string) {
	const near = 40
	if len(a) <= maxFlow && len(b) <= maxFlow {
		return a, b
	}
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	if n <= near {
		return a, b
	}
	n -= near
	for n > 0 && !utf8.RuneStart(a[n]) {
		n--
	}
	return "…" + a[n:], "…" + b[n:]
}

// flow is a value on one line; empty for one that does not fit there.
func (p *printer) flow(v *value) string {
	if v.scalar() {
		if v.form == textForm && strings.Contains(strings.TrimSuffix(v.text, "\n"), "\n") {
			return ""
		}
		return p.scalar(p.path, v)
	}
	if v.size > 8 {
		return ""
	}
	text := p.inline(p.path, v)
	if len(text) > maxFlow {
		return ""
	}
	return text
}

func (p *printer) inline(path []step, v *value) string {
	if v.scalar() {
		return p.scalar(path, v)
	}
	var b strings.Builder
	for i, item := range v.items {
		if i > 0 {
			b.WriteString(", ")
		}
		s := step{name: strconv.Itoa(i), item: true}
		if v.form == mapForm {
			s = step{name: v.keys[i]}
			b.WriteString(keyText(s.name) + ": ")
		} else if v.form == listForm {
			s.behind[p.at] = textBefore(v.items, i)
		}
		b.WriteString(p.inline(p.below(path, s, v), item))
	}
	if v.form == mapForm {
		return "{" + b.String() + "}"
	}
	return "[" + b.String() + "]"
}

// below is the path of what a map or list holds. An item whose map has a name is
// called by it.
func (p *printer) below(path []step, s step, v *value) []step {
	path = path[:len(path):len(path)]
	if name := v.get("name"); name != nil && s.name == "value" && name.form == textForm {
		path = append(path, step{name: name.text, item: true})
	}
	return append(path, s)
}

// scalar is a scalar as it is shown.
func (p *printer) scalar(path []step, v *value) string {
	switch v.form {
	case noForm:
		return "null"
	case plainForm:
		return cut(v.text, maxValue*4)
	case secretForm:
		return p.hide(Secret)
	case encryptedForm:
		return p.hide(Encrypted)
	}
	if confidential(path, p.at, v.text) {
		return p.hide(Secret)
	}
	return quoted(cut(v.text, maxValue*4))
}

// hide says what is not shown.
func (p *printer) hide(m Mask) string {
	if p.field.Mask != Secret {
		p.field.Mask = m
	}
	return "(" + string(m) + " value)"
}

// quoted puts a text in quotes if without them it would not be taken for this text.
func quoted(s string) string {
	if s == "" || strings.TrimSpace(s) != s {
		return strconv.Quote(s)
	}
	switch strings.ToLower(s) {
	case "true", "false", "null", "~", "yes", "no", "on", "off":
		return strconv.Quote(s)
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return strconv.Quote(s)
	}
	return s
}

func keyText(key string) string {
	if key == "" || strings.ContainsAny(key, ": \n#{}[],'\"") {
		return strconv.Quote(cut(key, maxValue))
	}
	return cut(key, maxValue)
}

// outline writes a value as lines of YAML.
type outline struct {
	*printer
	lines []string
	more  int
}

// write writes a value whose first line begins with first, and whose other lines
// begin with indent.
func (t *outline) write(path []step, v *value, first, indent string) {
	switch {
	case len(t.lines) >= maxLines:
		t.more += max(v.size, 1)
	case v.scalar() && v.form == textForm && strings.Contains(v.text, "\n"):
		t.block(path, v, first, indent)
	case v.scalar():
		t.lines = append(t.lines, first+t.scalar(path, v))
	case len(v.items) == 0 && v.form == mapForm:
		t.lines = append(t.lines, first+"{}")
	case len(v.items) == 0:
		t.lines = append(t.lines, first+"[]")
	case v.form == listForm:
		for i, item := range v.items {
			s := step{name: strconv.Itoa(i), item: true}
			s.behind[t.at] = textBefore(v.items, i)
			t.write(t.below(path, s, v), item, first+"- ", indent+"  ")
			first = indent
		}
	default:
		for i, item := range v.items {
			below := t.below(path, step{name: v.keys[i]}, v)
			head := first + keyText(v.keys[i]) + ":"
			first = indent
			if item.scalar() || len(item.items) == 0 {
				t.write(below, item, head+" ", indent)
				continue
			}
			if len(t.lines) >= maxLines {
				t.more += max(item.size, 1)
				continue
			}
			t.lines = append(t.lines, head)
			t.write(below, item, indent+"  ", indent+"  ")
		}
	}
}

// block writes a text of several lines.
func (t *outline) block(path []step, v *value, first, indent string) {
	if confidential(path, t.at, v.text) {
		t.lines = append(t.lines, first+t.hide(Secret))
		return
	}
	t.lines = append(t.lines, first+"|")
	lines := t.masked(v.text)
	n := min(len(lines), max(maxLines-len(t.lines), 0))
	for _, line := range lines[:n] {
		t.lines = append(t.lines, indent+"  "+line)
	}
	t.more += len(lines) - n
}

// texts writes the difference of two texts of several lines.
func (p *printer) texts(before, after string) {
	var all [2][]string
	for at, text := range []string{before, after} {
		p.at = at
		if confidential(p.path, at, text) {
			all[at] = []string{p.hide(Secret)}
		} else {
			all[at] = p.masked(text)
		}
		shown := cut(strings.Join(all[at], "\n"), maxText)
		if at == 0 {
			p.field.Before = &shown
		} else {
			p.field.After = &shown
		}
	}
	lines := lineDiff(splitLines(before), splitLines(after), all[0], all[1])
	if len(lines) > maxLines {
		p.field.MoreLines = len(lines) - maxLines
		lines = lines[:maxLines]
	}
	p.field.Lines = lines
}

func splitLines(text string) []string {
	lines := strings.Split(text, "\n")
	if n := len(lines) - 1; n > 0 && lines[n] == "" {
		return lines[:n]
	}
	return lines
}

// lineDiff gives the lines that went, with "-", and those that came, with "+", each
// place with a line before and behind it. What is compared is shown as masked.
func lineDiff(before, after, maskedBefore, maskedAfter []string) []string {
	if len(maskedBefore) != len(before) || len(maskedAfter) != len(after) {
		// One is hidden as a whole.
		return []string{"-" + strings.Join(maskedBefore[:1], ""), "+" + strings.Join(maskedAfter[:1], "")}
	}
	start := 0
	for start < min(len(before), len(after)) && before[start] == after[start] {
		start++
	}
	end := 0
	for end < min(len(before), len(after))-start && before[len(before)-1-end] == after[len(after)-1-end] {
		end++
	}
	n, m := len(before)-start-end, len(after)-start-end
	var kept [][2]int
	if n*m <= maxCells {
		kept = inCommon(n, m, func(i, j int) bool { return before[start+i] == after[start+j] })
	}
	var out []string
	if start > 0 {
		out = append(out, " "+maskedAfter[start-1])
	}
	i, j := 0, 0
	for _, k := range append(kept, [2]int{n, m}) {
		changed := i < k[0] || j < k[1]
		if changed && j > 0 && !strings.HasPrefix(out[len(out)-1], " ") {
			out = append(out, " "+maskedAfter[start+j-1])
		}
		for ; i < k[0]; i++ {
			out = append(out, "-"+maskedBefore[start+i])
		}
		for ; j < k[1]; j++ {
			out = append(out, "+"+maskedAfter[start+j])
		}
		i, j = i+1, j+1
	}
	if end > 0 && n+m > 0 {
		out = append(out, " "+maskedAfter[len(after)-end])
	}
	if n+m == 0 {
		return []string{"-(the end of the last line is another one)"}
	}
	return out
}
