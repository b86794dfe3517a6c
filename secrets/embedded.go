package secrets

import (
	"crypto/sha256"
	"path"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"go.yaml.in/yaml/v3"
)

// maxEmbedded bounds how much of one text is taken apart, and maxEmbeddedDepth how
// deep texts in texts are looked into.
const (
	maxEmbedded      = 1 << 20
	maxEmbeddedDepth = 3
)

// embeddedCredentials are the literal credentials in a file that something else
// holds under a key, in the order in which they stand.
func embeddedCredentials(key, value string) []lint.Inside { return embeddedIn(key, value, 0) }

// embeddedKey is all that embeddedCredentials goes by.
type embeddedKey struct {
	extension string
	text      [sha256.Size]byte
}

// deployedCredentials are embeddedCredentials of what an object holds: the same
// file is in as many units as its base has overlays.
func deployedCredentials(p *lint.Pass, key, value string) []lint.Inside {
	return p.Memo(embeddedKey{extensionOf(key), sha256.Sum256([]byte(value))}, func() any {
		return embeddedCredentials(key, value)
	}).([]lint.Inside)
}

// extensionOf is the ending of a file's name, which says how it is read.
func extensionOf(key string) string { return strings.ToLower(path.Ext(key)) }

func embeddedIn(key, value string, depth int) []lint.Inside {
	if len(value) > maxEmbedded || depth > maxEmbeddedDepth {
		return nil
	}
	extension := extensionOf(key)
	switch extension {
	case ".md", ".txt", ".html", ".css", ".crt", ".pem", ".rst", ".adoc", ".csv", ".svg":
		return nil
	case ".py", ".js", ".ts", ".lua", ".go", ".rb", ".php", ".groovy", ".java", ".pl", ".tpl", ".rego", ".star":
		return credentialsInLines(value, lineSyntax{quotedOnly: true})
	case ".sql":
		return credentialsInSQL(value)
	case ".sh", ".bash":
		return credentialsInScript(value)
	case ".xml":
		return credentialsInXML(value)
	case ".properties", ".env", ".ini", ".conf", ".cfg", ".cnf", ".toml":
		return credentialsInLines(value, lineSyntax{colons: extension == ".properties"})
	}
	trimmed := strings.TrimSpace(value)
	switch {
	case strings.HasPrefix(trimmed, "#!"):
		return credentialsInScript(value)
	case strings.HasPrefix(trimmed, "<?xml") || strings.HasPrefix(trimmed, "<configuration"):
		return credentialsInXML(value)
	case !strings.Contains(trimmed, "\n") && !strings.HasPrefix(trimmed, "{"):
		return nil
	}
	structured := extension == ".yaml" || extension == ".yml" || extension == ".json" || strings.HasPrefix(trimmed, "{") || extension == ""
	if structured {
		docs, problems := manifest.Parse([]byte(value))
		var found []lint.Inside
		mapping := false
		for _, doc := range docs {
			mapping = mapping || doc.Kind == yaml.MappingNode
			found = append(found, credentialsInDocument(doc, depth)...)
		}
		if len(found) > 0 || mapping && len(problems) == 0 {
			return found
		}
	}
	return credentialsInLines(value, lineSyntax{colons: structured && extension != ""})
}

// credentialsInDocument are those of a document in a text. A Secret among the
// documents is one that a program makes of the text.
func credentialsInDocument(doc *yaml.Node, depth int) []lint.Inside {
	var found []lint.Inside
	walkFrom(doc, nil, func(w *walker, n *yaml.Node) {
		name, clear := clearNode(w, n)
		if clear {
			found = append(found, lint.Inside{Key: w.stable(), Word: w.name(), Line: n.Line})
			return
		}
		if name == "" || !strings.Contains(n.Value, "\n") {
			return
		}
		for _, in := range embeddedIn(name, n.Value, depth+1) {
			in.Key = w.stable() + "/" + in.Key
			if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
				in.Line += n.Line
			} else {
				in.Line = n.Line
			}
			found = append(found, in)
		}
	})
	return found
}

// insideName names a part of a text for a message.
func insideName(in lint.Inside) string {
	if in.Word == "value" {
		return in.Key
	}
	return in.Word
}

// applicationTag says that the program which reads the YAML gives the value a
// meaning of its own, as in `!env_var NAME` or `!vault PATH`: it is no literal.
func applicationTag(n *yaml.Node) bool {
	return strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!")
}

// lineSyntax is how a text of lines is read.
type lineSyntax struct {
	// colons stand between a name and its value, too.
	colons bool
	// quotedOnly is for programs, in which an unquoted value is code.
	quotedOnly bool
}

// credentialsInLines looks at name=value lines.
func credentialsInLines(value string, syntax lineSyntax) []lint.Inside {
	var found []lint.Inside
	number := 0
	for line := range strings.Lines(value) {
		number++
		line = strings.TrimSpace(line)
		for _, p := range findPairs(line, syntax.colons) {
			if !clearCredential(p.name, p.value) || strings.ContainsAny(p.value, "$`") && !isHash(p.value) {
				continue
			}
			quoted := strings.Contains(line, `"`+p.value+`"`) || strings.Contains(line, `'`+p.value+`'`)
			if !quoted && (syntax.quotedOnly || strings.ContainsAny(p.value, "()[]{}<>\"'\\")) {
				continue
			}
			found = append(found, lint.Inside{Key: p.name, Word: p.name, Line: number})
			break
		}
	}
	return found
}

// credentialsInScript looks at what a shell script assigns and passes to programs.
func credentialsInScript(value string) []lint.Inside {
	found := credentialsInLines(value, lineSyntax{})
	on := map[int]bool{}
	for _, in := range found {
		on[in.Line] = true
	}
	number := 0
	for line := range strings.Lines(value) {
		number++
		if on[number] || strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		for _, f := range clearFlags(scriptWords(nil, line, nil, 0)) {
			found = append(found, lint.Inside{Key: f.name, Word: f.name, Line: number})
			break
		}
	}
	return found
}

// credentialsInSQL looks for the passwords that statements set for users.
func credentialsInSQL(value string) []lint.Inside {
	var found []lint.Inside
	number := 0
	for line := range strings.Lines(value) {
		number++
		lower := strings.ToLower(line)
		if strings.HasPrefix(strings.TrimSpace(lower), "--") || len(lower) != len(line) {
			continue
		}
		for _, clause := range [...]string{"password ", "password=", "password = ", "identified by ", "identified with mysql_native_password by ", "identified with plaintext_password by "} {
			i := strings.Index(lower, clause+"'")
			if i < 0 {
				continue
			}
			start := i + len(clause) + 1
			end := strings.IndexByte(line[start:], '\'')
			if end > 0 && literalCredential(line[start:start+end]) && !strings.ContainsAny(line[start:start+end], "$`") {
				word := strings.TrimRight(line[i:start-1], " =")
				found = append(found, lint.Inside{Key: strings.ToLower(word), Word: word, Line: number})
				break
			}
		}
	}
	return found
}

// credentialsInXML looks at elements named as credentials, and at the properties
// of Hadoop's and Java's configuration.
func credentialsInXML(value string) []lint.Inside {
	var found []lint.Inside
	number, property := 0, ""
	for line := range strings.Lines(value) {
		number++
		line = strings.TrimSpace(line)
		if name := xmlElement(line, "name"); name != "" {
			property = name
		}
		name, word, text := property, "value", xmlElement(line, "value")
		if text == "" {
			name, text = anyXMLElement(line)
			word = name
		}
		if text != "" && clearCredential(name, text) {
			found = append(found, lint.Inside{Key: name, Word: word, Line: number})
		}
		if strings.Contains(line, "</property>") {
			property = ""
		}
	}
	return found
}

// xmlElement is the text of an element that stands on one line.
func xmlElement(line, name string) string {
	_, rest, ok := strings.Cut(line, "<"+name+">")
	if !ok {
		return ""
	}
	text, _, ok := strings.Cut(rest, "</"+name+">")
	if !ok {
		return ""
	}
	return strings.TrimSpace(text)
}

// anyXMLElement is an element without attributes that a line begins with.
func anyXMLElement(line string) (name, text string) {
	name, _, ok := strings.Cut(strings.TrimPrefix(line, "<"), ">")
	if !ok || !strings.HasPrefix(line, "<") || !isIdentifier(name) {
		return "", ""
	}
	return name, xmlElement(line, name)
}
