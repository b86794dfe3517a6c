package sops

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
)

// textRange are the bytes from Start to before End. A block scalar is written in two
// parts, between which a comment may stand: its body is the second.
type textRange struct {
	start, end         int
	bodyStart, bodyEnd int
}

func (r textRange) none() bool { return r.start == r.end && r.bodyStart == r.bodyEnd }

// edit replaces bytes of a text.
type edit struct {
	start, end int
	text       string
}

var errOverlap = errors.New("its values can't be told apart in the text")

// applyEdits gives the text with the edits made. Those at one place stay in order.
func applyEdits(text []byte, edits []edit) ([]byte, error) {
	slices.SortStableFunc(edits, func(a, b edit) int { return cmp.Compare(a.start, b.start) })
	var out bytes.Buffer
	at := 0
	for _, e := range edits {
		if e.start < at || e.end < e.start || e.end > len(text) {
			return nil, errOverlap
		}
		out.Write(text[at:e.start])
		out.WriteString(e.text)
		at = e.end
	}
	out.Write(text[at:])
	return out.Bytes(), nil
}

// replaceWith are the edits that put a text where a value was written.
func (r textRange) replaceWith(text string) []edit {
	edits := []edit{{r.start, r.end, text}}
	if r.bodyEnd > r.bodyStart {
		edits = append(edits, edit{r.bodyStart, r.bodyEnd, ""})
	}
	return edits
}
