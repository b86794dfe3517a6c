package secrets

import (
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var secretInCommandArgs = &lint.Rule{
	ID:         "secret-in-command-args",
	Title:      "Credential is passed on the command line",
	Why:        "The value stands in the repository, and every process on the node, every crash report and everyone who may look at pods sees the command line.",
	Fix:        "Put the value in an encrypted Secret and let the program read it from a mounted file, or from a variable as $(NAME); then replace the value, because the old one stays in the history.",
	Since:      "0.1.0",
	Severity:   lint.High,
	Category:   lint.Secrets,
	Frameworks: []string{"MITRE:T1552.001"},
	Kinds:      lint.Workloads,
	Written:    true,
	Check: func(p *lint.Pass) {
		for _, c := range p.Workload().Containers() {
			for _, f := range clearFlags(commandLine(c)) {
				p.Report(f.path, "container %q passes a literal for %q on its command line", c.Name, f.name)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      command:
        - app
        - --db-password=hunter2-pw # want: container "web" passes a literal for "db-password"
        - --api-key
        - hunter2-key # want: "api-key"
      args:
        - -Dspring.datasource.password=hunter2-pw # want
        - --set
        - auth.password=hunter2-pw # want
        - --from-literal=token=hunter2-pw # want
    - name: shell
      command: [sh, -c]
      args:
        - | # want: container "shell" passes a literal for "PGPASSWORD"
          set -e
          PGPASSWORD="hunter2-pw" psql -h db
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      command: [app, serve, token, list]
      args:
        - --db-password=$(DB_PASSWORD)
        - --password-file=/run/secrets/db
        - --token-ttl=1h
        - --token
        - --verbose
        - --secret-name=my-secret
        - --default-tls-secret=web/tls
        - --enable-token-auth
        - always
        - --token-auth=false
        - --authorization-token=https://login.corp/x
        - --credentials=/etc/app/creds.json
        - --password=
        - --password
        - ${PASSWORD}
    - name: shell
      command: [sh, -c]
      args:
        - |
          export TOKEN=$(cat /run/token)
          # PASSWORD=commented
          app --password "$DB_PASSWORD" --token="${TOKEN}" | tee log
          app --password && echo done
          PASSWORD=$1 run
`,
}

// argument is one token of a command line, and the item that it is written in.
type argument struct {
	text   string
	path   *field.Path
	script bool
}

// flag is a credential's name on a command line and the item with its value.
type flag struct {
	name string
	path *field.Path
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
			for line := range strings.Lines(item) {
				line = strings.TrimSpace(line)
				if strings.HasPrefix(line, "#") {
					continue
				}
				for _, word := range shellWords(line) {
					arguments = append(arguments, argument{word, path.Index(i), true})
				}
				// Nothing goes on over the end of a line.
				if !strings.HasSuffix(line, "\\") {
					arguments = append(arguments, argument{";", path.Index(i), true})
				}
			}
		}
	}
	add(c.Command, c.Path.Child("command"))
	add(c.Args, c.Path.Child("args"))
	return arguments
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
// --name=value, --name value and NAME=value.
func clearFlags(arguments []argument) []flag {
	var flags []flag
	for i, a := range arguments {
		t := strings.Trim(a.text, `"'`)
		name, value, assigned := strings.Cut(t, "=")
		dashed := strings.HasPrefix(name, "-")
		name = strings.TrimLeft(name, "-")
		if !isIdentifier(name) {
			continue
		}
		if assigned {
			// --from-literal=password=value
			if inner, rest, ok := strings.Cut(value, "="); ok && !CredentialName(name) && isIdentifier(inner) {
				name, value = inner, rest
			}
			if CredentialName(name) && clearArgument(value, a.script) {
				flags = append(flags, flag{name, a.path})
			}
			continue
		}
		if !dashed || !CredentialName(name) || i+1 == len(arguments) {
			continue
		}
		next := arguments[i+1]
		if !strings.HasPrefix(next.text, "-") && strings.IndexByte("|&;<>()", append([]byte(next.text), ';')[0]) < 0 && clearArgument(next.text, next.script) {
			flags = append(flags, flag{name, next.path})
		}
	}
	return flags
}

// clearArgument says that a token is a literal credential. In a script
// everything with a dollar sign or a back quote is the shell's to fill in.
func clearArgument(value string, script bool) bool {
	if script {
		value = strings.TrimRight(value, ";")
		if strings.ContainsAny(value, "$`") && !strings.HasPrefix(value, "'") {
			return false
		}
	}
	return literalCredential(strings.Trim(value, `"'`))
}
