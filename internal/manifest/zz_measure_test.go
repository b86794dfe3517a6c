package manifest

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestZZMeasure(t *testing.T) {
	if os.Getenv("ZZ") == "" {
		t.Skip()
	}
	r := strings.Repeat
	block := func(n int) string {
		var b bytes.Buffer
		for i := 0; i < n; i++ {
			b.WriteString(r(" ", i) + "a:\n")
		}
		return b.String()
	}
	cases := []struct{ name, text string }{
		{"flow [ 9999", r("[", 9999) + r("]", 9999)},
		{"flow [ 1M", r("[", 1000000)},
		{"flow {a: 9999", r("{a: ", 9999) + r("}", 9999)},
		{"many flow 9999", r(r("[", 9000)+r("]", 9000)+"\n---\n", 100)},
		{"json depth 9999", r(`{"a":[`, 4900) + r("]}", 4900)},
		{"dashes 9999", r("- ", 9999) + "a"},
		{"dashes 1M", r("- ", 1000000) + "a"},
		{"? 9999", r("? ", 9999) + "a"},
		{"block 3000", block(3000)},
		{"anchors 1M", r("&a ", 1000000)},
		{"anchors list", r("- &a x\n", 1000000)},
		{"tags 1M", r("!!str ", 1000000)},
		{"TAG 100k", r("%TAG !a! b\n", 100000) + "--- a"},
		{"TAG distinct 20k", func() string { var b strings.Builder; for i := range 20000 { fmt.Fprintf(&b, "%%TAG !a%d! b\n", i) }; return b.String() + "--- a" }()},
		{"YAML dir", r("%YAML 1.1\n", 100000)},
		{"line 10MB", "a: " + r("x", 10<<20)},
		{"docs 20000", r("---\na: 1\n", 20000)},
		{"docs 20000 bad", r("---\na: [\n", 20000)},
		{"plain # :", "a: " + r("x#:y ", 1<<20)},
		{"plain :x", "a: " + r(":x", 5<<19)},
		{"comments 5MB", r("# c\n", 5<<18) + "a: 1"},
		{"comments indent", "a:\n  b:\n" + r("    # c\n   # d\n", 300000) + "a2: 1"},
		{"comments each deep", func() string { var b strings.Builder; for i := range 1000 { b.WriteString(r(" ", i) + "- # c\n") ; for range 50 { b.WriteString(r(" ", i+1)+"# x\n\n") } }; return b.String() }()},
		{"comment in flow", "[" + r("# c\n\n", 500000) + "]"},
		{"comment in flow entries", "[" + r("a, # c\n", 500000) + "]"},
		{"comments alternating", "a:\n" + r("  # c\n\n", 500000) + "b: 1"},
		{"comments after values", r("- a # c\n# d\n\n# e\n", 200000)},
		{"blank lines", r("\n", 5<<20) + "a: 1"},
		{"blank after value", "a: b" + r("\n", 5<<20) + "c: 1"},
		{"spaces", "a:" + r(" ", 5<<20) + "1"},
		{"key simple flow", "{" + r("a ", 1<<20) + ": 1}"},
		{"flow seq small", "[" + r("1,", 1000000) + "]"},
		{"flow seq nested small", "[" + r("[],", 1000000) + "]"},
		{"flow map small", "{" + r("a,", 1000000) + "}"},
		{"flow single-pair", "[" + r("a: b,", 1000000) + "]"},
		{"list small", r("-\n", 1000000)},
		{"map null", r("?\n", 1000000)},
		{"map same key", r("a:\n", 1000000)},
		{"block scalar breaks", "a: |\n" + r("\n", 5<<20)},
		{"block scalar folded", "a: >\n" + r("  x\n", 1<<20)},
		{"quoted breaks", "a: \"" + r("x\n ", 1<<20) + "\""},
		{"quoted escapes", "a: \"" + r("\\x41", 1<<20) + "\""},
		{"multi doc one anchor", r("--- &a x\n", 20000)},
		{"bad at end of big", r("a: b\n", 500000) + "c: ["},
		{"flow key unclosed", r("{a: b, ", 9000)},
		{"nested ? flow", r("{? ", 9000)},
		{"nested flow explicit key", r("[? ", 9000)},
		{"nested [a: ", r("[a: ", 9000)},
	}
	for _, c := range cases {
		if f := os.Getenv("ZZ"); f != "1" && !strings.Contains(c.name, f) {
			continue
		}
		var m0, m1 runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m0)
		start := time.Now()
		docs, err := decodeAll([]byte(c.text), 0)
		d := time.Since(start)
		runtime.ReadMemStats(&m1)
		runtime.KeepAlive(docs)
		msg := ""
		if err != nil {
			msg = err.Message
		}
		fmt.Printf("%-28s %8d B %8.3fs alloc %5d MB heap+ %4d MB docs %d %s\n", c.name, len(c.text), d.Seconds(), (m1.TotalAlloc-m0.TotalAlloc)>>20, (int64(m1.HeapAlloc)-int64(m0.HeapAlloc))>>20, len(docs), msg)
	}
}
