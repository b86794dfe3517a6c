package lint

import (
	"path"
	"strings"
	"unicode/utf8"
)

// commentMarks begin comments in what is no YAML, the longer ones first.
var commentMarks = []string{"<!--", "/*", "//", "--", "#", ";", "*", "%"}

// isCode says that a file's comments are not those of YAML.
func isCode(base string) bool {
	switch path.Ext(base) {
	case ".adoc", ".bash", ".bat", ".c", ".cfg", ".cjs", ".cpp", ".cs", ".css", ".cue", ".dockerfile", ".fish", ".go", ".gradle", ".groovy", ".h", ".hcl", ".htm", ".html", ".java", ".js", ".jsonnet", ".jsx", ".kt", ".libsonnet", ".lua", ".md", ".mdx", ".mjs", ".mk", ".nix", ".php", ".pl", ".ps1", ".py", ".rb", ".rego", ".rs", ".rst", ".scala", ".sh", ".sql", ".star", ".svg", ".swift", ".tf", ".tfvars", ".toml", ".ts", ".tsx", ".txt", ".vue", ".xml", ".zsh":
		return true
	}
	return strings.HasPrefix(base, "Dockerfile") || base == "Makefile" || base == "Jenkinsfile" || base == "Vagrantfile"
}

// lineDirectives are those of a file of code or prose. Behind
// something, a comment covers its line; alone on a line, the next one that holds
// something.
func lineDirectives(text string) []directive {
	var found []directive
	waiting := 0
	for i, line := range strings.Split(text, "\n") {
		before, comment, ok := lineComment(line)
		d, asks := directive{}, false
		if ok {
			d, asks = parseDirective(comment)
		}
		switch {
		case asks:
			d.line, d.column, d.end = i+1, utf8.RuneCountInString(before)+1, utf8.RuneCountInString(strings.TrimRight(line, " \t\r"))+1
			d.first, d.last = 1, 0
			if strings.TrimSpace(before) != "" {
				d.first, d.last = i+1, i+1
			}
			found = append(found, d)
		case strings.TrimSpace(line) != "":
			for ; waiting < len(found); waiting++ {
				if w := &found[waiting]; w.last < w.first {
					w.first, w.last = i+1, i+1
				}
			}
		}
	}
	return found
}

// lineComment takes a line apart at the comment that may ask for something to be
// ignored.
func lineComment(line string) (before, comment string, ok bool) {
	for _, word := range []string{"scantling:", trivyComment, checkovComment} {
		head, _, found := strings.Cut(line, word)
		if !found {
			continue
		}
		comment = strings.TrimSpace(line[len(head):])
		comment = strings.TrimSuffix(strings.TrimSuffix(comment, "-->"), "*/")
		head = strings.TrimRight(head, " \t")
		for _, mark := range commentMarks {
			if before, ok := strings.CutSuffix(head, mark); ok {
				return strings.TrimRight(before, "#/;"), comment, true
			}
		}
	}
	return "", "", false
}
