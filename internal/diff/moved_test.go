package diff

import (
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/scantling-dev/scantling/lint"
)

// repository is a tree of the given files.
func repository(files map[string]string) *lint.Tree {
	return &lint.Tree{
		Files: slices.Sorted(maps.Keys(files)),
		ReadFile: func(name string) ([]byte, error) {
			text, ok := files[name]
			if !ok {
				return nil, fs.ErrNotExist
			}
			return []byte(text), nil
		},
		Digest: func(name string) (string, error) { return files[name], nil },
	}
}

// bad is a Deployment with a few values of its own.
func bad(name, image string) string {
	return "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: " + name + "\nspec:\n  replicas: 3\n  template:\n    spec:\n      hostPID: true\n      containers:\n        - name: main\n          image: " + image + "\n"
}

// pid are findings at each line of the files that says hostPID, in units called
// as the folders are.
func pid(files map[string]string) []lint.Finding {
	var list []lint.Finding
	for _, file := range slices.Sorted(maps.Keys(files)) {
		name := ""
		for i, line := range strings.Split(files[file], "\n") {
			if rest, ok := strings.CutPrefix(line, "  name: "); ok {
				name = rest
			}
			if strings.Contains(line, "hostPID") {
				folder, _, _ := strings.Cut(file, "/")
				list = append(list, finding("host-pid", name, file, i+1, "m", folder))
			}
			if strings.Contains(line, "TOKEN") {
				list = append(list, finding("token", "", file, i+1, "t"))
			}
		}
	}
	return lint.Fold(list)
}

func TestMoved(t *testing.T) {
	type files = map[string]string
	web, api := bad("web", "web:1"), bad("api", "other/api:7")
	env := "REGION=one\nTOKEN=a-b-c\nCOLOUR=blue\n"
	for _, c := range []struct {
		name       string
		base, head files
		want       []string
	}{
		{"renamed object", files{"a/x.yaml": web}, files{"a/x.yaml": bad("site", "web:1")}, []string{"unchanged host-pid site a/x.yaml:9"}},
		{"renamed object and file", files{"a/x.yaml": web}, files{"b/y.yaml": bad("site", "web:1")}, []string{"unchanged host-pid site b/y.yaml:9"}},
		{"another object in place of one", files{"a/x.yaml": web}, files{"a/x.yaml": strings.ReplaceAll(bad("db", "db:9"), "replicas: 3\n", "replicas: 1\n  paused: true\n")}, []string{"new host-pid db a/x.yaml:10", "fixed host-pid web a/x.yaml:9"}},
		{"copied object", files{"a/x.yaml": web}, files{"a/x.yaml": web + "---\n" + bad("site", "web:1")}, []string{"unchanged host-pid web a/x.yaml:9", "new host-pid site a/x.yaml:22"}},
		{"copy of what was mended", files{"a/x.yaml": web}, files{"a/x.yaml": strings.Replace(web, "      hostPID: true\n", "", 1), "a/y.yaml": bad("site", "web:1")}, []string{"new host-pid site a/y.yaml:9", "fixed host-pid web a/x.yaml:9"}},
		{"swapped names", files{"a/x.yaml": web, "a/y.yaml": api}, files{"a/x.yaml": api, "a/y.yaml": web}, []string{"unchanged host-pid api a/x.yaml:9", "unchanged host-pid web a/y.yaml:9"}},
		{"the one of two that is renamed", files{"a/x.yaml": web, "a/y.yaml": bad("copy", "web:1")}, files{"a/x.yaml": web, "a/z.yaml": bad("third", "web:1")}, []string{"unchanged host-pid web a/x.yaml:9", "unchanged host-pid third a/z.yaml:9"}},
		{"moved file", files{"a/x.env": env}, files{"b/y.env": env}, []string{"unchanged token - b/y.env:2"}},
		{"moved and edited file", files{"a/x.env": env}, files{"b/x.env": env + "MORE=1\n"}, []string{"unchanged token - b/x.env:2"}},
		{"another file in place of one", files{"a/x.env": env}, files{"b/y.env": "TOKEN=x-y-z\nLEVEL=debug\n"}, []string{"new token - b/y.env:1", "fixed token - a/x.env:2"}},
		{"copied file", files{"a/x.env": env}, files{"a/x.env": env, "b/y.env": env}, []string{"unchanged token - a/x.env:2", "new token - b/y.env:2"}},
		{"moved and copied file", files{"a/x.env": env}, files{"b/x.env": env, "c/y.env": env}, []string{"unchanged token - b/x.env:2", "new token - c/y.env:2"}},
		{"files that are the same go with their folders", files{"a/x.env": env, "b/x.env": env}, files{"c/a/x.env": env, "c/b/x.env": env}, []string{"unchanged token - c/a/x.env:2", "unchanged token - c/b/x.env:2"}},
		{"moved and made worse", files{"a/x.env": env}, files{"b/x.env": env + "SECOND_TOKEN=d\n"}, []string{"unchanged token - b/x.env:2", "new token - b/x.env:4"}},
		{"split file", files{"a/x.yaml": "# TOKEN one\n" + web + "---\n# TOKEN two\n" + api}, files{"a/x.yaml": "# TOKEN one\n" + web, "a/y.yaml": "# TOKEN two\n" + api}, []string{"unchanged token - a/x.yaml:1", "unchanged host-pid web a/x.yaml:10", "unchanged token - a/y.yaml:1", "unchanged host-pid api a/y.yaml:10"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := Options{Head: repository(c.head), Base: repository(c.base), HeadUnits: set("a", "b", "c"), BaseUnits: set("a", "b", "c")}
			got := Compare(pid(c.head), pid(c.base), o)
			if got := brief(got); !slices.Equal(got, c.want) {
				t.Errorf("got\n\t%q\nwant\n\t%q", got, c.want)
			}
		})
	}
}

// TestMovedSplit: what was told once of a file is told of both that it became, and
// of one that both are joined to.
func TestMovedSplit(t *testing.T) {
	web, api := bad("web", "web:1"), bad("api", "other/api:7")
	one, two := map[string]string{"a/x.yaml": web + "---\n" + api}, map[string]string{"a/x.yaml": web, "a/y.yaml": api}
	whole := []lint.Finding{finding("r", "", "a/x.yaml", 2, "m")}
	parts := []lint.Finding{finding("r", "", "a/x.yaml", 2, "m"), finding("r", "", "a/y.yaml", 2, "m")}
	o := Options{Head: repository(two), Base: repository(one)}
	if got, want := brief(Compare(lint.Fold(slices.Clone(parts)), lint.Fold(slices.Clone(whole)), o)), []string{"unchanged r - a/x.yaml:2", "unchanged r - a/y.yaml:2"}; !slices.Equal(got, want) {
		t.Errorf("split: got %q, want %q", got, want)
	}
	o.Head, o.Base = o.Base, o.Head
	if got, want := brief(Compare(lint.Fold(whole), lint.Fold(parts), o)), []string{"unchanged r - a/x.yaml:2"}; !slices.Equal(got, want) {
		t.Errorf("joined: got %q, want %q", got, want)
	}
}

// TestMovedSuppressed: what was suppressed excuses nothing where it was moved to.
func TestMovedSuppressed(t *testing.T) {
	base, head := map[string]string{"a/x.yaml": bad("web", "web:1")}, map[string]string{"b/y.yaml": bad("site", "web:1")}
	o := Options{Head: repository(head), Base: repository(base)}
	before := pid(base)
	before[0] = suppressed(before[0])
	if got, want := brief(Compare(pid(head), before, o)), []string{"new host-pid site b/y.yaml:9"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	after := pid(head)
	after[0] = suppressed(after[0])
	if got, want := brief(Compare(after, before, o)), []string{"unchanged host-pid site b/y.yaml:9"}; !slices.Equal(got, want) {
		t.Errorf("suppressed in both: got %q, want %q", got, want)
	}
}

// TestMovedFailed: a unit that fails under another name is known to be the same.
func TestMovedFailed(t *testing.T) {
	base := map[string]string{"old/kustomization.yaml": "a", "old/web.yaml": bad("web", "web:1")}
	head := map[string]string{"new/kustomization.yaml": "b", "new/web.yaml": base["old/web.yaml"]}
	found := lint.Fold([]lint.Finding{finding("host-pid", "web", "old/web.yaml", 9, "m", "old")})
	failed := lint.Fold([]lint.Finding{finding("render-failed", "", "new/kustomization.yaml", 1, "m", "new")})
	o := Options{
		Head: repository(head), Base: repository(base), HeadUnits: set("new"), BaseUnits: set("old"), HeadFailed: set("new"),
		Problem: func(rule string) bool { return rule == "render-failed" },
	}
	if got, want := brief(Compare(failed, found, o)), []string{"new render-failed - new/kustomization.yaml:1"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	o.Head, o.Base, o.HeadUnits, o.BaseUnits, o.HeadFailed, o.BaseFailed = o.Base, o.Head, o.BaseUnits, o.HeadUnits, nil, set("new")
	if got, want := brief(Compare(found, failed, o)), []string{"unchanged host-pid web old/web.yaml:9", "fixed render-failed - new/kustomization.yaml:1"}; !slices.Equal(got, want) {
		t.Errorf("mended: got %q, want %q", got, want)
	}
}

func TestMovedFrom(t *testing.T) {
	base := repository(map[string]string{"old/a.yaml": "a", "old/b.yaml": "b", "kept/c.yaml": "c", "kept/d.yaml": "d", "new/e.yaml": "e"})
	head := repository(map[string]string{"new/a.yaml": "a", "new/b.yaml": "other", "kept/c.yaml": "c", "new/d.yaml": "d", "new/e.yaml": "e"})
	if got, want := MovedFrom([]string{"new"}, head, base), []string{"kept/d.yaml", "old"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := MovedFrom(nil, head, base); got != nil {
		t.Errorf("without paths: %q", got)
	}
}

// TestMovedProperties: a shuffle of files and names shows nothing new, one finding
// excuses one, and the order of what comes in is nothing.
func TestMovedProperties(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 2))
		base, head := map[string]string{}, map[string]string{}
		for i := range 1 + r.IntN(8) {
			name, image := "app"+strconv.Itoa(i), fmt.Sprintf("image-%d:%d", r.IntN(3), i)
			base[fmt.Sprintf("a/%d.yaml", i)] = bad(name, image)
			if r.IntN(2) == 0 {
				name += "-renamed"
			}
			head[fmt.Sprintf("%c/%d.yaml", "abc"[r.IntN(3)], i)] = bad(name, image)
		}
		o := Options{Head: repository(head), Base: repository(base), HeadUnits: set("a", "b", "c"), BaseUnits: set("a")}
		now, then := pid(head), pid(base)
		want := Compare(now, then, o)
		for _, f := range want {
			if f.State != lint.Unchanged {
				t.Fatalf("seed %d: %q of\n%q\n%q", seed, brief(want), base, head)
			}
		}
		for range 3 {
			r.Shuffle(len(now), func(i, j int) { now[i], now[j] = now[j], now[i] })
			r.Shuffle(len(then), func(i, j int) { then[i], then[j] = then[j], then[i] })
			if got := Compare(now, then, o); !reflect.DeepEqual(got, want) {
				t.Fatalf("seed %d: the order of the input changes the result:\n%q\n%q", seed, brief(got), brief(want))
			}
		}
		// One more of each is one new of each.
		for name, text := range maps.Clone(head) {
			head["copy/"+name] = strings.ReplaceAll(text, "  name: app", "  name: copy-of-app")
		}
		o.Head = repository(head)
		fresh := 0
		for _, f := range Compare(pid(head), then, o) {
			switch f.State {
			case lint.New:
				fresh++
			case lint.Fixed:
				t.Fatalf("seed %d: %s is fixed", seed, f.Object.Name)
			}
		}
		if fresh != len(head)/2 {
			t.Fatalf("seed %d: %d of %d copies are new", seed, fresh, len(head)/2)
		}
	}
}
