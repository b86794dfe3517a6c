package render

import (
	"bufio"
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/scantling-dev/scantling/internal/limits"
	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// seed adds the files of testdata with one of the given names.
func seed(f *testing.F, add func(data []byte), names ...string) {
	f.Helper()
	err := filepath.WalkDir("../testdata", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		for _, n := range names {
			if ok, _ := filepath.Match(n, d.Name()); ok {
				data, err := os.ReadFile(name)
				if err != nil {
					return err
				}
				add(data)
			}
		}
		return nil
	})
	if err != nil {
		f.Fatal(err)
	}
}

// FuzzMessages reads what a worker that has been taken over could send, as every
// kind of message. What can be read is the same when it is written again.
func FuzzMessages(f *testing.F) {
	seed(f, func(data []byte) {
		docs, _ := manifest.Parse(data)
		var e encoder
		e.product(&product{status: Partial, reason: "r", problems: []Problem{{Class: "cycle", At: manifest.Span{File: "f", Line: 3}}},
			read: []string{"a"}, docs: docs, pads: []pad{{4096, 3, "a"}}, texts: []text{{file: "t", written: true, text: string(data)}}, unpacked: 5})
		f.Add(e.Buf)
	}, "deployment.yaml", "kustomization.yaml")
	var e encoder
	e.settings(&settings{kubeVersion: "1.30", charts: []string{"a", "b"}, limits: limits.Default()})
	f.Add(e.Buf)
	f.Fuzz(func(t *testing.T, message []byte) {
		d := newDecoder(message)
		if p := d.product(); d.Err == nil {
			var once, twice encoder
			once.product(p)
			again := newDecoder(once.Buf)
			twice.product(again.product())
			if again.Err != nil || !bytes.Equal(once.Buf, twice.Buf) {
				t.Errorf("not the same when it is read again: %v", again.Err)
			}
			p.size()
			where := newKustomizeOrigins(newRecorder(emptyTree{}, manifest.Limits{}), p.pads)
			for _, doc := range p.docs {
				for _, o := range manifest.Objects(doc, manifest.Origin{}, where.locate) {
					o.Workload()
				}
			}
		}
		newDecoder(message).settings()
		newDecoder(message).job()
		newDecoder(message).look("x")
		newDecoder(message).entries()
		s := newServer(newRecorder(emptyTree{}, manifest.Limits{}))
		if _, err := s.answer(message); err == nil && len(message) == 0 {
			t.Error("an empty ask is answered")
		}
		_, _ = readFrame(bufio.NewReader(bytes.NewReader(message)), fromWorker)
	})
}

// emptyTree holds nothing.
type emptyTree struct{}

func (emptyTree) Open(name string) (fs.File, error)          { return nil, fs.ErrNotExist }
func (emptyTree) ReadFile(name string) ([]byte, error)       { return nil, fs.ErrNotExist }
func (emptyTree) Stat(name string) (fs.FileInfo, error)      { return nil, fs.ErrNotExist }
func (emptyTree) ReadDir(name string) ([]fs.DirEntry, error) { return nil, fs.ErrNotExist }
func (emptyTree) Resolve(name string) (string, error)        { return "", fs.ErrNotExist }

// FuzzKustomization rewrites kustomization files. What kustomize gets refers to
// nothing remote and runs nothing, and a file without such stays as it is.
func FuzzKustomization(f *testing.F) {
	seed(f, func(data []byte) { f.Add(data) }, "kustomization.yaml", "kustomization.yml", "Kustomization")
	for _, text := range []string{
		"resources: [https://example.org/a.yaml, 'github.com/a/b//c?ref=v1', a.yaml]\n",
		"resources:\n- &x git@example.org:a/b.git\n- *x\ncomponents: [\"https://example.org/c\"]\n",
		"helmCharts:\n- name: a\n  repo: https://example.org\nresources:\n- b.yaml\n",
		"{resources: [https://e.org/a], helmCharts: [{name: b}]}\n",
		"generators:\n- |-\n  apiVersion: v1\n  kind: X\n  metadata: {name: a}\n- g.yaml\n",
		"? resources\n: - https://example.org/x\n",
		"resources:\n- \"https://exa\\\n  mple.org/x\"\n- >-\n  https://example.org/\n  y\n",
		"resources:\r\n- https://example.org/x\r\n",
		"\xef\xbb\xbfresources:\n- https://example.org/x # é\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		checked, refused := (manifest.Limits{}).Check(data)
		if refused != nil {
			return
		}
		fsys := newKustomizeFS(newRecorder(emptyTree{}, manifest.Limits{}), limits.Default())
		out := fsys.kustomization("kustomization.yaml", checked)
		before, problems := manifest.Parse(checked)
		if len(fsys.problems)+len(fsys.named) == 0 {
			if !bytes.Equal(out, checked) && !bytes.Equal(bytes.TrimSpace(out), bytes.TrimSpace(checked)) {
				t.Errorf("nothing was found, and it was changed:\n%q\n%q", checked, out)
			}
			return
		}
		if len(before) != 1 || len(problems) > 0 {
			return
		}
		after, problems := manifest.Parse(out)
		if len(after) != 1 || len(problems) > 0 {
			t.Fatalf("it can't be read any more: %v\n%q\n%q", problems, checked, out)
		}
		for _, key := range []string{"resources", "bases", "components"} {
			was, is := items(manifest.Get(before[0], key)), items(manifest.Get(after[0], key))
			if len(was) != len(is) {
				t.Fatalf("%s has %d entries, and had %d:\n%q\n%q", key, len(is), len(was), checked, out)
			}
			for _, n := range is {
				if isRemote(n.Value) {
					t.Errorf("%s still has %q:\n%q\n%q", key, n.Value, checked, out)
				}
			}
		}
		for _, key := range []string{"helmCharts", "helmChartInflationGenerator"} {
			if len(items(manifest.Get(after[0], key))) > 0 {
				t.Errorf("%s is still there:\n%q\n%q", key, checked, out)
			}
		}
		keys := []string{"namespace", "namePrefix", "images", "patches"}
		if len(fsys.named) > 0 {
			keys = keys[:3] // inline patches became files
		}
		for _, key := range keys {
			if was, is := manifest.Get(before[0], key), manifest.Get(after[0], key); !sameValue(was, is) {
				t.Errorf("%s was changed:\n%q\n%q", key, checked, out)
			}
		}
	})
}

func sameValue(a, b *yaml.Node) bool {
	var x, y any
	if a != nil && a.Decode(&x) != nil || b != nil && b.Decode(&y) != nil {
		return true
	}
	return (a == nil) == (b == nil) && (reflect.DeepEqual(x, y) || x != x)
}

// A frame that is cut, or longer than it may be, is an error.
func TestFrames(t *testing.T) {
	var buf bytes.Buffer
	w := bufio.NewWriter(&buf)
	if err := writeFrame(w, frameDone, []byte("message")); err != nil {
		t.Fatal(err)
	}
	whole := buf.Bytes()
	f, err := readFrame(bufio.NewReader(bytes.NewReader(whole)), fromWorker)
	if err != nil || f.kind != frameDone || string(f.message) != "message" {
		t.Errorf("%+v, %v", f, err)
	}
	for i := range whole {
		if _, err := readFrame(bufio.NewReader(bytes.NewReader(whole[:i])), fromWorker); err == nil {
			t.Errorf("%d of %d bytes are a frame", i, len(whole))
		}
	}
	for _, head := range []string{"\x06\x7f\xff\xff\xff", "\x00\x00\x00\x00\x01x", "\x08\xff\xff\xff\xff"} {
		if _, err := readFrame(bufio.NewReader(io.MultiReader(bytes.NewReader([]byte(head)), bytes.NewReader(make([]byte, 100)))), fromWorker); err == nil {
			t.Errorf("%q is accepted", head)
		}
	}
}
