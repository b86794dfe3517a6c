package rules

import "github.com/scantling-dev/scantling/lint"

// Problems are the reserved rules: what could not be read, rendered or checked,
// and suppressions that do not do what they say. No rule reports them; the
// engine does, under these ids.
var Problems = []*lint.Rule{
	{
		ID: "parse-error", Severity: lint.High, Category: lint.Problems, Since: "0.1.0",
		Title: "file is not valid YAML or JSON",
		Why:   "The document could not be read, so nothing in it was checked, and the cluster would refuse it.",
		Fix:   "Mend the syntax at the place that is shown.",
	},
	{
		ID: "encoding", Severity: lint.High, Category: lint.Problems, Since: "0.1.0",
		Title: "file is not UTF-8 text",
		Why:   "Bytes that are not UTF-8 are read differently by different programs, so the file was not checked.",
		Fix:   "Save the file as UTF-8, without NUL bytes.",
	},
	{
		ID: "duplicate-key", Severity: lint.High, Category: lint.Problems, Since: "0.1.0",
		Title: "mapping has the same key twice",
		Why:   "Programs differ in which of the two values holds; what was reviewed may not be what is applied.",
		Fix:   "Keep one of the two keys.",
	},
	{
		ID: "limit-size", Severity: lint.High, Category: lint.Problems, Since: "0.1.0",
		Title: "input is larger than the limit",
		Why:   "An input of this size is refused before it is parsed, so nothing in it was checked.",
		Fix:   "Split the file, or leave it out with the configuration if it holds no manifests.",
	},
	{
		ID: "limit-depth", Severity: lint.High, Category: lint.Problems, Since: "0.1.0",
		Title: "document is nested deeper than the limit",
		Why:   "Parsers overflow on such nesting, so the document was refused and not checked.",
		Fix:   "Write the document with less nesting.",
	},
	{
		ID: "limit-alias", Severity: lint.High, Category: lint.Problems, Since: "0.1.0",
		Title: "aliases expand beyond the limit",
		Why:   "A few lines of YAML aliases can grow to gigabytes, so the document was refused and not checked.",
		Fix:   "Write out what the aliases stand for, or use fewer of them.",
	},
	{
		ID: "alias-cycle", Severity: lint.High, Category: lint.Problems, Since: "0.1.0",
		Title: "alias refers to what contains it",
		Why:   "The document has no end once its aliases are expanded, so it was not checked.",
		Fix:   "Break the circle between the anchor and the alias.",
	},
	{
		ID: "limit-docs", Severity: lint.High, Category: lint.Problems, Since: "0.1.0",
		Title: "stream has more documents than the limit",
		Why:   "The documents past the limit were not checked.",
		Fix:   "Split the stream into several files.",
	},
	{
		ID: "limit-time", Severity: lint.High, Category: lint.Problems, Since: "0.1.0",
		Title: "rendering took longer than the limit",
		Why:   "The rendering was stopped, so the unit's objects were not checked.",
		Fix:   "Look for a template loop or a file pattern that takes in too much, or raise the time limit in the configuration.",
	},
	{
		ID: "limit-memory", Severity: lint.High, Category: lint.Problems, Since: "0.1.0",
		Title: "rendering used more memory than the limit",
		Why:   "The rendering was stopped, so the unit's objects were not checked.",
		Fix:   "Look for a template that multiplies its output, or raise the memory limit in the configuration.",
	},
	{
		ID: "outside-repo", Severity: lint.High, Category: lint.Problems, Since: "0.1.0",
		Title: "path leads out of the repository",
		Why:   "Nothing outside the repository is read: what stands there is not under review and differs between machines.",
		Fix:   "Move the file into the repository and refer to it there.",
	},
	{
		ID: "special-file", Severity: lint.High, Category: lint.Problems, Since: "0.1.0",
		Title: "path is not a regular file",
		Why:   "Devices, pipes and sockets are never opened, so what refers to this path was not checked.",
		Fix:   "Replace it by a regular file.",
	},
	{
		ID: "plugin-refused", Severity: lint.High, Category: lint.Problems, Since: "0.1.0",
		Title: "rendering asks for a program to be run",
		Why:   "Plugins, functions and post-renderers are programs that the repository chooses, and none is ever started, so the unit's objects were not checked.",
		Fix:   "Use what is built into kustomize or helm, or commit the output of the program.",
	},
	{
		ID: "cycle", Severity: lint.High, Category: lint.Problems, Since: "0.1.0",
		Title: "units refer to each other in a circle",
		Why:   "A unit that contains itself can't be rendered, here or in the cluster, so its objects were not checked.",
		Fix:   "Remove one of the references that are named.",
	},
	{
		ID: "render-failed", Severity: lint.High, Category: lint.Problems, Since: "0.1.0",
		Title: "unit could not be rendered",
		Why:   "Its objects were not checked, and the deployment would fail in the same way.",
		Fix:   "Mend the cause that the message names; scantling render shows the unit on its own.",
	},
	{
		ID: "template-recursion", Severity: lint.High, Category: lint.Problems, Since: "0.1.0",
		Title: "template calls itself without end",
		Why:   "Such a template ends the program that renders it, so it was stopped and the chart was not checked.",
		Fix:   "Give the recursion an end, or remove the call of the template to itself.",
	},
	{
		ID: "missing-dependency", Severity: lint.High, Category: lint.Problems, Since: "0.1.0",
		Title: "chart dependency is missing",
		Why:   "The chart lists a dependency that is neither in its folder charts nor to be had from elsewhere, so what it renders was not checked.",
		Fix:   "Run helm dependency build and commit the result, or run scantling fetch.",
	},
	{
		ID: "archive", Severity: lint.High, Category: lint.Problems, Since: "0.1.0",
		Title: "archive could not be opened",
		Why:   "The archive is damaged, too large when unpacked, or holds paths that lead out of it, so nothing in it was checked.",
		Fix:   "Pack the archive again from its source.",
	},
	{
		ID: "git", Severity: lint.High, Category: lint.Problems, Since: "0.1.0",
		Title: "git object could not be read",
		Why:   "A file of the tree is missing or damaged in the repository's store, as in a partial clone, so it was not checked.",
		Fix:   "Fetch the missing objects, or repair the clone; git fsck shows what is wrong with it.",
	},
	{
		ID: "internal", Severity: lint.High, Category: lint.Problems, Since: "0.1.0",
		Title: "scantling failed on this input",
		Why:   "This is a fault of scantling. What it was doing when it failed was not checked.",
		Fix:   "Report this to the developers of scantling, with the input if it can be shown.",
	},
	{
		ID: "schema", Severity: lint.Low, Category: lint.Problems, Since: "0.1.0",
		Title: "what is rendered from does not fit its schema",
		Why:   "Values that the chart's values.schema.json does not allow, or a field of a GitOps object of the wrong type: helm or the controller refuses them, and the rendering that was checked is a guess.",
		Fix:   "Correct the value, or the schema if the chart is yours.",
	},
	{
		ID: "not-fetched", Severity: lint.Info, Category: lint.Problems, Since: "0.1.0",
		Title: "remote source is not in the cache",
		Why:   "A chart, dependency or base comes from elsewhere and is not fetched while linting, so what it brings was not checked.",
		Fix:   "Run scantling fetch, or commit a copy of the source.",
	},
	{
		ID: "ignore-without-reason", Severity: lint.Medium, Category: lint.Problems, Since: "0.1.0",
		Title: "suppression gives no reason",
		Why:   "Without a reason nobody can tell later whether the finding may still be ignored, and the suppression has no effect.",
		Fix:   "Write why the finding is acceptable, after the rule's id.",
	},
	{
		ID: "ignore-unknown-rule", Severity: lint.Medium, Category: lint.Problems, Since: "0.1.0",
		Title: "suppression names no rule",
		Why:   "No rule has this id, so the suppression has no effect; most often it is a slip of the pen.",
		Fix:   "Correct the id; scantling rules lists them all.",
	},
	{
		ID: "ignore-unused", Severity: lint.Low, Category: lint.Problems, Since: "0.1.0",
		Title: "suppression suppresses nothing",
		Why:   "The finding is gone. A suppression that stays behind hides the next one at this place.",
		Fix:   "Remove the suppression.",
	},
	{
		ID: "ignore-expired", Severity: lint.Medium, Category: lint.Problems, Since: "0.1.0",
		Title: "suppression has run out",
		Why:   "The suppression was meant to hold until a day that has passed. It has no effect any more.",
		Fix:   "Mend what was ignored, or find out whether it still may be and set a new date.",
	},
	{
		ID: "suppression-added", Severity: lint.Info, Category: lint.Problems, Since: "0.1.0",
		Title: "change adds a suppression",
		Why:   "What is excused is no longer seen, so whoever reviews the change should agree with the reason. This is said only in a comparison with a base.",
		Fix:   "Nothing, if the reason holds; otherwise mend what the suppression hides.",
	},
}
