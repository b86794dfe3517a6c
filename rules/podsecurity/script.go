package podsecurity

import (
	"path"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// word is one element of a command line, and where it is written.
type word struct {
	text string
	path *field.Path
}

// commandLine is what a container's manifest says of the program that it starts:
// command, then args.
func commandLine(c *manifest.Container) []word {
	words := make([]word, 0, len(c.Command)+len(c.Args))
	for i, s := range c.Command {
		words = append(words, word{s, c.Path.Child("command").Index(i)})
	}
	for i, s := range c.Args {
		words = append(words, word{s, c.Path.Child("args").Index(i)})
	}
	return words
}

// program is the name of a program without its folder.
func program(s string) string { return path.Base(strings.TrimSpace(s)) }

var shells = []string{"sh", "ash", "bash", "dash", "ksh", "zsh"}

// script is the element of a command line that a shell runs as a script. A
// command line that is only arguments may be one for a shell of the image's.
func script(line []word) (word, bool) {
	shell := false
	for i, w := range line {
		switch {
		case shell && isCommandFlag(w.text) && i+1 < len(line):
			return line[i+1], true
		case shell && strings.HasPrefix(w.text, "-"):
		case slices.Contains(shells, program(w.text)):
			shell = true
		case i == 0 && w.text == "-c" && len(line) > 1:
			return line[1], true
		default:
			shell = false
		}
	}
	return word{}, false
}

// isCommandFlag says that a shell's flag makes the next argument a script: -c,
// alone or with others as in -exc.
func isCommandFlag(s string) bool {
	return len(s) > 1 && s[0] == '-' && s[1] != '-' && strings.ContainsRune(s, 'c') && !strings.ContainsAny(s, "=/ ")
}

// shellCommand is one simple command of a script.
type shellCommand struct {
	words      []string
	background bool // it ends with &
}

// prefixes are words that may stand before a command, and are none.
var prefixes = []string{
	"!", "{", "}", "do", "done", "elif", "else", "esac", "fi", "if", "then", "until", "while",
	"command", "exec", "nohup", "time",
}

// shellCommands are the simple commands of a shell script, in order. It reads
// enough of the shell's grammar to tell commands from what is quoted, commented
// or fed to them, and no more.
func shellCommands(script string) []shellCommand {
	r := &scriptReader{rest: script}
	for r.rest != "" {
		r.step()
	}
	r.command(false)
	return r.commands
}

type scriptReader struct {
	rest     string
	word     strings.Builder
	inWord   bool
	words    []string
	commands []shellCommand
	// heredocs are the delimiters of the texts that follow the line.
	heredocs []string
}

// step reads one token, or part of a word.
func (r *scriptReader) step() {
	c := r.rest[0]
	switch {
	case strings.HasPrefix(r.rest, "$(("):
		r.add(r.until("))"))
	case strings.HasPrefix(r.rest, "<<<"):
		r.add("<<<")
		r.skip(3)
	case strings.HasPrefix(r.rest, "<<"):
		r.heredoc()
	case c == '\\':
		if len(r.rest) > 1 && r.rest[1] != '\n' {
			r.add(r.rest[1:2])
		}
		r.skip(2)
	case c == '\'':
		r.skip(1)
		r.add(strings.TrimSuffix(r.until("'"), "'"))
	case c == '"':
		r.quoted()
	case c == '#' && !r.inWord:
		_, after, _ := strings.Cut(r.rest, "\n")
		r.skip(len(r.rest) - len(after))
		r.line()
	case c == '\n':
		r.skip(1)
		r.line()
	case c == '&':
		r.ampersand()
	case strings.IndexByte(";|()`", c) >= 0:
		r.skip(1)
		r.command(false)
	case c == ' ' || c == '\t' || c == '\r':
		r.skip(1)
		r.end()
	default:
		r.add(r.rest[:1])
		r.skip(1)
	}
}

func (r *scriptReader) skip(n int) { r.rest = r.rest[min(n, len(r.rest)):] }

func (r *scriptReader) add(s string) {
	r.inWord = true
	r.word.WriteString(s)
}

// until takes everything up to the end of a delimiter.
func (r *scriptReader) until(delimiter string) string {
	taken := r.rest
	if i := strings.Index(r.rest, delimiter); i >= 0 {
		taken = r.rest[:i+len(delimiter)]
	}
	r.skip(len(taken))
	return taken
}

func (r *scriptReader) quoted() {
	r.skip(1)
	r.add("")
	for r.rest != "" && r.rest[0] != '"' {
		n := 1
		if r.rest[0] == '\\' {
			n = 2
		}
		r.add(r.rest[:min(n, len(r.rest))])
		r.skip(n)
	}
	r.skip(1)
}

// ampersand tells the end of a background command from && and from the parts of
// redirections such as 2>&1 and &>file.
func (r *scriptReader) ampersand() {
	switch {
	case strings.HasPrefix(r.rest, "&&"):
		r.skip(2)
		r.command(false)
	case strings.HasPrefix(r.rest, "&>") || strings.HasSuffix(r.word.String(), ">") || strings.HasSuffix(r.word.String(), "<"):
		r.add("&")
		r.skip(1)
	default:
		r.skip(1)
		r.command(true)
	}
}

// heredoc notes that a text follows the line, which ends with a delimiter.
func (r *scriptReader) heredoc() {
	rest := strings.TrimLeft(strings.TrimPrefix(r.rest[2:], "-"), " \t")
	end := strings.IndexAny(rest, " \t\r\n;&|)<>")
	if end < 0 {
		end = len(rest)
	}
	r.heredocs = append(r.heredocs, strings.Trim(rest[:end], `'"\`))
	r.rest = rest[end:]
}

// line ends a line, and takes the texts that follow it.
func (r *scriptReader) line() {
	r.command(false)
	for _, delimiter := range r.heredocs {
		for r.rest != "" && strings.TrimSpace(strings.TrimSuffix(r.until("\n"), "\n")) != delimiter {
			continue
		}
	}
	r.heredocs = nil
}

func (r *scriptReader) end() {
	if r.inWord {
		r.words = append(r.words, r.word.String())
	}
	r.word.Reset()
	r.inWord = false
}

// command ends a simple command. What stands for none, such as the end of a loop
// or of a subshell, is part of the one before.
func (r *scriptReader) command(background bool) {
	r.end()
	words := r.words
	r.words = nil
	for len(words) > 0 && (slices.Contains(prefixes, words[0]) || isAssignment(words[0])) {
		words = words[1:]
	}
	switch last := len(r.commands) - 1; {
	case len(words) > 0:
		r.commands = append(r.commands, shellCommand{words, background})
	case background && last >= 0:
		r.commands[last].background = true
	}
}

func isAssignment(s string) bool {
	name, _, ok := strings.Cut(s, "=")
	return ok && name != "" && strings.IndexFunc(name, func(c rune) bool {
		return c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z')
	}) < 0
}
