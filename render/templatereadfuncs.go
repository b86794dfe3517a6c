package render

import (
	"slices"
	"strings"
)

// function is what a function of helm's gives. One that is not known takes
// something of each argument, the last, which often is piped into it, most.
func (c *call) function(name string, args []*symbol) *symbol {
	if short, ok := strings.CutPrefix(name, "must"); ok && short != "" {
		name = strings.ToLower(short[:1]) + short[1:]
	}
	for _, known := range []func(*templateReader, string, []*symbol) *symbol{
		(*templateReader).choice, (*templateReader).logic, (*templateReader).collection, (*templateReader).lookup, (*templateReader).textual,
	} {
		if s := known(c.r, name, args); s != nil {
			return s
		}
	}
	back := slices.Clone(args)
	slices.Reverse(back)
	return made(back...)
}

// choice is what the functions give that choose one of their arguments.
func (r *templateReader) choice(name string, args []*symbol) *symbol {
	switch {
	case name == "default" && len(args) > 1:
		return firstTrue([]*symbol{args[len(args)-1], args[0]})
	case (name == "coalesce" || name == "or") && len(args) > 0:
		return firstTrue(args)
	case name == "ternary" && len(args) > 2:
		if truth, ok := args[2].known(); ok {
			if truth {
				return args[0]
			}
			return args[1]
		}
		return eitherOf(args[:2], args[2:3])
	case name == "and" && len(args) > 0:
		for _, a := range args {
			if truth, ok := a.known(); ok && !truth {
				return a
			}
		}
		return either(args...)
	}
	return nil
}

// firstTrue is the first of several values that is not empty.
func firstTrue(values []*symbol) *symbol {
	var possible []*symbol
	for _, v := range values {
		truth, ok := v.known()
		if ok && !truth {
			continue
		}
		possible = append(possible, v)
		if ok {
			break
		}
	}
	if len(possible) == 0 {
		return values[len(values)-1]
	}
	return either(possible...)
}

// logic is what the functions give that ask something.
func (r *templateReader) logic(name string, args []*symbol) *symbol {
	if len(args) == 0 {
		return nil
	}
	switch name {
	case "not", "empty":
		if truth, ok := args[0].known(); ok {
			return boolSymbol(!truth)
		}
	case "eq", "ne":
		if same, ok := sameConstant(args); ok {
			return boolSymbol(same == (name == "eq"))
		}
	case "hasKey":
		if len(args) > 1 && args[0].kind == symbolDict && args[1].kind == symbolText && !slices.Contains(args[0].keys, "") {
			return boolSymbol(slices.Contains(args[0].keys, args[1].text))
		}
	case "lt", "le", "gt", "ge", "contains", "hasPrefix", "hasSuffix", "has", "kindIs", "typeIs", "typeIsLike", "semverCompare", "regexMatch", "deepEqual", "len", "all", "any":
	default:
		return nil
	}
	return made(args...)
}

// sameConstant says that the first of several constants is one of the others.
func sameConstant(args []*symbol) (same, ok bool) {
	for i, a := range args {
		if a.kind != symbolText || a == absent {
			return false, false
		}
		same = same || i > 0 && a.text == args[0].text
	}
	return same, true
}

// collection is what the functions give that make maps and lists.
func (r *templateReader) collection(name string, args []*symbol) *symbol {
	switch name {
	case "dict":
		d := &symbol{kind: symbolDict}
		for i := 0; i+1 < len(args) && r.spend(1); i += 2 {
			d.put(args[i], args[i+1])
		}
		return d
	case "list", "tuple":
		return &symbol{kind: symbolList, parts: args}
	}
	if len(args) == 0 {
		return nil
	}
	switch name {
	case "merge":
		return mergedMap(args...)
	case "mergeOverwrite":
		back := slices.Clone(args)
		slices.Reverse(back)
		return mergedMap(back...)
	case "set":
		if len(args) > 2 && r.spend(len(args[0].parts)) {
			return withKey(args[0], args[1], args[2])
		}
	case "omit":
		return without(args[0], args[1:])
	case "pick", "unset":
		return args[0]
	case "concat":
		return either(args...)
	case "append", "prepend":
		if len(args) > 1 {
			return either(args[0], &symbol{kind: symbolList, parts: args[1:2]})
		}
	case "without":
		return args[0]
	case "keys":
		keys := make([]*symbol, len(args))
		for i, a := range args {
			keys[i] = &symbol{kind: symbolList, parts: []*symbol{r.key(a)}}
		}
		return either(keys...)
	case "values":
		return &symbol{kind: symbolMade, parts: []*symbol{r.item(args[0])}}
	case "fromYaml", "fromJson", "fromYamlArray", "fromJsonArray", "fromToml":
		return parsedText(r, args[0])
	case "toYaml", "toYamlPretty", "toJson", "toRawJson", "toPrettyJson", "toToml":
		return asWhole(args[0])
	}
	return nil
}

// put sets a key of a map that is being made.
func (s *symbol) put(key, value *symbol) {
	name := ""
	if key.kind == symbolText {
		name = key.text
	}
	s.keys, s.parts = append(s.keys, name), append(s.parts, value)
}

// withKey is a map in which a key was set.
func withKey(m, key, value *symbol) *symbol {
	d := &symbol{kind: symbolDict}
	if m.kind == symbolDict && len(m.parts) < maxReadParts {
		d.keys, d.parts = slices.Clone(m.keys), slices.Clone(m.parts)
		d.put(key, value)
		return d
	}
	d.put(key, value)
	return mergedMap(d, m)
}

// without is a map without some of its keys.
func without(m *symbol, keys []*symbol) *symbol {
	if m.kind != symbolDict {
		return m
	}
	d := &symbol{kind: symbolDict}
	for i, k := range m.keys {
		if !slices.ContainsFunc(keys, func(s *symbol) bool { return s.kind == symbolText && s.text == k }) {
			d.keys, d.parts = append(d.keys, k), append(d.parts, m.parts[i])
		}
	}
	return d
}

// parsedText is what a text holds as YAML.
func parsedText(r *templateReader, s *symbol) *symbol {
	switch s.kind {
	case symbolWhole:
		return s.parts[0]
	case symbolEither:
		return r.each(s, func(p *symbol) *symbol { return parsedText(r, p) })
	case symbolText:
		return made()
	}
	return s
}

// lookup is what the functions give that look into maps and lists.
func (r *templateReader) lookup(name string, args []*symbol) *symbol {
	if name == "pluck" && len(args) > 1 {
		found := make([]*symbol, 0, len(args))
		for _, m := range args[1:] {
			found = append(found, r.at(m, args[0]))
		}
		return &symbol{kind: symbolList, parts: []*symbol{either(found...)}}
	}
	if len(args) == 0 {
		return nil
	}
	switch name {
	case "get", "index":
		s := args[0]
		for _, key := range args[1:] {
			s = r.at(s, key)
		}
		return s
	case "dig":
		if len(args) < 3 {
			return nil
		}
		s := args[len(args)-1]
		for _, key := range args[:len(args)-2] {
			s = r.at(s, key)
		}
		return firstTrue([]*symbol{s, args[len(args)-2]})
	case "first":
		return r.at(args[0], &symbol{kind: symbolText, text: "0"})
	case "last":
		if l := args[0]; l.kind == symbolList && len(l.parts) > 0 {
			return l.parts[len(l.parts)-1]
		}
		return r.item(args[0])
	}
	return nil
}

// textual is what the functions give that print their arguments, or what they
// were given last with some changes. Nothing of what goes into random texts, or
// comes from the cluster, is seen in the output.
func (r *templateReader) textual(name string, args []*symbol) *symbol {
	switch name {
	case "lookup", "fail", "now", "uuidv4", "randAlpha", "randAlphaNum", "randNumeric", "randAscii", "randBytes", "randInt",
		"genPrivateKey", "genCA", "genCAWithKey", "genSelfSignedCert", "genSelfSignedCertWithKey", "genSignedCert", "genSignedCertWithKey",
		"derivePassword", "getHostByName":
		return unknown
	}
	if len(args) == 0 {
		return nil
	}
	last := args[len(args)-1]
	switch name {
	case "toString", "trim", "int", "int64", "float64", "deepCopy", "uniq", "compact", "sortAlpha", "reverse", "toStrings", "quote", "squote":
		if name == "quote" || name == "squote" {
			if len(args) > 1 {
				return made(args...)
			}
		}
		return last
	case "rest", "initial", "slice":
		if args[0].kind == symbolList {
			return made(args[0].parts...)
		}
		return args[0]
	case "required", "upper", "lower", "title", "untitle", "trimAll", "trimSuffix", "trimPrefix", "nospace", "trunc", "abbrev", "indent", "nindent",
		"b64enc", "b64dec", "substr", "camelcase", "kebabcase", "snakecase", "replace", "atoi", "ceil", "floor", "html", "js", "urlquery":
		if last.kind == symbolText && last != absent && name != "required" {
			return changedText(name, last)
		}
		return last
	case "print", "printf", "println", "cat":
		return formatted(name, args)
	case "join":
		return made(last)
	}
	return nil
}

// changedText is what some functions make of a constant.
func changedText(name string, s *symbol) *symbol {
	switch name {
	case "lower":
		return textSymbol(strings.ToLower(s.text))
	case "upper":
		return textSymbol(strings.ToUpper(s.text))
	case "indent", "nindent":
		return s
	}
	return made()
}

// formatted is what a function prints of several values: a constant if it can be
// told.
func formatted(name string, args []*symbol) *symbol {
	size := 0
	for i, a := range args {
		size += len(a.text)
		if a.kind == symbolEither && len(args) <= 8 {
			if s := formattedEach(name, args, i); s != nil {
				return s
			}
		}
		if a.kind != symbolText || a == absent || size > maxName {
			return made(args...)
		}
	}
	var text strings.Builder
	if name != "printf" {
		for i, a := range args {
			if i > 0 && name == "cat" {
				text.WriteByte(' ')
			}
			text.WriteString(a.text)
		}
		return textSymbol(text.String())
	}
	rest, args := args[0].text, args[1:]
	for len(args) > 0 {
		before, after, ok := strings.Cut(rest, "%")
		if !ok || after == "" || !strings.ContainsAny(after[:1], "sdv") {
			return made()
		}
		text.WriteString(before)
		text.WriteString(args[0].text)
		rest, args = after[1:], args[1:]
	}
	if strings.Contains(rest, "%") {
		return made()
	}
	text.WriteString(rest)
	return textSymbol(text.String())
}

// maxName is how long a constant that is put together may get: it is the name
// of a template or a key.
const maxName = 1 << 10

// formattedEach is one of what is printed with each of the constants that an
// argument is one of; nil if it is not one of constants.
func formattedEach(name string, args []*symbol, i int) *symbol {
	var texts []*symbol
	for _, p := range args[i].parts {
		if p.kind != symbolText {
			return nil
		}
		with := slices.Clone(args)
		with[i] = p
		texts = append(texts, formatted(name, with))
	}
	return eitherOf(texts, args[i].conds)
}
