//go:build linux

package cli_test

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unicode/utf16"

	"github.com/rogpeppe/go-internal/txtar"
)

// attack is a case of testdata/attacks. The README there is its language.
type attack struct {
	name           string
	exit           int
	short, root    bool
	alone          bool   // the neighbours are not checked, as after a configuration error
	opens          string // a folder beside the repository that may be looked at
	args           []string
	expect, reject []expectation
	units          []unitExpectation
	absent, stderr []string
	files          []txtar.File
	generate       []generation
}

// expectation is a finding of one of several rules, at a file or anywhere in a
// folder; a line of 0 is any.
type expectation struct {
	rules []string
	at    string
	line  int
}

func (e expectation) String() string {
	s := strings.Join(e.rules, "|")
	if e.at != "" {
		s += " at=" + e.at
	}
	if e.line > 0 {
		s += ":" + strconv.Itoa(e.line)
	}
	return s
}

func (e expectation) matches(f attackFinding) bool {
	return f.Suppressed == nil && slices.Contains(e.rules, f.Rule) && (e.line == 0 || f.Line == e.line) &&
		(e.at == "" || f.File == e.at || strings.HasPrefix(f.File, e.at+"/"))
}

// unitExpectation is a unit that the report must list with one of some states.
type unitExpectation struct {
	path   string
	status []string
}

// generation is a line of the @generate file and the lines indented below it.
type generation struct {
	words []string
	below [][]string
}

// parseAttack reads a case.
func parseAttack(name string, data []byte) (*attack, error) {
	archive := txtar.Parse(data)
	a := &attack{name: name, exit: 1}
	for i, line := range strings.Split(string(archive.Comment), "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := a.directive(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	for _, f := range archive.Files {
		if f.Name != "@generate" {
			a.files = append(a.files, f)
			continue
		}
		for line := range strings.Lines(string(f.Data)) {
			words, err := split(line)
			switch {
			case err != nil:
				return nil, fmt.Errorf("@generate: %q: %w", line, err)
			case len(words) == 0 || strings.HasPrefix(words[0], "#"):
			case line[0] == ' ' && len(a.generate) > 0:
				last := &a.generate[len(a.generate)-1]
				last.below = append(last.below, words)
			default:
				a.generate = append(a.generate, generation{words: words})
			}
		}
	}
	return a, nil
}

func (a *attack) directive(line string) error {
	key, rest, ok := strings.Cut(line, ":")
	words, err := split(rest)
	if err != nil {
		return err
	}
	if !ok || len(words) == 0 {
		return fmt.Errorf("%q is neither a comment nor a directive", line)
	}
	switch key {
	case "expect", "reject":
		e := expectation{rules: strings.Split(words[0], "|")}
		for _, w := range words[1:] {
			at, ok := strings.CutPrefix(w, "at=")
			if !ok {
				return fmt.Errorf("what is %q?", w)
			}
			e.at = at
			if i := strings.LastIndexByte(at, ':'); i >= 0 {
				if n, err := strconv.Atoi(at[i+1:]); err == nil {
					e.at, e.line = at[:i], n
				}
			}
		}
		if key == "expect" {
			a.expect = append(a.expect, e)
		} else {
			a.reject = append(a.reject, e)
		}
	case "unit":
		if len(words) != 2 {
			return errors.New("unit: PATH STATUS[|STATUS]")
		}
		a.units = append(a.units, unitExpectation{words[0], strings.Split(words[1], "|")})
	case "exit":
		a.exit, err = strconv.Atoi(words[0])
	case "not-output":
		a.absent = append(a.absent, words...)
	case "stderr":
		a.stderr = append(a.stderr, words...)
	case "args":
		a.args = words
	case "short":
		a.short, err = yes(words[0])
	case "root":
		a.root, err = yes(words[0])
	case "opens":
		a.opens = words[0]
	case "alone":
		a.alone, err = yes(words[0])
	default:
		return fmt.Errorf("there is no directive %q", key)
	}
	return err
}

func yes(word string) (bool, error) {
	if word != "yes" {
		return false, fmt.Errorf("%q: the only value is yes", word)
	}
	return true, nil
}

// split takes a line apart at blanks. What stands in Go's quotes, double or
// back, belongs to the word that it touches.
func split(line string) ([]string, error) {
	var words []string
	for line = strings.TrimLeft(line, " \n"); line != ""; line = strings.TrimLeft(line, " \n") {
		var b strings.Builder
		for line != "" && line[0] != ' ' && line[0] != '\n' {
			if line[0] != '"' && line[0] != '`' {
				b.WriteByte(line[0])
				line = line[1:]
				continue
			}
			quoted, err := strconv.QuotedPrefix(line)
			if err != nil {
				return nil, err
			}
			text, err := strconv.Unquote(quoted)
			if err != nil {
				return nil, err
			}
			b.WriteString(text)
			line = line[len(quoted):]
		}
		words = append(words, b.String())
	}
	return words, nil
}

// repository writes the files of the case and then what it generates below dir.
// Of vars, pairs of a name and its value, every name is replaced.
func (a *attack) repository(dir string, vars []string) error {
	g := &generator{dir: dir}
	replace := strings.NewReplacer(vars...).Replace
	for _, f := range a.files {
		if err := g.write(f.Name, []byte(replace(string(f.Data)))); err != nil {
			return err
		}
	}
	for _, line := range a.generate {
		for i, w := range line.words {
			line.words[i] = replace(w)
		}
		if err := g.run(line); err != nil {
			return fmt.Errorf("@generate: %.200q: %w", line.words, err)
		}
	}
	return nil
}

// generator makes what a text file can't hold.
type generator struct{ dir string }

// path is the place of a name on the disk. Its folder is made.
func (g *generator) path(name string) (string, error) {
	// Join cleans, which no name of a case needs.
	p := g.dir + "/" + name
	return p, os.MkdirAll(filepath.Dir(p), 0o755)
}

func (g *generator) write(name string, data []byte) error {
	p, err := g.path(name)
	if err != nil {
		return err
	}
	return os.WriteFile(p, data, 0o644)
}

func (g *generator) add(name, text string) error {
	p, err := g.path(name)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(p, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, text)
	return cmp.Or(err, f.Close())
}

// expand writes the number of a repetition into a text.
func expand(text string, n int) string {
	if strings.Contains(text, "{blanks}") {
		text = strings.ReplaceAll(text, "{blanks}", strings.Repeat(" ", n))
	}
	if !strings.Contains(text, "{n") {
		return text
	}
	return strings.NewReplacer("{n}", strconv.Itoa(n), "{n+1}", strconv.Itoa(n+1), "{n-1}", strconv.Itoa(n-1)).Replace(text)
}

// arity is the number of words that follow each command.
var arity = map[string]int{
	"append": 2, "bytes": 2, "copy": 3, "device": 3, "encode": 3, "fifo": 1, "files": 3, "folder": 1, "mode": 2, "remove": 1, "repeat": 3, "size": 2, "socket": 1, "symlink": 3, "tgz": 1,
}

func (g *generator) run(line generation) error {
	op, args := line.words[0], line.words[1:]
	if n, ok := arity[op]; !ok || n != len(args) {
		return fmt.Errorf("%s takes %d words, not %d", op, n, len(args))
	}
	if op != "tgz" && len(line.below) > 0 {
		return fmt.Errorf("%s takes no further lines", op)
	}
	switch op {
	case "append":
		return g.add(args[0], args[1])
	case "bytes":
		data, err := hex.DecodeString(args[1])
		if err != nil {
			return err
		}
		return g.add(args[0], string(data))
	case "encode":
		data, err := encodeText(args[1], args[2])
		if err != nil {
			return err
		}
		return g.add(args[0], string(data))
	case "repeat":
		n, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		var b strings.Builder
		for i := range n {
			b.WriteString(expand(args[2], i))
		}
		return g.add(args[0], b.String())
	case "files":
		return times(args[0], func(i int) error { return g.add(expand(args[1], i), expand(args[2], i)) })
	case "copy":
		data, err := os.ReadFile(g.dir + "/" + args[1])
		if err != nil {
			return err
		}
		return times(args[0], func(i int) error { return g.write(expand(args[2], i), data) })
	}
	p, err := g.path(args[0])
	if err != nil {
		return err
	}
	switch op {
	case "remove":
		return os.RemoveAll(p)
	case "folder":
		return os.MkdirAll(p, 0o755)
	case "symlink":
		if args[1] != "->" {
			return errors.New("symlink NAME -> TARGET")
		}
		return os.Symlink(args[2], p)
	case "fifo":
		return syscall.Mkfifo(p, 0o644)
	case "socket":
		// A name in the file system has to be short; a socket can be renamed.
		fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		defer syscall.Close(fd)
		tmp, err := os.MkdirTemp("", "s")
		if err != nil {
			return err
		}
		defer os.RemoveAll(tmp)
		if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: tmp + "/s"}); err != nil {
			return err
		}
		return os.Rename(tmp+"/s", p)
	case "device":
		major, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		minor, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		return syscall.Mknod(p, syscall.S_IFCHR|0o644, major<<8|minor)
	case "mode":
		mode, err := strconv.ParseUint(args[1], 8, 32)
		if err != nil {
			return err
		}
		return os.Chmod(p, fs.FileMode(mode))
	case "size":
		n, err := strconv.ParseInt(args[1], 10, 64)
		if err != nil {
			return err
		}
		f, err := os.OpenFile(p, os.O_WRONLY|os.O_CREATE, 0o644)
		if err != nil {
			return err
		}
		return cmp.Or(f.Truncate(n), f.Close())
	}
	return g.tgz(p, line.below)
}

// encodeText writes a text as no YAML library of Go does.
func encodeText(encoding, text string) (data []byte, err error) {
	switch encoding {
	case "utf-16le":
		return binary.Append(nil, binary.LittleEndian, utf16.Encode([]rune(text)))
	case "utf-16be":
		return binary.Append(nil, binary.BigEndian, utf16.Encode([]rune(text)))
	case "utf-32le":
		return binary.Append(nil, binary.LittleEndian, []rune(text))
	}
	return nil, fmt.Errorf("there is no encoding %q", encoding)
}

func times(count string, do func(i int) error) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	for i := range n {
		if err := do(i); err != nil {
			return err
		}
	}
	return nil
}

var entryTypes = map[string]byte{"symlink": tar.TypeSymlink, "hardlink": tar.TypeLink, "fifo": tar.TypeFifo, "device": tar.TypeChar}

// tgz writes a packaged chart of any entries, honest or not.
func (g *generator) tgz(p string, entries [][]string) error {
	var buf bytes.Buffer
	zip, err := gzip.NewWriterLevel(&buf, gzip.BestSpeed)
	if err != nil {
		return err
	}
	w := tar.NewWriter(zip)
	put := func(name string, size int64, content io.Reader) error {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: size}); err != nil {
			return err
		}
		_, err := io.Copy(w, content)
		return err
	}
	for _, e := range entries {
		if len(e) < 2 {
			return fmt.Errorf("an entry is TYPE NAME [ARGUMENT...], not %q", e)
		}
		e = append(e, "", "")
		kind, name := e[0], e[1]
		switch kind {
		case "file":
			err = put(name, int64(len(e[2])), strings.NewReader(e[2]))
		case "zeros":
			size, perr := strconv.ParseInt(e[2], 10, 64)
			err = cmp.Or(perr, put(name, size, io.LimitReader(zeros{}, size)))
		case "from":
			var data []byte
			if data, err = os.ReadFile(g.dir + "/" + e[2]); err == nil {
				err = put(name, int64(len(data)), bytes.NewReader(data))
			}
		case "files":
			err = times(e[2], func(i int) error {
				text := expand(e[3], i)
				return put(expand(name, i), int64(len(text)), strings.NewReader(text))
			})
		default:
			if entryTypes[kind] == 0 {
				return fmt.Errorf("there is no entry %q", kind)
			}
			err = w.WriteHeader(&tar.Header{Name: name, Linkname: e[2], Typeflag: entryTypes[kind], Mode: 0o644})
		}
		if err != nil {
			return err
		}
	}
	if err := cmp.Or(w.Close(), zip.Close()); err != nil {
		return err
	}
	return os.WriteFile(p, buf.Bytes(), 0o644)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
