//go:build unix

package cli_test

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/scantling-dev/scantling/secrets"
)

// canaries are values that stand for secrets, by the name of the place that each
// stands at.
type canaries struct {
	values map[string]string
}

var canaryMark = regexp.MustCompile(`@(base64:)?([a-z0-9]+(?:-[a-z0-9]+)*)@`)

// fill puts the values into a text. Their first eight characters are of one value
// alone.
func (c *canaries) fill(text string) string {
	return canaryMark.ReplaceAllStringFunc(text, func(mark string) string {
		m := canaryMark.FindStringSubmatch(mark)
		value, ok := c.values[m[2]]
		if !ok {
			value = fmt.Sprintf("Zq%04dwKestrel7Quarry%04d", len(c.values), len(c.values))
			c.values[m[2]] = value
		}
		if m[1] != "" {
			return base64.StdEncoding.EncodeToString([]byte(value))
		}
		return value
	})
}

// leaks are the places whose values an output tells of: by their beginning or end,
// in base64, in hexadecimal, by a digest.
func (c *canaries) leaks(out string, passes func(name string) bool) []string {
	var found []string
	for _, name := range slices.Sorted(maps.Keys(c.values)) {
		value := []byte(c.values[name])
		old, digest := sha1.Sum(value), sha256.Sum256(value)
		encoded := base64.StdEncoding.EncodeToString(value)
		for what, text := range map[string]string{
			"the beginning": string(value[:8]), "the end": string(value[len(value)-8:]), "base64": encoded[:10],
			"hexadecimal": hex.EncodeToString(value[:6]), "SHA-1": hex.EncodeToString(old[:])[:12], "SHA-256": hex.EncodeToString(digest[:])[:12],
		} {
			if strings.Contains(out, text) && !passes(name) {
				at := strings.Index(out, text)
				found = append(found, fmt.Sprintf("%s of @%s@ in %q", what, name, out[max(0, at-120):min(len(out), at+40)]))
			}
		}
	}
	return found
}

func none(string) bool { return false }

// open are the values that stand in objects which render prints as they are.
func open(name string) bool { return strings.HasPrefix(name, "open-") }

// redaction is the repository of testdata/redaction.txtar, with a history.
type redaction struct {
	t *testing.T
	canaries
	dir, home string
	env       []string
}

func newRedaction(t *testing.T) *redaction {
	t.Helper()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("git is not there")
	}
	archive, err := txtar.ParseFile("testdata/redaction.txtar")
	if err != nil {
		t.Fatal(err)
	}
	r := &redaction{t: t, canaries: canaries{map[string]string{}}, dir: t.TempDir(), home: t.TempDir()}
	r.env = append(os.Environ(), "HOME="+r.home, "XDG_CACHE_HOME="+filepath.Join(r.home, "cache"), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
	run := func(args ...string) {
		t.Helper()
		cmd := exec.Command(git, append([]string{"-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "gc.auto=0"}, args...)...)
		cmd.Dir, cmd.Env = r.dir, r.env
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", args, err, out)
		}
	}
	write := func(group string) (names []string) {
		t.Helper()
		for _, f := range archive.Files {
			name, ok := strings.CutPrefix(f.Name, group+"/")
			if !ok {
				continue
			}
			names = append(names, name)
			r.write(name, r.fill(string(f.Data)))
		}
		return names
	}
	run("init", "-q", "-b", "main", ".")
	run("remote", "add", "origin", "https://bot:"+r.fill("@remote-of-git@")+"@git.example.org/team/fleet.git")
	r.write("note.txt", "the base\n")
	run("add", "-A")
	run("commit", "-qm", "base")
	run("branch", "base")
	removed := write("removed")
	run("add", "-A")
	run("commit", "-qm", "the token is ghp_"+"wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx, "+r.fill("password=@commit-message@"))
	for _, name := range removed {
		if err := os.Remove(filepath.Join(r.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	write("repo")
	r.encrypted(archive)
	run("add", "-A")
	run("commit", "-qm", "change")
	return r
}

func (r *redaction) write(name, text string) {
	r.t.Helper()
	name = filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// encrypted adds files that SOPS encrypted, whole and with a leaf in clear, for a
// key of the test and one that nobody has.
func (r *redaction) encrypted(archive *txtar.Archive) {
	r.t.Helper()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		r.t.Fatal(err)
	}
	other, err := age.GenerateX25519Identity()
	if err != nil {
		r.t.Fatal(err)
	}
	r.env = append(r.env, "SOPS_AGE_KEY="+key.String())
	r.values["age-key"] = strings.TrimPrefix(key.String(), "AGE-SECRET-KEY-1")
	r.write(".sops.yaml", "creation_rules:\n  - path_regex: ^encrypted/\n    age: "+key.Recipient().String()+"\n  - path_regex: ^foreign/\n    age: "+other.Recipient().String()+"\n")
	for _, folder := range []string{"encrypted", "foreign"} {
		var names []string
		for _, f := range archive.Files {
			if name, ok := strings.CutPrefix(f.Name, "sops/"); ok {
				names = append(names, folder+"/"+name)
				r.write(folder+"/"+name, r.fill(string(f.Data)))
			}
		}
		stdout, stderr, code := program(r.t, r.dir, r.env, append([]string{"encrypt"}, names...)...)
		r.clean("encrypt", none, string(stdout), string(stderr))
		if code != 0 {
			r.t.Fatalf("encrypt gives %d: %s%s", code, stdout, stderr)
		}
		data, err := os.ReadFile(filepath.Join(r.dir, folder, "secret.yaml"))
		if err != nil {
			r.t.Fatal(err)
		}
		clear := strings.Replace(string(data), "stringData:", r.fill("stringData:\n  beside: @"+folder+"-beside@"), 1)
		r.write(folder+"-partly/secret.yaml", clear)
		r.write(folder+"-partly/broken.yaml", clear+"\n  password: \""+r.fill("@"+folder+"-broken@"))
	}
}

func (r *redaction) clean(what string, passes func(string) bool, outs ...string) {
	r.t.Helper()
	for _, leak := range r.leaks(strings.Join(outs, "\n"), passes) {
		r.t.Errorf("%s tells %s", what, leak)
	}
}

// files are all that lies below a folder, names included.
func (r *redaction) files(dir string) string {
	r.t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		b.WriteString(name)
		b.Write(data)
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return b.String()
}

// TestNoSecretInOutput: no command tells a value, its beginning or its digest, in
// any format, in what it writes to files, or when it fails.
func TestNoSecretInOutput(t *testing.T) {
	r := newRedaction(t)
	reports := filepath.Join(t.TempDir(), "report")
	for _, args := range [][]string{
		{"lint", "--profile", "all"},
		{"lint", "--profile", "all", "--no-worker"},
		{"lint", "--profile", "all", "--report", "json"},
		{"lint", "--profile", "all", "--report", "sarif"},
		{"lint", "--profile", "all", "--report", "text=" + reports + ".txt", "--report", "json=" + reports + ".json", "--report", "sarif=" + reports + ".sarif"},
		{"lint", "--profile", "all", "--base", "base"},
		{"lint", "--profile", "all", "--base", "base", "--report", "json"},
		{"lint", "--profile", "all", "--base", "base", "--report", "sarif"},
		{"lint", "--decrypt", "--profile", "all"},
		{"lint", "--decrypt", "--profile", "all", "--report", "json"},
		{"lint", "--debug", "--no-config"},
		{"units"}, {"units", "--all"}, {"units", "--format", "json"},
		{"fetch", "--list"}, {"migrate", "--dry-run"},
		{"encrypt", "--dry-run", "files/.env", "files/secret.json", "broken/quote.yaml", "plain/secret.yaml", "charted/values.yaml"},
		{"encrypt", "encrypted/secret.yaml", "encrypted-partly/secret.yaml", "encrypted-partly/broken.yaml", "broken/anchor.yaml", "broken/tag.yaml"},
	} {
		stdout, stderr, code := program(t, r.dir, r.env, args...)
		r.clean(strings.Join(args, " "), none, string(stdout), string(stderr))
		if code > 3 || len(stdout)+len(stderr) == 0 && !strings.Contains(strings.Join(args, " "), "=") {
			t.Errorf("%s: exit code %d, %d bytes: %s", args, code, len(stdout), stderr)
		}
	}
	// With every rule on secrets off, the others still show nothing.
	var off strings.Builder
	off.WriteString("gitops: {repository: https://git.example.org/team/fleet}\nrules:\n")
	for _, rule := range secrets.Rules {
		fmt.Fprintf(&off, "  %s: off\n", rule.ID)
	}
	configuration := filepath.Join(t.TempDir(), "off.yaml")
	if err := os.WriteFile(configuration, []byte(off.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"text", "json"} {
		stdout, stderr, _ := program(t, r.dir, r.env, "lint", "--profile", "all", "--config", configuration, "--report", format)
		r.clean("without the rules, "+format, none, string(stdout), string(stderr))
	}
	r.clean("a report's file", none, r.files(filepath.Dir(reports)))
	if _, err := os.Stat(filepath.Join(r.home, "cache")); err == nil {
		r.clean("the cache", none, r.files(r.home))
	}
	folders, err := os.ReadDir(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		for _, args := range [][]string{{"render"}, {"render", "--decrypt"}, {"render", "--origins"}} {
			if folder.IsDir() && folder.Name() != ".git" {
				stdout, stderr, _ := program(t, r.dir, r.env, append(args, folder.Name())...)
				r.clean(fmt.Sprint(args, folder.Name(), ": stderr"), none, string(stderr))
				r.clean(fmt.Sprint(args, folder.Name(), ": stdout"), open, string(stdout))
			}
		}
	}
}
