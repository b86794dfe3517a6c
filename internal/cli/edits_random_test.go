//go:build unix

package cli_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// edits are what people and tools do to a repository. Each says what it did, or
// nothing when there was nothing to do it to.
var edits = []struct {
	often int
	do    func(*fleet) string
}{
	{6, (*fleet).editScalar},
	{6, (*fleet).editSetting},
	{3, (*fleet).editLine},
	{2, (*fleet).editDocuments},
	{2, (*fleet).editTemplate},
	{2, (*fleet).editChart},
	{3, (*fleet).editResources},
	{2, (*fleet).editHead},
	{1, (*fleet).editBytes},
	{2, (*fleet).editConfiguration},
	{1, (*fleet).editIgnored},
	{3, (*fleet).addCopy},
	{6, (*fleet).addAwaited},
	{3, (*fleet).remove},
	{3, (*fleet).move},
	{1, (*fleet).swap},
	{1, (*fleet).editLink},
	{2, (*fleet).touch},
	{2, (*fleet).editUnseen},
	{2, (*fleet).stagePart},
	{1, (*fleet).editGit},
	{2, (*fleet).keep},
	{2, (*fleet).goBack},
}

// change makes some edits.
func (f *fleet) change(n int) {
	f.t.Helper()
	total := 0
	for _, e := range edits {
		total += e.often
	}
	for done := 0; done < n; {
		i, which := 0, f.IntN(total)
		for ; which >= edits[i].often; i++ {
			which -= edits[i].often
		}
		if what := edits[i].do(f); what != "" {
			f.note("%s", what)
			done++
		}
	}
}

// manifests are the names of files with YAML, templates of it among them.
func (f *fleet) manifests() []string { return f.files(".yaml", ".yml", ".json") }

var scalar = regexp.MustCompile(`(?m)^(\s*(?:- )?[\w./-]+: )([^\s\[{|>#][^\n#]*)$`)

// editScalar gives a key another value, or that of another key.
func (f *fleet) editScalar() string {
	name := pick(f.Rand, f.manifests())
	if name == "" {
		return ""
	}
	text := f.read(name)
	places := scalar.FindAllStringSubmatchIndex(text, -1)
	if len(places) == 0 {
		return ""
	}
	at := pick(f.Rand, places)
	other := pick(f.Rand, places)
	value := pick(f.Rand, []string{"true", "false", "0", "3", `"1"`, "null", "[]", "{a: b}", "shop", "other", "latest", "v1", "a b", "*", "", text[other[4]:other[5]]})
	f.write(name, text[:at[4]]+value+text[at[5]:])
	return name + ": " + text[at[2]:at[3]] + "becomes " + value
}

// editSetting changes what rules look at.
func (f *fleet) editSetting() string {
	settings := [][2]string{
		{"privileged: true", "privileged: false"}, {"privileged: false", "privileged: true"},
		{"hostNetwork: true", "hostNetwork: false"}, {"hostPID: true", "hostPID: false"},
		{"replicas: 1", "replicas: 4"}, {"replicas: 3", "replicas: 1"}, {"replicas: 2", "replicas: 5"},
		{":1.4.2", ":latest"}, {"nginx", "nginx:1.27"}, {"busybox:1.36", "busybox"}, {"newTag: latest", "newTag: 1.5.0"},
		{"namespace: shop", "namespace: store"}, {"name: web", "name: site"}, {"kind: Deployment", "kind: StatefulSet"},
		{`["*"]`, "[get]"}, {"app: ", "app.kubernetes.io/name: "}, {"enabled: false", "enabled: true"}, {"enabled: true", "enabled: false"},
		{"password", "passphrase"}, {"correct-horse-battery", "battery-horse-correct"}, {"ENC[", "XXX["}, {"scantling:ignore", "scantling:ignored"},
		{" -- ", " "}, {"stringData", "data"}, {"apps/v1", "apps/v1beta1"}, {"batch/v1beta1", "batch/v1"}, {"path: ", "path: ./"},
		{"charts/app", "charts/failing"}, {"fleet", "other"}, {"maximum: 10", "maximum: 50"}, {"enforce: restricted", "enforce: privileged"},
		{"namePrefix: dev-", "nameSuffix: -dev"}, {"cache.enabled", "cache.disabled"}, {"    ", "  "},
	}
	setting := pick(f.Rand, settings)
	names := slices.DeleteFunc(f.files(), func(name string) bool { return !strings.Contains(f.read(name), setting[0]) })
	if len(names) == 0 {
		return ""
	}
	name, n := pick(f.Rand, names), 1
	if f.IntN(3) == 0 {
		n = -1
	}
	f.write(name, strings.Replace(f.read(name), setting[0], setting[1], n))
	return name + ": " + setting[0] + " becomes " + setting[1]
}

// editLine removes a line, repeats it or adds one.
func (f *fleet) editLine() string {
	name := pick(f.Rand, f.files())
	if name == "" {
		return ""
	}
	lines := strings.Split(f.read(name), "\n")
	i, what := f.IntN(len(lines)), "a line more"
	switch f.IntN(3) {
	case 0:
		lines, what = slices.Delete(lines, i, i+1), "a line less"
	case 1:
		lines = slices.Insert(lines, i, lines[i])
	default:
		indent := lines[i][:len(lines[i])-len(strings.TrimLeft(lines[i], " "))]
		lines = slices.Insert(lines, i, indent+pick(f.Rand, []string{
			"hostIPC: true", "# scantling:ignore privileged-container -- it must", "# scantling:ignore * -- all of it", "namespace: other",
			"- name: more", "password: hunter2hunter2", "# password: hunter2hunter2", "{{- if .Values.more }}", "{{- end }}", "---", "\t", "- ../common",
		}))
	}
	f.write(name, strings.Join(lines, "\n"))
	return name + ": " + what
}

// editDocuments adds or takes away a document of a file.
func (f *fleet) editDocuments() string {
	name := pick(f.Rand, f.files(".yaml"))
	if name == "" {
		return ""
	}
	documents := strings.Split(f.read(name), "\n---\n")
	if len(documents) > 1 && f.IntN(2) == 0 {
		i := f.IntN(len(documents))
		f.write(name, strings.Join(slices.Delete(documents, i, i+1), "\n---\n"))
		return name + ": a document less"
	}
	more := pick(f.Rand, []string{
		"apiVersion: v1\nkind: Pod\nmetadata: {name: more, namespace: shop}\nspec: {hostPID: true, containers: [{name: a, image: a}]}\n",
		"apiVersion: v1\nkind: Namespace\nmetadata: {name: api}\n",
		"apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {selector: {app: alone}, ports: [{port: 80, targetPort: 8080}]}\n",
		"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: all, namespace: edge}\nspec: {podSelector: {}, policyTypes: [Ingress, Egress]}\n",
		"apiVersion: v1\nkind: Secret\nmetadata: {name: more}\nstringData: {token: swordfish-more-token}\n",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: flux-system}\ndata: {REPLICAS: \"9\", TAG: v9}\n",
		"apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.shop.example}\nspec: {group: shop.example, scope: Cluster, names: {kind: Thing, plural: things}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]}\n",
		"apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web, namespace: shop}\nspec: {maxUnavailable: 0, selector: {matchLabels: {app.kubernetes.io/name: web}}}\n",
	})
	f.write(name, strings.Join(append(documents, more), "\n---\n"))
	return name + ": a document more"
}

// editTemplate changes what a template prints, or breaks it.
func (f *fleet) editTemplate() string {
	name := pick(f.Rand, slices.DeleteFunc(f.files(".yaml", ".tpl", ".txt"), func(name string) bool { return !strings.Contains(name, "/templates/") }))
	if name == "" {
		return ""
	}
	more := pick(f.Rand, []string{
		"{{/* nothing */}}\n", "{{- if .Values.cache.enabled }}\n# a cache\n{{- end }}\n", `{{ fail "no" }}`, "{{ if }}", "# {{ .Chart.Version }}\n",
		"# {{ .Files.Get \"files/app.conf\" }}\n", `{{- define "common.fullname" }}{{ .Release.Name }}-again{{ end }}`, "{{ .Values.nothing.there }}",
		"{{ include \"common.missing\" . }}", "# {{ .Capabilities.KubeVersion.Minor }}\n", "# {{ .Release.Namespace }}\n",
	})
	if f.IntN(2) == 0 {
		f.write(name, more+f.read(name))
	} else {
		f.write(name, f.read(name)+"\n"+more)
	}
	return name + ": " + strings.TrimSpace(more)
}

// editChart changes what stands beside the templates.
func (f *fleet) editChart() string {
	names := slices.DeleteFunc(f.files(), func(name string) bool {
		return !strings.HasPrefix(name, "charts/") || strings.Contains(name, "/templates/")
	})
	name := pick(f.Rand, names)
	if name == "" {
		return ""
	}
	changes := [][2]string{
		{"0.1.0", "0.2.0"}, {"1.0.0", "2.0.0"}, {"type: application", "type: library"}, {"type: library", "type: application"}, {"8080", "9090"},
		{"*.bak", "templates/*.yaml"}, {`"minimum": 1`, `"minimum": 3`}, {"condition: cache.enabled", "condition: cache.wanted"}, {"64", "128"},
		{"alias: c\n", ""}, {"file://../common", "https://charts.example/stable"}, {"    version: 0.1.0\n", "    version: 0.1.0\n    alias: c\n"},
	}
	for _, i := range f.Perm(len(changes)) {
		if text := f.read(name); strings.Contains(text, changes[i][0]) {
			f.write(name, strings.Replace(text, changes[i][0], changes[i][1], 1))
			return name + ": " + changes[i][0] + " becomes " + changes[i][1]
		}
	}
	return ""
}

// editResources adds something to a kustomization, or takes a line of it away.
func (f *fleet) editResources() string {
	name := pick(f.Rand, f.files("kustomization.yaml", "kustomization.yml"))
	if name == "" {
		return ""
	}
	text, folder := f.read(name), path.Dir(name)
	if f.IntN(2) == 0 {
		lines := strings.SplitAfter(text, "\n")
		for _, i := range f.Perm(len(lines)) {
			if strings.HasPrefix(strings.TrimSpace(lines[i]), "- ") {
				f.write(name, strings.Join(slices.Delete(lines, i, i+1), ""))
				return name + ": an entry less"
			}
		}
		return ""
	}
	other, err := filepath.Rel(folder, pick(f.Rand, slices.Concat(f.files(".yaml"), f.folders())))
	check(f.t, err)
	entry := pick(f.Rand, []string{
		"resources:\n  - " + other + "\n", "components:\n  - " + other + "\n", "patches:\n  - path: " + other + "\n", "namespace: more\n", "nameSuffix: -x\n",
		"configMapGenerator:\n  - name: more\n    files: [" + other + "]\n", "commonLabels: {more: label}\n", "images:\n  - {name: nginx, newTag: '1'}\n",
		"crds: [" + other + "]\n", "replicas:\n  - {name: web, count: 7}\n", "transformers:\n  - " + other + "\n", "openapi: {path: " + other + "}\n",
	})
	key, item, _ := strings.Cut(entry, "\n")
	if strings.Contains(text, key+"\n") && item != "" {
		text = strings.Replace(text, key+"\n", entry, 1)
	} else {
		text += entry
	}
	f.write(name, text)
	return name + ": " + strings.TrimSpace(entry)
}

// editHead moves all lines of a file down, or those that are blank away.
func (f *fleet) editHead() string {
	name := pick(f.Rand, f.files())
	if name == "" {
		return ""
	}
	head := pick(f.Rand, []string{"\n", "# a comment\n", "---\n", "\n\n# two\n", "# scantling:ignore host-network, host-pid -- the whole file\n"})
	if text := f.read(name); strings.HasPrefix(text, head) {
		f.write(name, strings.TrimPrefix(text, head))
	} else {
		f.write(name, head+text)
	}
	return name + ": its head"
}

// editBytes changes how a file is encoded, or takes all of it away.
func (f *fleet) editBytes() string {
	name := pick(f.Rand, f.files())
	if name == "" {
		return ""
	}
	text := f.read(name)
	what := f.IntN(5)
	switch what {
	case 0:
		text = ""
	case 1:
		text = strings.ReplaceAll(text, "\n", "\r\n")
	case 2:
		text = "\ufeff" + text
	case 3:
		text = text[:len(text)/2]
	default:
		text += "\x00\xff"
	}
	f.write(name, text)
	return name + ": " + []string{"empty", "CRLF", "a byte order mark", "half", "bad bytes"}[what]
}

// editConfiguration changes what scantling and sops are told.
func (f *fleet) editConfiguration() string {
	if f.IntN(3) == 0 {
		text := pick(f.Rand, []string{
			"", "creation_rules: []\n", "creation_rules:\n  - path_regex: .*\n    age: age12tezvedxpsfd9zgctk2sa6ypxcy3vmmtzy730rtvplfeq8lj8xss9qh84f\n",
			"creation_rules:\n  - path_regex: ^secrets/.*\n    encrypted_regex: ^stringData$\n    age: age12tezvedxpsfd9zgctk2sa6ypxcy3vmmtzy730rtvplfeq8lj8xss9qh84f\n", "creation_rules: [",
		})
		f.write(".sops.yaml", text)
		return ".sops.yaml: " + text
	}
	text := pick(f.Rand, []string{
		"", "extends: all\n", "extends: [recommended, pss-restricted]\n", "exclude: [broken/**]\n", "exclude: ['apps/web/**', plain]\nextends: strict\n",
		"rules: {privileged-container: off, host-network: critical}\n", "extends: all\nrules: {replicas-below-minimum: {options: {minimum: 4}}}\n",
		"ignore:\n  - {rules: ['*'], paths: ['broken/**'], reason: they are meant to be}\n", "ignore:\n  - {rules: [host-pid], reason: long ago, until: 2025-01-01}\n",
		"gitops: {repository: https://git.example.org/team/fleet, substitutions: {REGION: south, TAG: '9'}}\n", "gitops: {repository: https://git.example.org/team/other}\n",
		"kubernetes: {version: '1.24'}\nextends: all\n", "kubernetes: {version: '1.33', api-versions: [shop.example/v1/Quota]}\n", "limits: {documents: 1}\n", "limits: {file-size: 1KiB}\n",
		"helm: {values: [values-*.yaml, more.yaml]}\n", "helm: {values: []}\n", "secrets: {allow: [{keys: [password], reason: none}]}\n", "fail-on: none\n", "unknown: true\n",
	})
	if strings.HasPrefix(text, "extends") || f.IntN(2) == 0 {
		f.write(".scantling.yaml", text)
	} else if f.write(".scantling.yaml", text+"gitops: {repository: https://git.example.org/team/fleet}\n"); strings.Contains(text, "gitops") {
		f.write(".scantling.yaml", text)
	}
	return ".scantling.yaml: " + text
}

// editIgnored changes what git leaves out.
func (f *fleet) editIgnored() string {
	name := pick(f.Rand, []string{".gitignore", "apps/.gitignore", "plain/.gitignore", ".git/info/exclude", ".helmignore", "charts/app/.helmignore"})
	line := pick(f.Rand, []string{"*.json", "overlays/", "!override.local.yaml", "/plain/*", "new-*", "*", "!*", "values*.yaml", "# nothing", ""})
	old := ""
	if data, err := os.ReadFile(f.path(name)); err == nil && f.IntN(3) > 0 {
		old = string(data)
	}
	if info, err := os.Stat(filepath.Dir(f.path(name))); err != nil || !info.IsDir() {
		return ""
	}
	f.write(name, old+line+"\n")
	return name + ": " + line
}

// addCopy adds a file or a folder that is as another.
func (f *fleet) addCopy() string {
	if f.IntN(4) == 0 {
		from := pick(f.Rand, f.folders())
		if from == "" {
			return ""
		}
		to := f.fresh(path.Dir(from), "")
		check(f.t, os.CopyFS(f.path(to), os.DirFS(f.path(from))))
		return to + " is a copy of " + from
	}
	from, folder := pick(f.Rand, f.files()), pick(f.Rand, f.folders())
	if from == "" {
		return ""
	}
	to := f.fresh(folder, from)
	if f.IntN(3) == 0 {
		to = path.Join(folder, path.Base(from))
	}
	if _, err := os.Lstat(f.path(to)); err == nil {
		return ""
	}
	f.write(to, f.read(from))
	return to + " is a copy of " + from
}

// addAwaited adds what was looked for and not found.
func (f *fleet) addAwaited() string {
	pod := "apiVersion: v1\nkind: Pod\nmetadata: {name: awaited}\nspec: {containers: [{name: a, image: a, securityContext: {privileged: true}}]}\n"
	awaited := [][2]string{
		{"broken/overlay/not-written-yet.yaml", pod}, {"apps/not-yet/pod.yaml", pod}, {"apps/not-yet/kustomization.yaml", "resources: [pod.yaml]\n"},
		{"apps/web/base/nothing.yaml", pod}, {"plain/kustomization.yaml", "resources: [agent.yaml]\n"}, {"plain/ops/kustomization.yml", "resources: [job.yaml]\n"},
		{"apps/edge/Kustomization", "resources: [deployment.yaml]\n"}, {"apps/alone/kustomization.yaml", "resources: []\n"}, {"tenants/blue/kustomization.yaml", "resources: [pod.yaml]\nnamePrefix: x-\n"},
		{"charts/app/values-dev.yaml", "replicas: 7\n"}, {"charts/app/ci/more-values.yaml", "image: {tag: latest}\n"}, {"charts/app/files/more.ini", "a = 1\n"},
		{"charts/app/Chart.lock", "dependencies: []\n"}, {"charts/app/crds/thing.yaml", "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a}\n"},
		{"charts/app/charts/common/Chart.yaml", "apiVersion: v2\nname: common\ntype: library\nversion: 1.0.0\n"},
		{"charts/app/charts/common/templates/_names.tpl", `{{- define "common.fullname" -}}vendored{{- end -}}`},
		{"charts/postgresql/Chart.yaml", "apiVersion: v2\nname: postgresql\nversion: 15.0.0\n"}, {"charts/postgresql/templates/pod.yaml", pod},
		{"vendor/cache/Chart.yaml", "apiVersion: v2\nname: cache\nversion: 0.1.0\n"}, {"charts/podinfo/Chart.yaml", "apiVersion: v2\nname: podinfo\nversion: 6.9.0\n"},
		{"charts/lacking/charts/postgresql/Chart.yaml", "apiVersion: v2\nname: postgresql\nversion: 15.0.0\n"}, {"charts/lacking/charts/postgresql/templates/pod.yaml", pod},
		{"charts/lacking/values.yaml", "a: b\n"}, {"charts/failing/values-ok.yaml", "name: ok\n"}, {"charts/Chart.yaml", "apiVersion: v2\nname: all\nversion: 1.0.0\n"},
		{"stages/more.json", `{"stage": {"name": "more", "replicas": 2}}`}, {"tenants/green/pod.yaml", pod}, {"tenants/shared/kustomization.yaml", "resources: [role.yaml]\n"},
		{"argocd/values/.argocd-source.yaml", "helm: {}\n"}, {"charts/app/.argocd-source.yaml", "helm: {parameters: [{name: replicas, value: '8'}]}\n"},
		{"apps/web/overlays/prod/.argocd-source.yaml", "kustomize: {images: ['nginx:9']}\n"}, {"clusters/prod/kustomization.yaml", "resources: [flux-system, infra.yaml, apps.yaml]\n"},
		{".scantling.lock", "version: 1\n"}, {".sourceignore", "/apps/edge\n"}, {"plain/.sops.yaml", "creation_rules: []\n"}, {"kustomization.yaml", "resources: [plain/rbac.yaml]\n"},
		{"secrets/key.txt", "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ\n"}, {".git-crypt/x", "x"}, {"vendor/thing/pod.yaml", pod},
	}
	a := pick(f.Rand, awaited)
	for dir := path.Dir(a[0]); dir != "."; dir = path.Dir(dir) {
		if info, err := os.Lstat(f.path(dir)); err == nil && !info.IsDir() {
			return ""
		}
	}
	if _, err := os.Lstat(f.path(a[0])); err == nil {
		check(f.t, os.RemoveAll(f.path(a[0])))
		return a[0] + " is gone"
	}
	f.write(a[0], a[1])
	return a[0] + " is there"
}

// remove takes away a file, or sometimes a folder.
func (f *fleet) remove() string {
	names := slices.Concat(f.files(), f.links())
	if f.IntN(8) == 0 {
		names = f.folders()
	}
	name := pick(f.Rand, names)
	if name == "" {
		return ""
	}
	check(f.t, os.RemoveAll(f.path(name)))
	return name + " is gone"
}

// move renames a file or a folder, or makes a folder of a file.
func (f *fleet) move() string {
	names := f.files()
	if f.IntN(3) == 0 {
		names = f.folders()
	}
	from := pick(f.Rand, names)
	if from == "" {
		return ""
	}
	folder := path.Dir(from)
	if f.IntN(2) == 0 {
		folder = pick(f.Rand, f.folders())
	}
	to := path.Join(folder, path.Base(from))
	if f.IntN(2) == 0 {
		to = f.fresh(folder, from)
	}
	if _, err := os.Lstat(f.path(to)); err == nil || strings.HasPrefix(to+"/", from+"/") {
		return ""
	}
	check(f.t, os.Rename(f.path(from), f.path(to)))
	if f.IntN(8) == 0 {
		// Where a file was is a folder now.
		f.write(path.Join(from, "pod.yaml"), "apiVersion: v1\nkind: Pod\nmetadata: {name: inside}\nspec: {containers: [{name: a, image: a}]}\n")
	}
	return from + " is now " + to
}

// swap exchanges what two files hold.
func (f *fleet) swap() string {
	names := f.files(".yaml")
	a, b := pick(f.Rand, names), pick(f.Rand, names)
	if a == b {
		return ""
	}
	first, second := f.read(a), f.read(b)
	f.write(a, second)
	f.write(b, first)
	return a + " and " + b + " hold what the other did"
}

// editLink makes a symbolic link, or one lead elsewhere, or a file of it.
func (f *fleet) editLink() string {
	name, folder := pick(f.Rand, f.links()), pick(f.Rand, f.folders())
	if name == "" || f.IntN(3) == 0 {
		name = f.fresh(folder, "a.yaml")
	}
	_ = os.Remove(f.path(name))
	targets := slices.Concat(f.files(".yaml"), f.folders(), []string{"nowhere", "../outside", "."})
	target, err := filepath.Rel(path.Dir(name), pick(f.Rand, targets))
	check(f.t, err)
	if f.IntN(4) == 0 {
		f.write(name, target)
		return name + " is a file"
	}
	f.link(name, target)
	return name + " leads to " + target
}

// touch changes when a file was last changed, or its mode, and nothing else.
func (f *fleet) touch() string {
	name := pick(f.Rand, f.files())
	if name == "" {
		return ""
	}
	if f.IntN(4) == 0 {
		check(f.t, os.Chmod(f.path(name), pick(f.Rand, []fs.FileMode{0o644, 0o755, 0o600})))
		return name + ": its mode"
	}
	if f.IntN(4) == 0 {
		f.git("update-index", "-q", "--refresh", "--unmerged", "--ignore-missing")
	}
	f.stamp(name, pick(f.Rand, []time.Time{time.Now(), time.Unix(1700000000, 0), time.Now().Add(time.Hour), time.Unix(0, 0)}))
	return name + ": its time"
}

// editUnseen changes a file to one of the same size, right after git looked at it
// or with the old time of last change.
func (f *fleet) editUnseen() string {
	name := pick(f.Rand, f.files(".yaml", ".tpl", ".env", ".conf"))
	if name == "" {
		return ""
	}
	text := f.read(name)
	digits := regexp.MustCompile(`[0-9]|true|latest`).FindAllStringIndex(text, -1)
	if len(digits) == 0 {
		return ""
	}
	at := pick(f.Rand, digits)
	info, err := os.Stat(f.path(name))
	check(f.t, err)
	if f.IntN(2) == 0 {
		f.git("add", "-f", "--sparse", "--", name)
	}
	other := map[string]string{"true": "null", "latest": "newest", "1": "2", "2": "3", "3": "1"}[text[at[0]:at[1]]]
	if other == "" {
		other = "1"
	}
	f.write(name, text[:at[0]]+other+text[at[1]:])
	if f.IntN(2) == 0 {
		f.stamp(name, info.ModTime())
	}
	return name + ": as large as before"
}

// stagePart puts a file into the index, takes one out, or only names it there.
func (f *fleet) stagePart() string {
	name := pick(f.Rand, f.files())
	if name == "" {
		return ""
	}
	switch f.IntN(5) {
	case 0:
		f.git("rm", "-q", "-r", "--cached", "--sparse", "--ignore-unmatch", "-f", "--", name)
		return name + " is not staged any more"
	case 1:
		f.git("add", "-f", "--sparse", "-N", "--", name)
		return name + " is meant to be added"
	case 2:
		f.git("add", "-u")
		return "what is tracked is staged"
	case 3:
		// As git add -p does: what is staged is in no file.
		blob := filepath.Join(f.t.TempDir(), "blob")
		lines := strings.SplitAfter(f.read(name), "\n")
		i := f.IntN(len(lines))
		check(f.t, os.WriteFile(blob, []byte(strings.Join(slices.Delete(lines, i, i+1), "")), 0o644))
		f.git("rm", "-q", "-r", "--cached", "--sparse", "--ignore-unmatch", "-f", "--", name)
		f.git("update-index", "--add", "--replace", "--cacheinfo", "100644,"+f.git("hash-object", "-w", blob)+","+name)
		return name + " is staged in part"
	}
	f.git("add", "-f", "--sparse", "--", name)
	return name + " is staged"
}

// editGit changes what git knows besides the files.
func (f *fleet) editGit() string {
	switch f.IntN(6) {
	case 0:
		if f.git("remote") == "" {
			f.git("remote", "add", "origin", "https://git.example.org/team/other.git")
			return "a remote"
		}
		f.git("remote", "remove", "origin")
		return "no remote"
	case 1:
		f.git("update-index", "--index-version", pick(f.Rand, []string{"2", "3", "4"}))
		return "another version of the index"
	case 2:
		f.git("update-index", pick(f.Rand, []string{"--split-index", "--no-split-index"}))
		return "a split index, or none"
	case 3:
		names := strings.Split(f.git("ls-files"), "\n")
		flag := pick(f.Rand, []string{"--assume-unchanged", "--no-assume-unchanged", "--skip-worktree", "--no-skip-worktree"})
		name := pick(f.Rand, names)
		if name == "" || strings.HasPrefix(name, `"`) {
			return ""
		}
		f.git("update-index", flag, "--", name)
		return name + ": " + flag
	case 4:
		f.git("repack", "-a", "-d", "-q")
		return "a pack"
	}
	f.git("status", "--short")
	return "git status"
}

// keep commits all.
func (f *fleet) keep() string {
	f.commit()
	return "a commit"
}

// goBack makes the tracked files what they were once.
func (f *fleet) goBack() string {
	to := pick(f.Rand, f.commits)
	if f.IntN(2) == 0 {
		// Where the most is in order, and an edit shows the most.
		to = f.commits[0]
	}
	f.git("read-tree", "--reset", "-u", to)
	return "an earlier state"
}
