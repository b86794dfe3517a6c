package secrets

import (
	"path"
	"slices"
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
func readingOf(tree func() *lint.Tree, name string) secretReading {
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
		if !isRead(tree, name) {
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
	return isSampleName(name) || isDocumentation(name) || isIn(name, fixtureFolders...) || isIn(name, "__snapshots__", "__snapshot__")
}

// fixtureFolders are the folders of what tests read.
var fixtureFolders = []string{"testdata", "fixtures", "__fixtures__", "test-fixtures"}

// isDocumentation says that a file lies among what is written for people.
func isDocumentation(name string) bool { return isIn(name, "doc", "docs", "documentation") }

// isIn says that a file lies in a folder of one of the names.
func isIn(name string, folders ...string) bool {
	for part := range strings.SplitSeq(strings.ToLower(path.Dir(name)), "/") {
		if slices.Contains(folders, part) {
			return true
		}
	}
	return false
}

// isSampleName says so by the file's own name. What a unit deploys from a folder of
// samples is deployed all the same.
func isSampleName(name string) bool {
	base := strings.ToLower(path.Base(name))
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

// isUnusedSample is isSample for a file of a tree.
func isUnusedSample(tree func() *lint.Tree, name string) bool {
	return isSampleName(name) || isSample(name) && !isRead(tree, name)
}

// isRead says that some unit reads a file.
func isRead(tree func() *lint.Tree, name string) bool {
	t := tree()
	return t.Readers != nil && len(t.Readers(name)) > 0
}
