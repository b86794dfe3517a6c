package secrets

import (
	"path"
	"strings"

	"github.com/scantling-dev/scantling/lint"
)

// secretReading is how a file is searched for Secrets.
type secretReading int

const (
	// readNot is for prose and for programs.
	readNot secretReading = iota
	// readDocuments is for what is YAML or JSON, or would be without the actions
	// of a template.
	readDocuments
	// readLines is for scripts, which feed manifests to programs.
	readLines
)

// readingOf says how a file is searched, by its name. What calls itself text is
// prose unless some unit reads it.
func readingOf(t *lint.Tree, name string) secretReading {
	base := path.Base(name)
	if base == "NOTES.txt" || strings.HasPrefix(strings.ToLower(base), "readme") {
		return readNot
	}
	switch strings.ToLower(path.Ext(base)) {
	case ".yaml", ".yml", ".json", "":
		if base == "Makefile" || base == "Dockerfile" || base == "Justfile" {
			return readLines
		}
		return readDocuments
	case ".sh", ".bash", ".zsh", ".ksh", ".fish", ".mk", ".ps1", ".bat":
		return readLines
	case ".txt":
		if t.Readers == nil || len(t.Readers(name)) == 0 {
			return readNot
		}
	case ".md", ".markdown", ".mdx", ".rst", ".adoc", ".asciidoc", ".html", ".htm", ".tex", ".org", ".ipynb", ".svg", ".xml", ".css", ".scss",
		".go", ".py", ".js", ".mjs", ".ts", ".tsx", ".jsx", ".java", ".kt", ".scala", ".rb", ".rs", ".c", ".cc", ".cpp", ".h", ".hpp", ".cs",
		".php", ".swift", ".lua", ".pl", ".ex", ".exs", ".dart", ".groovy", ".gradle", ".cue", ".jsonnet", ".libsonnet", ".rego", ".star", ".bzl",
		".proto", ".sql", ".lock", ".sum", ".mod", ".log", ".diff", ".patch", ".csv", ".ambr", ".snap":
		return readNot
	}
	return readDocuments
}

// isSample says that a file is there to be copied or read, or made for tests, by
// its name or the folder it is in.
func isSample(name string) bool {
	dir, base := path.Split(strings.ToLower(name))
	for part := range strings.SplitSeq(dir, "/") {
		switch part {
		case "doc", "docs", "documentation", "testdata", "fixtures", "__fixtures__", "test-fixtures", "__snapshots__", "__snapshot__":
			return true
		}
	}
	for {
		ext := path.Ext(base)
		switch ext {
		case ".example", ".sample", ".dist":
			return true
		case "":
			return strings.HasSuffix(base, "-example") || strings.HasSuffix(base, "_example") ||
				strings.HasSuffix(base, "-sample") || strings.HasSuffix(base, "_sample")
		}
		base = strings.TrimSuffix(base, ext)
	}
}
