package cli_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
	"golang.org/x/tools/txtar"
)

// files are a repository's, by their names.
type files map[string]string

// move gives a file or a folder another name.
func (f files) move(from, to string) {
	for _, name := range slices.Sorted(maps.Keys(f)) {
		if rest, ok := strings.CutPrefix(name, from); ok && (rest == "" || rest[0] == '/') {
			f[to+rest] = f[name]
			delete(f, name)
		}
	}
}

// edit replaces a text in a file, which must be there.
func (f files) edit(name, old, now string) {
	if !strings.Contains(f[name], old) {
		panic(fmt.Sprintf("%s does not hold %q", name, old))
	}
	f[name] = strings.ReplaceAll(f[name], old, now)
}

// documents are those of a file.
func (f files) documents(name string) []string { return strings.Split(f[name], "---\n") }

// rewrite writes each document of a file anew in another style.
func (f files) rewrite(name string, write func(*yaml.Node) string) {
	docs, problems := manifest.Parse([]byte(f[name]))
	if len(problems) > 0 {
		panic(problems[0])
	}
	var out []string
	for _, doc := range docs {
		out = append(out, write(doc))
	}
	f[name] = strings.Join(out, "---\n")
}

// yamlNames are the files of a repository that hold YAML of no template and can be
// read.
func (f files) yamlNames() []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(f)) {
		if strings.HasSuffix(name, ".yaml") && !strings.Contains(name, "/templates/") && !strings.Contains(name, "broken") {
			names = append(names, name)
		}
	}
	return names
}

func encode(n *yaml.Node, indent int) string {
	var b strings.Builder
	e := yaml.NewEncoder(&b)
	e.SetIndent(indent)
	if err := e.Encode(n); err != nil {
		panic(err)
	}
	return b.String()
}

// reversed is a node with the keys of each mapping in reverse order.
func reversed(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.MappingNode {
		var content []*yaml.Node
		for i := len(n.Content) - 2; i >= 0; i -= 2 {
			content = append(content, n.Content[i], n.Content[i+1])
		}
		n.Content = content
	}
	for _, c := range n.Content {
		reversed(c)
	}
	return n
}

// asJSON is a node as JSON, over many lines.
func asJSON(n *yaml.Node) string {
	var v any
	if err := n.Decode(&v); err != nil {
		panic(err)
	}
	out, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err)
	}
	return string(out) + "\n"
}

// comparison is a git repository with the files of testdata/refactor.txtar, and
// what lint says when they are changed.
type comparison struct {
	t   *testing.T
	dir string
	env []string
}

func refactorFiles(t *testing.T) files {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/refactor.txtar")
	if err != nil {
		t.Fatal(err)
	}
	f := files{}
	for _, file := range archive.Files {
		f[file.Name] = string(file.Data)
	}
	return f
}

func newComparison(t *testing.T, base files) *comparison {
	t.Helper()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("git is not there")
	}
	c := &comparison{t: t, dir: t.TempDir()}
	home := t.TempDir()
	c.env = []string{"HOME=" + home, "XDG_CACHE_HOME=" + filepath.Join(home, "cache"), "GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_CONFIG_NOSYSTEM=1"}
	c.write(base)
	for _, args := range [][]string{{"init", "-q", "-b", "main"}, {"remote", "add", "origin", "https://git.example.org/team/fleet.git"}, {"add", "-A"}, {"-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "base"}} {
		cmd := exec.Command(git, args...)
		cmd.Dir, cmd.Env = c.dir, append(os.Environ(), c.env...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", args, err, out)
		}
	}
	return c
}

// write makes the work tree hold the files and nothing else.
func (c *comparison) write(f files) {
	c.t.Helper()
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != ".git" {
			if err := os.RemoveAll(filepath.Join(c.dir, e.Name())); err != nil {
				c.t.Fatal(err)
			}
		}
	}
	for name, text := range f {
		name = filepath.Join(c.dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			c.t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			c.t.Fatal(err)
		}
	}
}

// lint gives the findings that a change brings and mends, as "state rule file
// object path", and how many were there before.
func (c *comparison) lint(f files, args ...string) (changed []string, unchanged int) {
	c.t.Helper()
	c.write(f)
	stdout, stderr, code := program(c.t, c.dir, c.env, append([]string{"lint", "--profile", "all", "--report", "json"}, args...)...)
	if code > 1 {
		c.t.Fatalf("lint gives %d: %s", code, stderr)
	}
	var report struct {
		Findings []struct {
			Rule, State, File, Path string
			Object                  struct{ Kind, Namespace, Name string }
		}
	}
	if err := json.Unmarshal(stdout, &report); err != nil {
		c.t.Fatalf("%v in %s", err, stdout)
	}
	for _, f := range report.Findings {
		// A rule about the order of keys has to see another order.
		if f.Rule == "sorted-keys" {
			continue
		}
		if f.State == "unchanged" {
			unchanged++
			continue
		}
		changed = append(changed, fmt.Sprintf("%s %s %s %s %s/%s %s", f.State, f.Rule, f.File, f.Object.Kind, f.Object.Namespace, f.Object.Name, f.Path))
	}
	slices.Sort(changed)
	return changed, unchanged
}

// TestRefactorings: what deploys the same brings nothing new and mends nothing.
func TestRefactorings(t *testing.T) {
	base := refactorFiles(t)
	c := newComparison(t, base)
	_, all := c.lint(base, "--base", "HEAD")
	if all < 100 {
		t.Fatalf("there are only %d findings to compare", all)
	}
	for _, r := range []struct {
		name   string
		change func(f files)
	}{
		{"move a base", func(f files) {
			f.move("apps/shop/base", "library/shop")
			f.edit("apps/shop/overlays/prod/kustomization.yaml", "../../base", "../../../../library/shop")
			f.edit("apps/shop/overlays/stage/kustomization.yaml", "../../base", "../../../../library/shop")
		}},
		{"rename an overlay", func(f files) { f.move("apps/shop/overlays/prod", "apps/shop/overlays/production") }},
		{"rename a plain folder", func(f files) { f.move("plain", "daemons") }},
		{"rename the folder of all", func(f files) { f.move("apps", "workloads/apps") }},
		{"rename files", func(f files) {
			f.move("plain/agent.yaml", "plain/daemon.yaml")
			f.move("plain/broken.yaml", "plain/unread.yaml")
			f.move("secrets/db.enc.yaml", "secrets/database.enc.yaml")
			f.move("tools/deploy.env", "tools/release.env")
		}},
		{"rename a file of a base", func(f files) {
			f.move("apps/shop/base/web.yaml", "apps/shop/base/deployment.yaml")
			f.edit("apps/shop/base/kustomization.yaml", "web.yaml", "deployment.yaml")
		}},
		{"reorder documents", func(f files) {
			for _, name := range f.yamlNames() {
				docs := f.documents(name)
				slices.Reverse(docs)
				f[name] = strings.Join(docs, "---\n")
			}
		}},
		{"reorder resources", func(f files) {
			f.edit("apps/shop/base/kustomization.yaml", "  - web.yaml\n  - rbac.yaml\n", "  - rbac.yaml\n  - web.yaml\n")
		}},
		{"reorder keys", func(f files) {
			for _, name := range f.yamlNames() {
				f.rewrite(name, func(n *yaml.Node) string { return encode(reversed(n), 2) })
			}
		}},
		{"change indentation", func(f files) {
			for _, name := range f.yamlNames() {
				f.rewrite(name, func(n *yaml.Node) string { return encode(n, 6) })
			}
		}},
		{"write in flow style", func(f files) {
			for _, name := range f.yamlNames() {
				f.rewrite(name, func(n *yaml.Node) string {
					for _, c := range n.Content {
						c.Style |= yaml.FlowStyle
					}
					return encode(n, 2)
				})
			}
		}},
		{"write as JSON", func(f files) {
			for _, name := range []string{"plain/job.yaml", "clusters/main/api.yaml", "apps/shop/base/config.yaml"} {
				f.rewrite(name, asJSON)
				f.move(name, strings.TrimSuffix(name, "yaml")+"json")
			}
			f.edit("apps/shop/base/kustomization.yaml", "config.yaml", "config.json")
		}},
		{"write a plaintext secret as JSON", func(f files) {
			f.rewrite("secrets/db.enc.yaml", asJSON)
			f.move("secrets/db.enc.yaml", "secrets/db.enc.json")
			f.edit("secrets/.sops.yaml", `.*\.enc\.yaml$`, `.*\.enc\.(yaml|json)$`)
		}},
		{"blank lines and comments", func(f files) {
			for _, name := range slices.Sorted(maps.Keys(f)) {
				if !strings.HasPrefix(name, "charts/") {
					f[name] = "# What this is for.\n\n" + f[name]
				}
			}
		}},
		{"split a file", func(f files) {
			docs := f.documents("apps/shop/base/web.yaml")
			f["apps/shop/base/web.yaml"], f["apps/shop/base/service.yaml"] = docs[0], docs[1]
			f.edit("apps/shop/base/kustomization.yaml", "  - web.yaml\n", "  - web.yaml\n  - service.yaml\n")
			docs = f.documents("plain/agent.yaml")
			f["plain/namespace.yaml"], f["plain/agent.yaml"] = docs[0], docs[1]
		}},
		{"join files", func(f files) {
			f["plain/agent.yaml"] += "---\n" + f["plain/job.yaml"]
			f["secrets/all.enc.yaml"] = f["secrets/db.enc.yaml"] + "---\n" + f["secrets/cache.enc.yaml"]
			for _, name := range []string{"plain/job.yaml", "secrets/db.enc.yaml", "secrets/cache.enc.yaml"} {
				delete(f, name)
			}
		}},
		{"move a document to another file", func(f files) {
			docs := f.documents("plain/agent.yaml")
			f["plain/agent.yaml"], f["plain/job.yaml"] = docs[0], docs[1]+"---\n"+f["plain/job.yaml"]
			f["secrets/cache.enc.yaml"] += "---\n" + f["secrets/db.enc.yaml"]
			delete(f, "secrets/db.enc.yaml")
		}},
		{"rename a chart", func(f files) {
			f.move("charts/api", "charts/backend-api")
			f.edit("clusters/main/api.yaml", "charts/api", "charts/backend-api")
		}},
		{"rename a namespace", func(f files) {
			for _, name := range []string{"plain/agent.yaml", "plain/job.yaml", "secrets/db.enc.yaml", "secrets/cache.enc.yaml"} {
				f.edit(name, "agents", "daemons")
			}
			f.edit("apps/shop/overlays/prod/kustomization.yaml", "shop-prod", "store")
			f.edit("clusters/main/api.yaml", "namespace: backend", "namespace: services")
		}},
		{"rename objects", func(f files) {
			f.edit("plain/agent.yaml", "name: agent\n", "name: node-agent\n")
			f.edit("plain/job.yaml", "migrate\n  namespace", "migration\n  namespace")
			f.edit("apps/shop/overlays/prod/kustomization.yaml", "prod-", "live-")
			f.edit("apps/shop/overlays/stage/kustomization.yaml", "namespace:", "nameSuffix: -stage\nnamespace:")
			f.edit("clusters/main/api.yaml", "  name: api\n", "  name: backend\n")
		}},
		{"rename an object everywhere", func(f files) {
			for _, name := range []string{"web.yaml", "rbac.yaml", "config.yaml"} {
				f.edit("apps/shop/base/"+name, "name: web\n", "name: frontend\n")
			}
			f.edit("apps/shop/base/web.yaml", "app: web\n", "app: frontend\n")
			f.edit("apps/shop/overlays/prod/replicas.yaml", "name: web\n", "name: frontend\n")
		}},
		{"rename an object and its file", func(f files) {
			f.edit("plain/job.yaml", "name: migrate\n", "name: migration\n")
			f.move("plain/job.yaml", "jobs/migration.yaml")
		}},
		{"change what a generated name is made of", func(f files) {
			f.edit("apps/shop/base/kustomization.yaml", "      - DB_PASSWORD", "      - COLOUR=blue\n      - DB_PASSWORD")
		}},
		{"change a value that was found before", func(f files) {
			f.edit("apps/shop/base/kustomization.yaml", "Tr0ub4dor-and-3", "an0ther-Tr0ub4dor")
		}},
		{"all at once", func(f files) {
			f.edit("plain/agent.yaml", "agents", "daemons")
			f.edit("plain/job.yaml", "agents", "daemons")
			f.edit("secrets/db.enc.yaml", "agents", "daemons")
			f.edit("secrets/cache.enc.yaml", "agents", "daemons")
			f["plain/agent.yaml"] = f["plain/job.yaml"] + "---\n" + f["plain/agent.yaml"]
			delete(f, "plain/job.yaml")
			f.move("plain", "daemons")
			f.move("apps/shop", "apps/store")
			f.move("secrets", "credentials")
			f.edit("credentials/.sops.yaml", "secrets/", "credentials/")
		}},
	} {
		t.Run(r.name, func(t *testing.T) {
			c := *c
			c.t = t
			f := maps.Clone(base)
			r.change(f)
			changed, unchanged := c.lint(f, "--base", "HEAD")
			if len(changed) > 0 {
				t.Errorf("%d of %d findings are there as before; changed are\n%s", unchanged, all, strings.Join(changed, "\n"))
			}
		})
	}
}

// TestRegressions: what is worse is new, whatever was moved and renamed beside it.
func TestRegressions(t *testing.T) {
	base := refactorFiles(t)
	base["plain/known.yaml"] = `apiVersion: v1
kind: Pod
metadata:
  name: counter
  namespace: agents
spec:
  hostPID: true # scantling:ignore host-pid -- it counts the processes of the node
  containers:
    - name: counter
      image: registry.example.com/counter:1.0.0
`
	c := newComparison(t, base)
	agent := base.documents("plain/agent.yaml")[1]
	for _, r := range []struct {
		name   string
		change func(f files)
		// rules are those that are looked at.
		rules string
		want  []string
	}{
		{"a second bad container", func(f files) {
			f.edit("apps/shop/base/web.yaml", "        - name: sidecar\n", "        - name: debug\n          image: registry.example.com/debug:1.0\n          securityContext: {privileged: true}\n        - name: sidecar\n")
		}, "privileged-container", []string{"new privileged-container apps/shop/base/web.yaml Deployment shop-prod/prod-web spec.template.spec.containers[1].securityContext.privileged"}},
		{"a copy of a workload under another name", func(f files) {
			f["plain/agent.yaml"] += "---\n" + strings.ReplaceAll(agent, "name: agent\n", "name: second\n")
		}, "privileged-container host-pid", []string{
			"new host-pid plain/agent.yaml DaemonSet agents/second spec.template.spec.hostPID",
			"new privileged-container plain/agent.yaml DaemonSet agents/second spec.template.spec.containers[0].securityContext.privileged",
		}},
		{"a copy in another file and namespace", func(f files) {
			f["plain/second.yaml"] = strings.ReplaceAll(agent, "namespace: agents", "namespace: others")
		}, "privileged-container", []string{"new privileged-container plain/second.yaml DaemonSet others/agent spec.template.spec.containers[0].securityContext.privileged"}},
		{"a copy in place of what was mended", func(f files) {
			f.edit("plain/agent.yaml", "privileged: true", "privileged: false")
			f["plain/second.yaml"] = strings.ReplaceAll(agent, "name: agent\n", "name: second\n")
		}, "privileged-container", []string{
			"fixed privileged-container plain/agent.yaml DaemonSet agents/agent spec.template.spec.containers[0].securityContext.privileged",
			"new privileged-container plain/second.yaml DaemonSet agents/second spec.template.spec.containers[0].securityContext.privileged",
		}},
		{"a copied file", func(f files) { f["daemons/agent.yaml"] = f["plain/agent.yaml"] },
			"privileged-container", []string{"new privileged-container daemons/agent.yaml DaemonSet agents/agent spec.template.spec.containers[0].securityContext.privileged"}},
		{"copied files with secrets", func(f files) {
			f["secrets/other.enc.yaml"] = strings.ReplaceAll(f["secrets/db.enc.yaml"], "name: db", "name: other")
			f["tools/copy.env"] = f["tools/deploy.env"]
		}, "secret-plaintext sops-creation-rules-missing known-credential-pattern", []string{
			"new known-credential-pattern tools/copy.env  / AWS_ACCESS_KEY_ID aws-access-key",
			"new known-credential-pattern tools/copy.env  / AWS_SECRET_ACCESS_KEY aws-secret-key",
			"new secret-plaintext secrets/other.enc.yaml Secret agents/other stringData[password]",
			"new secret-plaintext secrets/other.enc.yaml Secret agents/other stringData[username]",
			"new sops-creation-rules-missing secrets/other.enc.yaml  / kind",
		}},
		{"a copied file that can't be read", func(f files) { f["plain/copy.yaml"] = f["plain/broken.yaml"] },
			"parse-error", []string{"new parse-error plain/copy.yaml  / "}},
		{"moved and made worse", func(f files) {
			f.edit("apps/shop/base/web.yaml", "hostNetwork: true", "hostNetwork: true\n      hostIPC: true")
			f.move("apps/shop/base", "library/shop")
			f.edit("apps/shop/overlays/prod/kustomization.yaml", "../../base", "../../../../library/shop")
			f.edit("apps/shop/overlays/stage/kustomization.yaml", "../../base", "../../../../library/shop")
		}, "host-ipc host-pid host-network privileged-container", []string{"new host-ipc library/shop/web.yaml Deployment shop-prod/prod-web spec.template.spec.hostIPC"}},
		{"renamed and made worse", func(f files) {
			f.edit("plain/agent.yaml", "name: agent\n", "name: node-agent\n")
			f.edit("plain/agent.yaml", "hostPID: true", "hostPID: true\n      hostIPC: true")
			f.move("plain", "daemons")
		}, "host-ipc host-pid privileged-container", []string{"new host-ipc daemons/agent.yaml DaemonSet agents/node-agent spec.template.spec.hostIPC"}},
		{"another secret in place of one", func(f files) {
			f.edit("apps/shop/base/kustomization.yaml", "settings\n    literals:\n      - DB_PASSWORD=Tr0ub4dor-and-3", "other\n    literals:\n      - DB_PASSWORD=an0ther-Tr0ub4dor")
		}, "configmap-contains-secret", []string{
			"fixed configmap-contains-secret apps/shop/base/kustomization.yaml ConfigMap shop-prod/prod-settings-5d5td5thd2 data[DB_PASSWORD]",
			"new configmap-contains-secret apps/shop/base/kustomization.yaml ConfigMap shop-prod/prod-other-kc7bcgcc7g data[DB_PASSWORD]",
		}},
		{"renamed and broken", func(f files) {
			f.move("apps/shop/overlays/prod", "apps/shop/overlays/production")
			f.edit("apps/shop/overlays/production/kustomization.yaml", "replicas.yaml", "nowhere.yaml")
		}, "render-failed host-pid host-ipc privileged-container host-network", []string{"new render-failed apps/shop/overlays/production/kustomization.yaml  / "}},
		{"moved without what excuses it", func(f files) {
			f.edit("plain/known.yaml", " # scantling:ignore host-pid -- it counts the processes of the node", "")
			f.move("plain/known.yaml", "plain/counter.yaml")
		}, "host-pid", []string{"new host-pid plain/counter.yaml Pod agents/counter spec.hostPID"}},
	} {
		t.Run(r.name, func(t *testing.T) {
			c := *c
			c.t = t
			f := maps.Clone(base)
			r.change(f)
			all, _ := c.lint(f, "--base", "HEAD")
			var got []string
			for _, line := range all {
				if slices.Contains(strings.Fields(r.rules), strings.Fields(line)[1]) {
					got = append(got, line)
				}
			}
			if !slices.Equal(got, r.want) {
				t.Errorf("got\n%s\nwant\n%s\nof\n%s", strings.Join(got, "\n"), strings.Join(r.want, "\n"), strings.Join(all, "\n"))
			}
		})
	}
}
