package diff_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/scantling-dev/scantling/internal/diff"
	"github.com/scantling-dev/scantling/internal/manifest"
)

// given is what units give, as YAML, by their names.
type given map[string]string

// compare compares what two trees give, and tells it in lines.
func compareTrees(t *testing.T, base, head given) string {
	t.Helper()
	contents := diff.NewContents()
	read := func(from given) (*diff.Objects, []diff.UnitState) {
		objects := contents.NewObjects()
		var units []diff.UnitState
		for unit, text := range from {
			state := diff.UnitState{Key: unit, ID: unit, Kind: "kustomize", Path: unit, Failed: strings.HasPrefix(text, "failed"), Partial: strings.HasPrefix(text, "# partial")}
			if at := strings.Index(text, "# parent "); at >= 0 {
				state.Parent, _, _ = strings.Cut(text[at+len("# parent "):], "\n")
			}
			units = append(units, state)
			if state.Failed {
				continue
			}
			docs, problems := manifest.Parse([]byte(text))
			if len(problems) > 0 {
				t.Fatalf("%s: %v", unit, problems[0])
			}
			var list []*manifest.Object
			for _, doc := range docs {
				list = append(list, manifest.Objects(doc, manifest.Origin{Span: manifest.Span{File: "f.yaml", Line: doc.Line}}, nil)...)
			}
			objects.Add(unit, list, nil)
		}
		return objects, units
	}
	before, baseUnits := read(base)
	after, headUnits := read(head)
	return tell(diff.CompareObjects(after, before, headUnits, baseUnits))
}

func tell(c *diff.Changes) string {
	var lines []string
	for _, e := range c.Entries {
		var names []string
		for _, s := range e.Objects {
			name := s.String()
			if s.Before != nil {
				name = s.Before.String() + " -> " + name
			}
			names = append(names, name)
		}
		noise := ""
		if e.Noise() {
			noise = " noise"
		}
		lines = append(lines, fmt.Sprintf("%s %s (%s)%s", e.Kind, strings.Join(names, ", "), strings.Join(e.Units, " "), noise))
		for _, f := range e.Fields {
			line := "  " + f.Path
			if f.Noise {
				line = "  (noise) " + f.Path
			}
			for i, s := range []*string{f.Before, f.After} {
				if s != nil {
					line += fmt.Sprintf(" %c%q", "-+"[i], *s)
				}
			}
			lines = append(lines, line)
			for _, l := range f.Lines {
				lines = append(lines, "    "+l)
			}
		}
	}
	for _, u := range c.Unknown {
		lines = append(lines, fmt.Sprintf("unknown %s head=%t objects=%d", u.Unit, u.Head, u.Objects))
	}
	return strings.Join(lines, "\n")
}

const web = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {team: a}}
spec:
  replicas: 2
  template:
    metadata:
      annotations: {checksum/config: one}
    spec:
      initContainers:
        - {name: first, image: "i:1"}
        - {name: second, image: "i:2"}
      containers:
        - name: web
          image: web:1.0
          args: [serve, --level=info]
          env:
            - {name: A, value: "1"}
            - {name: DB_PASSWORD, value: canary-env-old}
          ports:
            - containerPort: 80
            - {containerPort: 90, protocol: UDP}
          volumeMounts:
            - {name: tmp, mountPath: /tmp}
            - {name: config, mountPath: /config}
        - name: side
          image: side:1.0
      volumes:
        - {name: tmp, emptyDir: {}}
        - {name: config, configMap: {name: app-config-2bdf456789}}
`

const secret = `apiVersion: v1
kind: Secret
metadata: {name: db, namespace: shop}
stringData: {password: canary-old}
`

const config = `apiVersion: v1
kind: ConfigMap
metadata: {name: app-config-2bdf456789, namespace: shop}
data:
  mode: fast
  app.properties: |
    colour=blue
    size=3
    password=canary-property
    depth=4
`

const account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web, namespace: shop}\n"

// edit replaces texts, which must be there.
func edit(text string, pairs ...string) string {
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			panic(fmt.Sprintf("%q is not in the text", pairs[i]))
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

func join(docs ...string) string { return strings.Join(docs, "---\n") }

// TestRefactorings: what deploys the same objects is no change.
func TestRefactorings(t *testing.T) {
	all := given{"apps/web": join(web, secret, config, account)}
	for name, head := range map[string]given{
		"nothing":        all,
		"documents":      {"apps/web": join(account, config, secret, web)},
		"folder renamed": {"applications/site": all["apps/web"]},
		"split":          {"apps/a": join(web, secret), "apps/b": join(config, account)},
		"into another":   {"apps/web": join(web, secret), "apps/config": join(config, account)},
		"keys":           {"apps/web": edit(all["apps/web"], "{name: web, namespace: shop, labels: {team: a}}", "{labels: {team: a}, namespace: shop, name: web}")},
		"style":          {"apps/web": edit(all["apps/web"], "{name: tmp, emptyDir: {}}", "\n            'name': \"tmp\"\n            emptyDir: {}", "replicas: 2", "replicas: 0x2 # two")},
		"nulls":          {"apps/web": edit(all["apps/web"], "replicas: 2", "replicas: 2\n  strategy: null\n  paused: ~")},
		"keyed lists": {"apps/web": edit(all["apps/web"],
			"            - {name: tmp, mountPath: /tmp}\n            - {name: config, mountPath: /config}", "            - {name: config, mountPath: /config}\n            - {name: tmp, mountPath: /tmp}",
			"            - containerPort: 80\n            - {containerPort: 90, protocol: UDP}", "            - {containerPort: 90, protocol: UDP}\n            - {containerPort: 80}",
			`            - {name: A, value: "1"}`+"\n", "", "value: canary-env-old}\n", "value: canary-env-old}\n"+`            - {name: A, value: "1"}`+"\n")},
	} {
		if got := compareTrees(t, all, head); got != "" {
			t.Errorf("%s:\n%s", name, got)
		}
	}
}

func TestChanges(t *testing.T) {
	for name, test := range map[string]struct {
		base, head given
		want       string
	}{
		"image": {
			given{"u": web}, given{"u": edit(web, "web:1.0", "web:1.1")},
			"changed Deployment shop/web (u)\n" + `  spec.template.spec.containers[web].image -"web:1.0" +"web:1.1"`,
		},
		"many units": {
			given{"a": web, "b": web, "c": web}, given{"a": edit(web, "web:1.0", "web:1.1"), "b": web, "c": edit(web, "web:1.0", "web:1.1")},
			"changed Deployment shop/web (a c)\n" + `  spec.template.spec.containers[web].image -"web:1.0" +"web:1.1"`,
		},
		"overlays with namespaces of their own": {
			given{"a": web, "b": edit(web, "shop", "store")}, given{"a": edit(web, "web:1.0", "web:1.1"), "b": edit(web, "shop", "store", "web:1.0", "web:1.1")},
			"changed Deployment shop/web, Deployment store/web (a b)\n" + `  spec.template.spec.containers[web].image -"web:1.0" +"web:1.1"`,
		},
		"inserted item": {
			given{"u": web}, given{"u": edit(web, "        - name: side\n", "        - {name: new, image: \"new:1\"}\n        - name: side\n")},
			"changed Deployment shop/web (u)\n" + `  spec.template.spec.containers[new] +"{image: new:1, name: new}"`,
		},
		"argument": {
			given{"u": web}, given{"u": edit(web, "[serve, --level=info]", "[serve, --fast, --level=debug]")},
			"changed Deployment shop/web (u)\n" +
				`  spec.template.spec.containers[web].args[1] -"--level=info" +"--fast"` + "\n" +
				`  spec.template.spec.containers[web].args[2] +"--level=debug"`,
		},
		"order of init containers": {
			given{"u": web}, given{"u": edit(web, `        - {name: first, image: "i:1"}`+"\n", "", `image: "i:2"}`+"\n", `image: "i:2"}`+"\n"+`        - {name: first, image: "i:1"}`+"\n")},
			"changed Deployment shop/web (u)\n" + `  spec.template.spec.initContainers -"order first, second" +"order second, first"`,
		},
		"type": {
			given{"u": web}, given{"u": edit(web, "replicas: 2", `replicas: "2"`)},
			"changed Deployment shop/web (u)\n" + `  spec.replicas -"2" +"\"2\""`,
		},
		"added and removed": {
			given{"u": join(web, account)}, given{"u": join(web, secret)},
			"removed ServiceAccount shop/web (u)\nadded Secret shop/db (u)",
		},
		"version": {
			given{"u": edit(web, "apps/v1", "apps/v1beta1")}, given{"u": web},
			"changed Deployment shop/web (u)\n" + `  apiVersion -"apps/v1beta1" +"apps/v1"`,
		},
		"group": {
			given{"u": edit(web, "apps/v1", "extensions/v1beta1")}, given{"u": web},
			"changed Deployment shop/web -> Deployment shop/web (u)\n" + `  apiVersion -"extensions/v1beta1" +"apps/v1"`,
		},
		"renamed": {
			given{"u": web}, given{"u": edit(web, "{name: web,", "{name: site,")},
			"renamed Deployment shop/web -> Deployment shop/site (u)",
		},
		"other namespace": {
			given{"u": join(web, account)}, given{"u": edit(join(web, account), "shop", "store")},
			"renamed Deployment shop/web -> Deployment store/web (u)\nrenamed ServiceAccount shop/web -> ServiceAccount store/web (u)",
		},
		"unlike": {
			given{"u": account}, given{"u": edit(account, "name: web", "name: other")},
			"added ServiceAccount shop/other (u)\nremoved ServiceAccount shop/web (u)",
		},
		"renamed unit with a change": {
			given{"apps/web": join(web, config, account)}, given{"apps/site": edit(join(web, config, account), "web:1.0", "web:1.1")},
			"changed Deployment shop/web (apps/site)\n" + `  spec.template.spec.containers[web].image -"web:1.0" +"web:1.1"`,
		},
		"noise": {
			given{"u": web}, given{"u": edit(web, "checksum/config: one", "checksum/config: two", "team: a", "team: a, helm.sh/chart: web-2, app.kubernetes.io/version: '2'")},
			"changed Deployment shop/web (u) noise\n" +
				`  (noise) metadata.labels[app.kubernetes.io/version] +"\"2\""` + "\n" +
				`  (noise) metadata.labels[helm.sh/chart] +"web-2"` + "\n" +
				`  (noise) spec.template.metadata.annotations[checksum/config] -"one" +"two"`,
		},
		"generated name": {
			given{"u": join(web, config)}, given{"u": edit(join(web, config), "2bdf456789", "9876fdb245", "mode: fast", "mode: slow")},
			"changed Deployment shop/web (u) noise\n" +
				`  (noise) spec.template.spec.volumes[config].configMap.name -"app-config-2bdf456789" +"app-config-9876fdb245"` + "\n" +
				"changed ConfigMap shop/app-config-2bdf456789 -> ConfigMap shop/app-config-9876fdb245 (u)\n" +
				`  data.mode -"fast" +"slow"` + "\n" +
				`  (noise) metadata.name -"app-config-2bdf456789" +"app-config-9876fdb245"`,
		},
		"image that looks like a generated name": {
			given{"u": join(edit(web, "web:1.0", "app-config-2bdf456789"), config)}, given{"u": edit(join(edit(web, "web:1.0", "app-config-2bdf456789"), config), "2bdf456789", "9876fdb245")},
			"changed Deployment shop/web (u)\n" +
				`  spec.template.spec.containers[web].image -"app-config-2bdf456789" +"app-config-9876fdb245"` + "\n" +
				`  (noise) spec.template.spec.volumes[config].configMap.name -"app-config-2bdf456789" +"app-config-9876fdb245"` + "\n" +
				"changed ConfigMap shop/app-config-2bdf456789 -> ConfigMap shop/app-config-9876fdb245 (u) noise\n" +
				`  (noise) metadata.name -"app-config-2bdf456789" +"app-config-9876fdb245"`,
		},
		"text": {
			given{"u": config}, given{"u": edit(config, "size=3", "size=4")},
			"changed ConfigMap shop/app-config-2bdf456789 (u)\n" +
				`  data[app.properties] -"colour=blue\nsize=3\npassword=***\ndepth=4" +"colour=blue\nsize=4\npassword=***\ndepth=4"` + "\n" +
				"     colour=blue\n    -size=3\n    +size=4\n     password=***",
		},
		"failed": {
			given{"u": join(web, account), "v": secret}, given{"u": "failed", "v": secret},
			"unknown u head=true objects=2",
		},
		"failed before": {
			given{"u": "failed", "v": secret}, given{"u": join(web, account), "v": secret},
			"unknown u head=false objects=2",
		},
		"partial": {
			given{"u": join(web, account)}, given{"u": "# partial\n" + edit(web, "web:1.0", "web:1.1")},
			"changed Deployment shop/web (u)\n" + `  spec.template.spec.containers[web].image -"web:1.0" +"web:1.1"` + "\n" +
				"unknown u head=true objects=1",
		},
		"parent failed": {
			given{"cluster": account, "app": "# parent cluster\n" + web}, given{"cluster": "failed"},
			"unknown cluster head=true objects=2",
		},
		"failed and moved": {
			given{"a/web": web}, given{"b/web": "failed"},
			"unknown b/web head=true objects=1",
		},
		"what failed is found by itself": {
			given{"overlay": web}, given{"overlay": "failed", "base": web},
			"unknown overlay head=true objects=1",
		},
		"deleted unit": {
			given{"u": account, "v": secret}, given{"v": secret},
			"removed ServiceAccount shop/web (u)",
		},
	} {
		got := compareTrees(t, test.base, test.head)
		if sorted(got) != sorted(test.want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, test.want)
		}
	}
}

// sorted orders lines, as the order of changes is tested elsewhere.
func sorted(text string) string {
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// TestCanaries: no secret value is shown, and that it changed is.
func TestCanaries(t *testing.T) {
	encrypted := edit(secret, "canary-old", "'ENC[AES256_GCM,data:canaryold,iv:YY4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:str]'")
	sealed := "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: s}\nspec: {encryptedData: {k: canaryold}}\n"
	list := "apiVersion: v1\nkind: SecretList\nitems:\n- metadata: {name: a}\n  data: {k: canaryold}\n"
	copied := edit(secret, "namespace: shop", "namespace: shop, annotations: {kubectl.kubernetes.io/last-applied-configuration: canary-copy}")
	block := edit(config, "    colour=blue\n", "    db:\n      password: |\n        canary-block\n      host: a\n    -----BEGIN RSA PRIVATE KEY-----\n    canary-key\n    -----END RSA PRIVATE KEY-----\n")
	manifestIn := edit(config, "    colour=blue\n", "    kind: Secret\n    data:\n      k: canary-inner\n")
	arguments := edit(web, "[serve, --level=info]", "[serve, --password, canary-argument, 'https://u:canary-url@example.com']")
	for name, pair := range map[string][2]string{
		"secret":         {secret, edit(secret, "canary-old", "canary-new")},
		"added key":      {secret, edit(secret, "{password: canary-old}", "{password: canary-old, token: canary-more}")},
		"data":           {edit(secret, "stringData", "data"), edit(secret, "stringData", "data", "canary-old", "canary-new")},
		"list in data":   {secret, edit(secret, "canary-old", "[canary-new]")},
		"whole data":     {secret, edit(secret, "{password: canary-old}", "canary-text")},
		"encrypted":      {encrypted, edit(encrypted, "canaryold", "canarynew")},
		"sealed":         {sealed, edit(sealed, "canaryold", "canarynew")},
		"list":           {list, edit(list, "canaryold", "canarynew")},
		"copy":           {copied, edit(copied, "canary-copy", "canary-copied")},
		"variable":       {web, edit(web, "canary-env-old", "canary-env-new")},
		"new variable":   {edit(web, "            - {name: DB_PASSWORD, value: canary-env-old}\n", ""), web},
		"all variables":  {edit(web, "          env:\n            - {name: A, value: \"1\"}\n            - {name: DB_PASSWORD, value: canary-env-old}\n", ""), web},
		"arguments":      {arguments, edit(arguments, "canary-argument", "canary-argued", "canary-url", "canary-link")},
		"new arguments":  {web, arguments},
		"property":       {config, edit(config, "canary-property", "canary-proper")},
		"whole text":     {edit(config, "    colour=blue\n    size=3\n    password=canary-property\n    depth=4\n", "    none\n    at all\n"), config},
		"block":          {block, edit(block, "canary-block", "canary-blocked", "canary-key", "canary-keys")},
		"inner manifest": {manifestIn, edit(manifestIn, "canary-inner", "canary-inside")},
		"value":          {edit(config, "mode: fast", "db-password: canary-value"), edit(config, "mode: fast", "db-password: canary-other")},
	} {
		got := compareTrees(t, given{"u": pair[0]}, given{"u": pair[1]})
		if strings.Contains(got, "canary") {
			t.Errorf("%s: shown:\n%s", name, got)
		}
		if !strings.Contains(got, "changed ") {
			t.Errorf("%s: not shown to have changed:\n%s", name, got)
		}
		if !strings.Contains(got, "secret value") && !strings.Contains(got, "encrypted value") && !strings.Contains(got, "***") {
			t.Errorf("%s: nothing says that a value is hidden:\n%s", name, got)
		}
	}
}

// TestBounds: what an object may hold does not make the comparison long or large.
func TestBounds(t *testing.T) {
	var before, after, deep strings.Builder
	for i := range 20000 {
		fmt.Fprintf(&before, "  - a%d\n", i)
		fmt.Fprintf(&after, "  - b%d\n", 20000-i)
	}
	deep.WriteString(strings.Repeat("{a: ", 190) + "1" + strings.Repeat("}", 190))
	object := func(spec string) string {
		return "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: x}\nspec:\n" + spec
	}
	got := compareTrees(t, given{"u": object(before.String())}, given{"u": object(after.String())})
	if n := strings.Count(got, "\n"); n > 300 {
		t.Errorf("%d lines of one list", n)
	}
	if got := compareTrees(t, given{"u": object("  " + deep.String())}, given{"u": object("  " + edit(deep.String(), "1", "2"))}); len(got) > 5000 {
		t.Errorf("%d bytes of one field", len(got))
	}
	text := object("  text: |\n    " + strings.ReplaceAll(before.String(), "\n", "\n    ") + "\n")
	if got := compareTrees(t, given{"u": text}, given{"u": edit(text, "- a", "- c")}); strings.Count(got, "\n") > 300 || len(got) > 20000 {
		t.Errorf("%d bytes of one text", len(got))
	}
	one := strings.Repeat(strings.ReplaceAll(account, "name: web", "name: w%d")+"---\n", 3000)
	var was, is []any
	for i := range 3000 {
		was, is = append(was, i), append(is, i+5000)
	}
	got = compareTrees(t, given{"u": fmt.Sprintf(one, was...)}, given{"u": fmt.Sprintf(one, is...)})
	if n := strings.Count(got, "added"); n != 3000 {
		t.Errorf("%d objects added", n)
	}
}

// TestTwoKinds: a folder may be two units. What a run left out as the same in both
// trees is no change, whatever the other unit gives.
func TestTwoKinds(t *testing.T) {
	contents := diff.NewContents()
	add := func(o *diff.Objects, key, text string) {
		docs, _ := manifest.Parse([]byte(text))
		o.Add(key, manifest.Objects(docs[0], manifest.Origin{}, nil), nil)
	}
	head, base := contents.NewObjects(), contents.NewObjects()
	add(head, "kustomize apps", account)
	add(head, "plain apps", edit(web, "web:1.0", "web:1.1"))
	add(base, "plain apps", web)
	units := []diff.UnitState{{Key: "kustomize apps", ID: "apps"}, {Key: "plain apps", ID: "apps"}}
	got := tell(diff.CompareObjects(head, base, units, units))
	if want := "changed Deployment shop/web (apps)\n" + `  spec.template.spec.containers[web].image -"web:1.0" +"web:1.1"`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestDecrypted: what was decrypted for this run is not shown, wherever it ends up.
func TestDecrypted(t *testing.T) {
	contents := diff.NewContents()
	add := func(text string) *diff.Objects {
		docs, _ := manifest.Parse([]byte(text))
		objects := contents.NewObjects()
		objects.Add("u", manifest.Objects(docs[0], manifest.Origin{}, nil), func(s string) bool { return strings.Contains(s, "clear") })
		return objects
	}
	units := []diff.UnitState{{Key: "u", ID: "u"}}
	got := tell(diff.CompareObjects(add(edit(config, "fast", "in-clear")), add(edit(config, "fast", "aW4tY2xlYXI=")), units, units))
	if want := "changed ConfigMap shop/app-config-2bdf456789 (u)\n" + `  data.mode -"(secret value)" +"(secret value)"`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
