package secrets

import (
	"path"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// argument is one token of a command line, and where it is written: the item, and
// in an item that is a script the line, from 1.
type argument struct {
	text   string
	path   *field.Path
	line   int
	script bool
}

// flag is a credential's name on a command line and where its value is written.
type flag struct {
	name string
	path *field.Path
	line int
}

// commandLine is a container's command and its arguments. An item that is a
// shell's script is taken apart at white space.
func commandLine(c *manifest.Container) []argument {
	var arguments []argument
	add := func(items []string, path *field.Path) {
		for i, item := range items {
			if !strings.ContainsAny(item, " \t\n") {
				arguments = append(arguments, argument{text: item, path: path.Index(i)})
				continue
			}
			arguments = scriptWords(arguments, item, path.Index(i), 0)
		}
	}
	add(c.Command, c.Path.Child("command"))
	add(c.Args, c.Path.Child("args"))
	return arguments
}

// maxScriptDepth is how deep scripts in the quotes of scripts are looked into.
const maxScriptDepth = 2

// scriptWords adds the words of a shell's script.
func scriptWords(arguments []argument, script string, path *field.Path, depth int) []argument {
	number := 0
	for line := range strings.Lines(script) {
		number++
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			continue
		}
		previous := ""
		for _, word := range shellWords(line) {
			arguments = append(arguments, argument{word, path, number, true})
			if inner := strings.Trim(word, `"'`); runsScript(previous) && depth < maxScriptDepth && strings.ContainsAny(inner, " \t") {
				arguments = append(arguments, argument{";", path, number, true})
				for _, a := range scriptWords(nil, inner, path, depth+1) {
					a.line = number
					arguments = append(arguments, a)
				}
			}
			previous = word
		}
		// Nothing goes on over the end of a line.
		if !strings.HasSuffix(line, "\\") {
			arguments = append(arguments, argument{";", path, number, true})
		}
	}
	return arguments
}

// runsScript says that a shell takes the next word for a script: -c, -ec.
func runsScript(word string) bool {
	return len(word) > 1 && len(word) < 6 && word[0] == '-' && word[1] != '-' && word[len(word)-1] == 'c'
}

// shellWords splits a line at white space outside of quotes and substitutions.
func shellWords(line string) []string {
	var words []string
	var quote byte
	start, level := -1, 0
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'' || c == '`':
			quote = c
		case c == '(':
			level++
		case c == ')':
			level = max(level-1, 0)
		}
		space := (c == ' ' || c == '\t') && quote == 0 && level == 0
		if space && start >= 0 {
			words = append(words, line[start:i])
			start = -1
		} else if !space && start < 0 {
			start = i
		}
	}
	if start >= 0 {
		words = append(words, line[start:])
	}
	return words
}

// clearFlags finds the credentials that have a literal value on a command line:
// --name=value, --name value, NAME=value, and what well-known programs take for
// one under a name that does not say so.
func clearFlags(arguments []argument) []flag {
	var flags []flag
	var running command
	for i, a := range arguments {
		if running.next(a.text) {
			continue
		}
		if name, at := running.credential(arguments, i); name != "" {
			flags = append(flags, flag{name, at.path, at.line})
			continue
		}
		if f, ok := namedFlag(arguments, i); ok {
			flags = append(flags, f)
		} else if name := clearHeader(arguments, i); name != "" {
			flags = append(flags, flag{name, a.path, a.line})
		}
	}
	return flags
}

// clearHeader is the name of the HTTP header with a literal credential that an
// argument sets.
func clearHeader(arguments []argument, i int) string {
	a := arguments[i]
	text, own := strings.CutPrefix(a.text, "--header=")
	if !own && (i == 0 || arguments[i-1].text != "-H" && arguments[i-1].text != "--header") {
		return ""
	}
	name, value, ok := strings.Cut(strings.Trim(text, `"'`), ":")
	if !ok {
		return ""
	}
	value = strings.TrimSpace(value)
	if strings.EqualFold(name, "authorization") {
		scheme, rest, ok := strings.Cut(value, " ")
		if !ok || strings.EqualFold(scheme, "digest") || strings.EqualFold(scheme, "negotiate") {
			return ""
		}
		value = strings.TrimSpace(rest)
	} else if !CredentialName(name) {
		return ""
	}
	if a.script && strings.ContainsAny(value, "$`") || !clearArgument(name, value, false) {
		return ""
	}
	return name
}

// namedFlag is the credential that an argument names.
func namedFlag(arguments []argument, i int) (flag, bool) {
	a := arguments[i]
	t := strings.Trim(a.text, `"'`)
	name, value, assigned := strings.Cut(t, "=")
	dashed := strings.HasPrefix(name, "-")
	shown := shownFlag(name)
	name = strings.TrimLeft(name, "-")
	if !isIdentifier(name) {
		return flag{}, false
	}
	if assigned {
		// --from-literal=password=value
		if inner, rest, ok := strings.Cut(value, "="); ok && !flagName(name) && isIdentifier(inner) {
			name, value, shown = inner, rest, inner
		}
		return flag{shown, a.path, a.line}, shown != "" && flagName(name) && clearArgument(name, value, a.script)
	}
	if !dashed || shown == "" || !flagName(name) || i+1 == len(arguments) {
		return flag{}, false
	}
	next := arguments[i+1]
	return flag{shown, next.path, next.line}, !strings.HasPrefix(next.text, "-") && !endsCommand(next.text) && clearArgument(name, next.text, next.script)
}

// shownFlag is what a message may tell of a flag's name. Behind one dash there may
// be a letter and a value: of -psomething only a word is told that names a
// credential, and nothing without one.
func shownFlag(name string) string {
	bare := strings.TrimLeft(name, "-")
	if len(name)-len(bare) != 1 || strings.HasPrefix(name, "-D") {
		return bare
	}
	before := ""
	for _, w := range splitWords(bare) {
		switch w {
		case "password", "passwd", "passphrase", "token", "secret", "apikey", "credentials", "requirepass", "masterauth":
			return w
		case "key":
			if isCredentialWord(before, w) {
				return before + "-" + w
			}
		}
		before = w
	}
	return ""
}

// flagName is CredentialName for flags, of which Redis names some in its own way.
func flagName(name string) bool {
	return name == "requirepass" || name == "masterauth" || CredentialName(name)
}

// clearArgument says that a token is a literal credential. In a script
// everything with a dollar sign or a back quote is the shell's to fill in.
func clearArgument(name, value string, script bool) bool {
	if script {
		value = strings.TrimRight(value, ";")
		if strings.ContainsAny(value, "$`") && !strings.HasPrefix(value, "'") {
			return false
		}
	}
	value = strings.Trim(value, `"'`)
	if CredentialName(name) {
		return clearCredential(name, value)
	}
	return literalCredential(value)
}

// endsCommand says that a word is no argument of the command before it.
func endsCommand(word string) bool {
	return word == "" || strings.IndexByte("|&;<>()", word[0]) >= 0
}

// command is the program that a shell's words run.
type command struct {
	program string
	words   int // after the program's
	verbs   []string
}

// next takes a word and says that it is no argument: the program's name, what
// stands before it, or what ends it.
func (c *command) next(word string) bool {
	ends := endsCommand(word)
	if !ends && c.program == "" {
		name := strings.Trim(word, `"'`)
		switch name {
		case "sudo", "exec", "env", "nohup", "time", "then", "do", "else", "if", "while", "!", "{", "until", "command", "eval":
			return true
		}
		if strings.Contains(name, "=") || strings.HasPrefix(name, "-") {
			return false
		}
		c.program, c.words, c.verbs = path.Base(name), 0, nil
		return true
	}
	if ends {
		*c = command{}
		return false
	}
	c.words++
	if c.words <= 3 && !strings.HasPrefix(word, "-") {
		c.verbs = append(c.verbs, word)
	}
	if strings.HasSuffix(word, ";") {
		defer func() { *c = command{} }()
	}
	return false
}

// credential is the name of the credential that the running program takes from an
// argument, and the argument that holds it.
func (c *command) credential(arguments []argument, i int) (name string, at argument) {
	a := arguments[i]
	word := strings.Trim(a.text, `"'`)
	letter, form := c.passwordOption()
	if c.program == "curl" && strings.HasPrefix(word, "--user") {
		letter = "--user"
		word = strings.Replace(word, "--user=", "--user", 1)
	}
	if letter == "" || !strings.HasPrefix(word, letter) {
		return "", argument{}
	}
	if rest := word[len(letter):]; rest != "" && form != afterSpace {
		if form.holds(rest, a.script) {
			return letter, a
		}
		return "", argument{}
	}
	if word != letter || form == attached || i+1 == len(arguments) {
		return "", argument{}
	}
	next := arguments[i+1]
	if strings.HasPrefix(next.text, "-") || endsCommand(next.text) || !form.holds(next.text, next.script) {
		return "", argument{}
	}
	return letter, next
}

// optionForm is how a program takes a password.
type optionForm int

const (
	attached   optionForm = iota // -psecret, but not -p secret
	either                       // -psecret or -p secret
	afterSpace                   // -p secret
	ofUser                       // -u user:secret
)

// holds says that a text is a literal password in this form.
func (f optionForm) holds(text string, script bool) bool {
	if f == ofUser {
		_, password, ok := strings.Cut(strings.Trim(text, `"'`), ":")
		if !ok {
			return false
		}
		if strings.ContainsAny(text, "$`") && script && !strings.HasPrefix(text, "'") {
			return false
		}
		text = password
	}
	return clearArgument("", text, script)
}

// passwordOption is the option by which the program takes a password, of those
// whose names don't say so.
func (c *command) passwordOption() (string, optionForm) {
	switch c.program {
	case "mysql", "mysqldump", "mysqladmin", "mysqlimport", "mysqlcheck", "mysqlshow", "mariadb", "mariadb-dump", "mariadb-admin":
		return "-p", attached
	case "redis-cli", "valkey-cli", "redis-benchmark":
		return "-a", afterSpace
	case "curl":
		return "-u", ofUser
	case "sshpass":
		return "-p", either
	case "mongo", "mongosh", "mongodump", "mongorestore", "mongoexport", "mongoimport", "cypher-shell":
		return "-p", afterSpace
	case "ldapsearch", "ldapadd", "ldapmodify", "ldapwhoami", "ldapdelete", "ldappasswd":
		return "-w", afterSpace
	case "sqlcmd":
		return "-P", either
	case "docker", "podman", "nerdctl", "buildah", "skopeo", "helm", "oras", "crane", "oc", "az":
		for _, verb := range c.verbs {
			if verb == "login" {
				return "-p", afterSpace
			}
		}
	}
	return "", attached
}
