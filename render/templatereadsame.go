package render

import "encoding/binary"

// same is the one symbol that stands for all that are made alike: templates are
// called with the same from many places, and read once.
func (t *symbols) same(s *symbol) *symbol {
	if known := t.alike[s]; known != nil {
		return known
	}
	if s == absent || s == yes || s == no {
		return s
	}
	switch s.kind {
	case symbolUnknown, symbolRoot, symbolValues, symbolPath, symbolChart, symbolRelease, symbolFiles, symbolSubcharts:
		return s
	}
	parts, conds := t.sameAll(s.parts), t.sameAll(s.conds)
	key := binary.AppendUvarint(nil, uint64(s.kind))
	if s.falsy {
		key = append(key, '!')
	}
	key = appendKey(key, s.text)
	key = binary.AppendUvarint(key, uint64(len(s.keys)))
	for _, k := range s.keys {
		key = appendKey(key, k)
	}
	for _, list := range [][]*symbol{parts, conds} {
		key = binary.AppendUvarint(key, uint64(len(list)))
		for _, p := range list {
			key = binary.AppendUvarint(key, t.number(p))
		}
	}
	one := t.made[string(key)]
	if one == nil {
		one = &symbol{kind: s.kind, text: s.text, falsy: s.falsy, keys: s.keys, parts: parts, conds: conds}
		t.made[string(key)] = one
	}
	t.alike[s], t.alike[one] = one, one
	return one
}

func appendKey(key []byte, text string) []byte {
	return append(binary.AppendUvarint(key, uint64(len(text))), text...)
}

func (t *symbols) sameAll(all []*symbol) []*symbol {
	if len(all) == 0 {
		return nil
	}
	same := make([]*symbol, len(all))
	for i, s := range all {
		same[i] = t.same(s)
	}
	return same
}

func (t *symbols) number(s *symbol) uint64 {
	n, ok := t.numbers[s]
	if !ok {
		n = uint64(len(t.numbers))
		t.numbers[s] = n
	}
	return n
}
