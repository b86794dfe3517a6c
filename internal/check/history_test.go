package check

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/scantling-dev/scantling/internal/config"
	"github.com/scantling-dev/scantling/internal/source"
)

// Rendering takes PATH away from the whole process.
var (
	gitProgram, _ = exec.LookPath("git")
	searchPath    = os.Getenv("PATH")
)

// pastRepository is a repository whose commits a test makes with the real git.
type pastRepository struct {
	t   *testing.T
	dir string
}

func newPastRepository(t *testing.T) *pastRepository {
	t.Helper()
	r := &pastRepository{t, t.TempDir()}
	r.git("init", "-q", "-b", "main")
	r.commit("base", map[string]string{"README.md": "a repository\n", "apps/note.yaml": pastNote})
	r.git("branch", "base")
	return r
}

const pastNote = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: note}\ndata: {colour: blue}\n"

func (r *pastRepository) git(args ...string) string {
	r.t.Helper()
	cmd := exec.Command(gitProgram, append([]string{"-c", "gc.auto=0", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always"}, args...)...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "PATH="+searchPath)
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit writes files, of which an empty one is removed, and commits.
func (r *pastRepository) commit(message string, files map[string]string) {
	r.t.Helper()
	for name, text := range files {
		full := filepath.Join(r.dir, name)
		if text == "" {
			if err := os.Remove(full); err != nil {
				r.t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			r.t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			r.t.Fatal(err)
		}
	}
	r.git("add", "-A")
	r.git("commit", "-q", "--allow-empty", "-m", message)
}

// found are the findings about the history, each as "COMMIT'S SUBJECT|FILE|KEY".
func (r *pastRepository) found(configuration string, paths ...string) []string {
	r.t.Helper()
	return r.describe(r.check(configuration, paths...))
}

func (r *pastRepository) check(configuration string, paths ...string) *Outcome {
	r.t.Helper()
	c := config.Default()
	if configuration != "" {
		var err error
		if c, err = config.Parse([]byte(configuration), Rules()); err != nil {
			r.t.Fatal(err)
		}
	}
	repo, err := source.Open(r.dir)
	if err != nil {
		r.t.Fatal(err)
	}
	hash, err := repo.MergeBase("base")
	if err != nil {
		r.t.Fatal(err)
	}
	base, err := repo.Commit(hash)
	if err != nil {
		r.t.Fatal(err)
	}
	s := Source{Base: base, History: func() (*source.History, error) { return repo.History("base") }}
	out, err := Tree(context.Background(), repo.Worktree(), c, s, paths)
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

func (r *pastRepository) describe(out *Outcome) []string {
	subjects := map[string]string{}
	for l := range strings.Lines(r.git("log", "--format=%h %s", "--abbrev=7", "HEAD")) {
		hash, subject, _ := strings.Cut(strings.TrimSpace(l), " ")
		subjects[hash] = subject
	}
	var list []string
	for _, f := range out.Findings {
		if f.Rule != historyRule || f.Suppressed != nil {
			continue
		}
		subject := "?"
		for hash, s := range subjects {
			if strings.Contains(f.Message, "commit "+hash+" ") {
				subject = s
			}
		}
		list = append(list, subject+"|"+f.Origin.File+"|"+f.Path)
		if f.Severity < 3 || f.Origin.Line != 0 || f.Fingerprint == "" {
			r.t.Errorf("severity %v, line %d, fingerprint %q", f.Severity, f.Origin.Line, f.Fingerprint)
		}
		if strings.Contains(fmt.Sprintf("%+v", f), "tr0ub4dor") {
			r.t.Errorf("the finding holds the value: %s", f.Message)
		}
	}
	slices.Sort(list)
	return list
}

// pastSecret is a Secret that is in no cluster.
func pastSecret(name, value string) string {
	return "apiVersion: v1\nkind: Secret\nmetadata:\n  name: " + name + "\nstringData:\n  password: " + value + "\n"
}

const (
	pastValue   = "tr0ub4dor-and-3"
	pastToken   = "ghp_" + "wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx"
	otherValue  = "tr0ub4dor-and-4"
	pastCleaned = "${DB_PASSWORD}"
	plaintext   = "secret-plaintext/stringData[password]"
)

func TestPast(t *testing.T) {
	for _, tt := range []struct {
		name string
		make func(*pastRepository)
		// config is the configuration, paths what is asked for.
		config string
		paths  []string
		want   []string
	}{
		{name: "nothing", make: func(*pastRepository) {}},
		{name: "added and removed", make: func(r *pastRepository) {
			r.commit("add", map[string]string{"apps/db.yaml": pastSecret("db", pastValue)})
			r.commit("remove", map[string]string{"apps/db.yaml": ""})
		}, want: []string{"add|apps/db.yaml|" + plaintext}},
		{name: "added and cleaned", make: func(r *pastRepository) {
			r.commit("add", map[string]string{"apps/db.yaml": pastSecret("db", pastValue)})
			r.commit("clean", map[string]string{"apps/db.yaml": pastSecret("db", pastCleaned)})
		}, want: []string{"add|apps/db.yaml|" + plaintext}},
		{name: "reported once for all commits that have it", make: func(r *pastRepository) {
			r.commit("add", map[string]string{"apps/db.yaml": pastSecret("db", pastValue)})
			r.commit("edit", map[string]string{"apps/db.yaml": pastSecret("database", pastValue)})
			r.commit("move", map[string]string{"apps/db.yaml": "", "apps/sql.yaml": pastSecret("database", pastValue)})
			r.commit("remove", map[string]string{"apps/sql.yaml": ""})
		}, want: []string{"add|apps/db.yaml|" + plaintext}},
		{name: "two values", make: func(r *pastRepository) {
			r.commit("one", map[string]string{"apps/db.yaml": pastSecret("db", pastValue)})
			r.commit("two", map[string]string{"apps/db.yaml": pastSecret("db", otherValue)})
			r.commit("remove", map[string]string{"apps/db.yaml": ""})
		}, want: []string{"one|apps/db.yaml|" + plaintext, "two|apps/db.yaml|" + plaintext}},
		{name: "still there", make: func(r *pastRepository) {
			r.commit("add", map[string]string{"apps/db.yaml": pastSecret("db", pastValue)})
			r.commit("other", map[string]string{"apps/note.yaml": pastNote + "# more\n"})
		}},
		{name: "still there, edited", make: func(r *pastRepository) {
			r.commit("add", map[string]string{"apps/db.yaml": pastSecret("db", pastValue)})
			r.commit("edit", map[string]string{"apps/db.yaml": "# a comment\n" + pastSecret("database", pastValue)})
		}},
		{name: "still there, renamed", make: func(r *pastRepository) {
			r.commit("add", map[string]string{"apps/db.yaml": pastSecret("db", pastValue)})
			r.commit("move", map[string]string{"apps/db.yaml": "", "apps/sql.yaml": pastSecret("db", pastValue)})
		}},
		{name: "still there, renamed and edited", make: func(r *pastRepository) {
			r.commit("add", map[string]string{"apps/db.yaml": pastSecret("db", pastValue)})
			r.commit("move", map[string]string{"apps/db.yaml": "", "apps/sql.yaml": "# moved\n" + pastSecret("sql", pastValue)})
		}},
		{name: "still there, rendered into a namespace", make: func(r *pastRepository) {
			r.commit("add", map[string]string{"apps/db.yaml": pastSecret("db", pastValue)})
			r.commit("edit", map[string]string{"apps/db.yaml": "# edited\n" + pastSecret("db", pastValue), "apps/kustomization.yaml": "namespace: prod\nnamePrefix: x-\nresources: [db.yaml, note.yaml]\n"})
		}},
		{name: "in a text that is no manifest", make: func(r *pastRepository) {
			r.commit("add", map[string]string{"script.sh": "curl -H 'x: " + pastToken + "'\n"})
			r.commit("remove", map[string]string{"script.sh": "true\n"})
		}, want: []string{"add|script.sh|*"}},
		{name: "in a ConfigMap", make: func(r *pastRepository) {
			r.commit("add", map[string]string{"apps/note.yaml": strings.Replace(pastNote, "{colour: blue}", "{DB_PASSWORD: "+pastValue+"}", 1)})
			r.commit("remove", map[string]string{"apps/note.yaml": pastNote})
		}, want: []string{"add|apps/note.yaml|*"}},
		{name: "block scalar", make: func(r *pastRepository) {
			r.commit("add", map[string]string{"apps/db.yaml": pastSecret("db", "|\n    "+pastValue)})
			r.commit("clean", map[string]string{"apps/db.yaml": pastSecret("db", "|\n    "+pastCleaned)})
		}, want: []string{"add|apps/db.yaml|" + plaintext}},
		{name: "brought by a merge itself", make: func(r *pastRepository) {
			r.git("checkout", "-q", "-b", "side")
			r.commit("side", map[string]string{"side.txt": "x\n"})
			r.git("checkout", "-q", "main")
			r.commit("main", map[string]string{"main.txt": "x\n"})
			r.git("merge", "-q", "--no-commit", "side")
			r.commit("merge", map[string]string{"apps/db.yaml": pastSecret("db", pastValue)})
			r.commit("remove", map[string]string{"apps/db.yaml": ""})
		}, want: []string{"merge|apps/db.yaml|" + plaintext}},
		{name: "on a side branch", make: func(r *pastRepository) {
			r.git("checkout", "-q", "-b", "side")
			r.commit("add", map[string]string{"apps/db.yaml": pastSecret("db", pastValue)})
			r.commit("remove", map[string]string{"apps/db.yaml": ""})
			r.git("checkout", "-q", "main")
			r.commit("main", map[string]string{"main.txt": "x\n"})
			r.git("merge", "-q", "-m", "merge", "side")
		}, want: []string{"add|apps/db.yaml|" + plaintext}},
		{name: "merged from the base", make: func(r *pastRepository) {
			r.git("checkout", "-q", "base")
			r.commit("theirs", map[string]string{"apps/db.yaml": pastSecret("db", pastValue)})
			r.commit("removed", map[string]string{"apps/db.yaml": ""})
			r.git("checkout", "-q", "main")
			r.commit("main", map[string]string{"main.txt": "x\n"})
			r.git("merge", "-q", "-m", "merge", "base")
		}},
		{name: "was in the base", make: func(r *pastRepository) {
			r.commit("old", map[string]string{"apps/db.yaml": pastSecret("db", pastValue)})
			r.git("branch", "-f", "base")
			r.commit("edit", map[string]string{"apps/db.yaml": "# edited\n" + pastSecret("database", pastValue)})
			r.commit("remove", map[string]string{"apps/db.yaml": ""})
		}},
		{name: "was in the base, moved", make: func(r *pastRepository) {
			r.commit("old", map[string]string{"apps/db.yaml": pastSecret("db", pastValue)})
			r.git("branch", "-f", "base")
			r.commit("move", map[string]string{"apps/db.yaml": "", "apps/sql.yaml": pastSecret("db", pastValue)})
			r.commit("remove", map[string]string{"apps/sql.yaml": ""})
		}},
		{name: "another value than the base's", make: func(r *pastRepository) {
			r.commit("old", map[string]string{"apps/db.yaml": pastSecret("db", pastValue)})
			r.git("branch", "-f", "base")
			r.commit("change", map[string]string{"apps/db.yaml": pastSecret("db", otherValue)})
			r.commit("remove", map[string]string{"apps/db.yaml": ""})
		}, want: []string{"change|apps/db.yaml|" + plaintext}},
		{name: "harmless", make: func(r *pastRepository) {
			r.commit("add", map[string]string{"apps/db.yaml": pastSecret("db", pastCleaned), "bin": "\x00ghp_", "apps/other.yaml": pastNote})
			r.commit("remove", map[string]string{"apps/db.yaml": "", "bin": "", "apps/other.yaml": ""})
		}},
		{name: "excused where it stood", make: func(r *pastRepository) {
			r.commit("add", map[string]string{"apps/db.yaml": strings.Replace(pastSecret("db", pastValue), "\n  password", "\n  # scantling:ignore secret-plaintext -- a test's\n  password", 1)})
			r.commit("remove", map[string]string{"apps/db.yaml": ""})
		}},
		{name: "excused by the configuration", config: "ignore: [{rules: [secret-plaintext], paths: [test/**], reason: fixtures}]", make: func(r *pastRepository) {
			r.commit("add", map[string]string{"test/db.yaml": pastSecret("db", pastValue), "apps/db.yaml": pastSecret("db", otherValue)})
			r.commit("remove", map[string]string{"test/db.yaml": "", "apps/db.yaml": ""})
		}, want: []string{"add|apps/db.yaml|" + plaintext}},
		{name: "the rule itself excused", config: "ignore: [{rules: [secret-in-history], paths: [apps/**], reason: rotated}]", make: func(r *pastRepository) {
			r.commit("add", map[string]string{"apps/db.yaml": pastSecret("db", pastValue)})
			r.commit("remove", map[string]string{"apps/db.yaml": ""})
		}},
		{name: "off", config: "rules: {secret-in-history: off}", make: func(r *pastRepository) {
			r.commit("add", map[string]string{"apps/db.yaml": pastSecret("db", pastValue)})
			r.commit("remove", map[string]string{"apps/db.yaml": ""})
		}},
		{name: "its rule off", config: "rules: {secret-plaintext: off}", make: func(r *pastRepository) {
			r.commit("add", map[string]string{"apps/db.yaml": pastSecret("db", pastValue)})
			r.commit("remove", map[string]string{"apps/db.yaml": ""})
		}},
		{name: "left out", config: "exclude: [test/**]", make: func(r *pastRepository) {
			r.commit("add", map[string]string{"test/db.yaml": pastSecret("db", pastValue)})
			r.commit("remove", map[string]string{"test/db.yaml": ""})
		}},
		{name: "not asked for", paths: []string{"apps"}, make: func(r *pastRepository) {
			r.commit("add", map[string]string{"infra/db.yaml": pastSecret("db", pastValue), "apps/db.yaml": pastSecret("db", otherValue)})
			r.commit("remove", map[string]string{"infra/db.yaml": "", "apps/db.yaml": ""})
		}, want: []string{"add|apps/db.yaml|" + plaintext}},
		{name: "in a message", make: func(r *pastRepository) {
			r.commit("use the token "+"ghp_"+"wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx", map[string]string{"a.txt": "x\n"})
		}, want: []string{"use the token " + "ghp_" + "wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx||*"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newPastRepository(t)
			tt.make(r)
			got := r.found(tt.config, tt.paths...)
			if !slices.EqualFunc(got, tt.want, func(got, want string) bool {
				prefix, any := strings.CutSuffix(want, "*")
				return got == want || any && strings.HasPrefix(got, prefix)
			}) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// TestPastThatIsNotHere: a history that can't be read is a problem, with what to do
// about it, and what can be read is judged.
func TestPastThatIsNotHere(t *testing.T) {
	problems := func(out *Outcome) (texts []string) {
		for _, f := range out.Findings {
			if f.Rule == "git" {
				texts = append(texts, f.Severity.String()+" "+f.Message+" "+f.Fix)
			}
		}
		return texts
	}
	origin := newPastRepository(t)
	for i := range 3 {
		origin.commit(fmt.Sprint("change ", i), map[string]string{"a.txt": fmt.Sprint(i, "\n")})
	}
	origin.commit("add", map[string]string{"apps/db.yaml": pastSecret("db", pastValue)})
	origin.commit("remove", map[string]string{"apps/db.yaml": ""})

	t.Run("shallow", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "clone")
		origin.git("clone", "-q", "--depth=3", "--no-single-branch", "file://"+origin.dir, dir)
		clone := &pastRepository{t, dir}
		clone.git("branch", "base", "origin/base")
		repo, err := source.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		base, err := repo.Commit("base")
		if err != nil {
			t.Fatal(err)
		}
		s := Source{Base: base, History: func() (*source.History, error) { return repo.History("base") }}
		out, err := Tree(context.Background(), repo.Worktree(), config.Default(), s, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := problems(out)
		if len(got) != 1 || !strings.HasPrefix(got[0], "high ") || !strings.Contains(got[0], "git fetch --unshallow") || !strings.Contains(got[0], "fetch-depth: 0") {
			t.Errorf("problems: %q", got)
		}
		if found := clone.describe(out); !slices.Equal(found, []string{"add|apps/db.yaml|" + plaintext}) {
			t.Errorf("found %q", found)
		}
	})
	t.Run("blob gone", func(t *testing.T) {
		id := origin.git("rev-parse", "HEAD~1:apps/db.yaml")
		file := filepath.Join(origin.dir, ".git/objects", id[:2], id[2:])
		if err := os.Rename(file, file+".away"); err != nil {
			t.Fatal(err)
		}
		out := origin.check("")
		if got := problems(out); len(got) != 1 || !strings.Contains(got[0], id) {
			t.Errorf("problems: %q", got)
		}
		if err := os.Rename(file+".away", file); err != nil {
			t.Fatal(err)
		}
		if got := problems(origin.check("")); len(got) != 0 {
			t.Errorf("problems: %q", got)
		}
	})
}
