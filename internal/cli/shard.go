package cli

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/scantling-dev/scantling/internal/check"
	"github.com/scantling-dev/scantling/internal/report"
	"github.com/scantling-dev/scantling/internal/source"
	"github.com/urfave/cli/v2"
)

// maxShards is how many parts a run may have.
const maxShards = 1000

// parseShard reads i/n.
func parseShard(text string) (*check.Shard, error) {
	i, n, ok := strings.Cut(text, "/")
	index, err := strconv.Atoi(i)
	of, err2 := strconv.Atoi(n)
	if !ok || err != nil || err2 != nil || index < 1 || index > of || of > maxShards {
		return nil, fmt.Errorf("--shard %s: write it as I/N, the number of this part and how many there are, such as 2/4", text)
	}
	return &check.Shard{Index: index, Of: of}, nil
}

// runShard does one part of a run: it reports what it found in its units, and hands
// on what `scantling merge` makes the whole of.
func runShard(c *cli.Context, w *workspace) error {
	targets, err := w.reportTargets(c.StringSlice("report"), report.Formats())
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(targets, func(t target) bool { return t.format == "json" }) {
		return errors.New("--shard: what a part finds is handed on in a JSON report: add --report json=FILE, and give the files of all parts to scantling merge")
	}
	switch {
	case c.Bool("fix"):
		return errors.New("--fix and --shard: a part of a run does not know all that is to be encrypted: run scantling encrypt")
	case w.keys != nil:
		return errors.New("--decrypt and --shard: what was decrypted is not handed on: leave one of them out")
	}
	base, err := w.openBase(c)
	if err != nil {
		return err
	}
	head, err := w.check(c.Context, w.tree, nil)
	if err != nil {
		return err
	}
	if base != nil {
		if _, err := w.check(c.Context, base, nil); err != nil {
			return fmt.Errorf("checking %s: %w", base.Ref(), err)
		}
	}
	given, err := w.memory.Export()
	if err != nil {
		return err
	}
	r := w.report(head, head.Findings, nil)
	r.Shard = &report.Shard{Index: w.shard.Index, Of: w.shard.Of, Given: deflate(given)}
	return writeReports(c, targets, func(out io.Writer, format string, o report.Options) error {
		return report.Write(out, format, r, o)
	})
}

// deflate makes bytes smaller.
func deflate(data []byte) []byte {
	var b bytes.Buffer
	z, err := flate.NewWriter(&b, flate.BestSpeed)
	if err != nil {
		panic(err) // the level is one
	}
	_, _ = z.Write(data) // a bytes.Buffer takes everything
	_ = z.Close()
	return b.Bytes()
}

// maxGiven is the most that one part hands on: 1 GiB.
const maxGiven = 1 << 30

func inflate(data []byte) ([]byte, error) {
	out, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(data)), maxGiven+1))
	if err == nil && len(out) > maxGiven {
		err = errors.New("it is larger than 1 GiB")
	}
	return out, err
}

// mergeCommand joins the parts of a run.
func mergeCommand() *cli.Command {
	return &cli.Command{
		Name:      "merge",
		Usage:     "join the JSON reports of lint --shard to the report of one run",
		ArgsUsage: "FILE ...",
		Description: `It runs in a checkout of the same commit, with the options that one run of lint
would have: the rules that judge objects together, and those on files, see the whole
repository. What none of the parts has is rendered here.`,
		Flags: slices.DeleteFunc(lintFlags(), func(f cli.Flag) bool { return slices.Contains([]string{"fix", "shard", "decrypt"}, f.Names()[0]) }),
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return errors.New("merge needs the JSON reports of all parts")
			}
			w, err := openPaths(c, nil)
			if err != nil {
				return err
			}
			defer w.close()
			if err := w.takeParts(c.Args().Slice()); err != nil {
				return err
			}
			return runLint(c, w)
		},
	}
}

// takeParts reads the reports of all parts.
func (w *workspace) takeParts(names []string) error {
	seen := map[int]string{}
	of := 0
	for _, name := range names {
		data, err := readFile(name)
		if err != nil {
			return fmt.Errorf("reading a part's report: %w", err)
		}
		part, err := report.ReadShard(data)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		switch {
		case of != 0 && part.Of != of:
			return fmt.Errorf("%s is of a run in %d parts, the others are of one in %d", name, part.Of, of)
		case seen[part.Index] != "":
			return fmt.Errorf("%s and %s are both part %d", seen[part.Index], name, part.Index)
		}
		of, seen[part.Index] = part.Of, name
		given, err := inflate(part.Given)
		if err == nil {
			err = w.memory.Import(given)
		}
		if err != nil {
			return fmt.Errorf("%s can't be used: %w: make it with this version of scantling, in a checkout of the same commit and with the same options", name, err)
		}
	}
	for i := 1; i <= of; i++ {
		if seen[i] == "" {
			return fmt.Errorf("part %d of %d is missing: give the reports of all parts", i, of)
		}
	}
	return nil
}

// sourceOf reads a file of a tree for a report.
func sourceOf(tree source.Tree) func(name string) []byte {
	return func(name string) []byte {
		data, err := tree.ReadFile(name)
		if err != nil {
			return nil
		}
		return data
	}
}
