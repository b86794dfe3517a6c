package store

import (
	"bytes"
	"strings"
	"testing"
)

// FuzzParseListing: what is accepted is exactly what would be written, and no
// name in it resolves to what is not there.
func FuzzParseListing(f *testing.F) {
	digest := strings.Repeat("0f", 32)
	f.Add([]byte(listingHead+"file\t"+digest+"\t3\ta/b.yaml\nlarge\t99999999999\tbig\nlink\ta\tl\n"), "l/../a/b.yaml")
	f.Add([]byte(listingHead+"link\t../..\ta/l\nlink\tl\tl\n"), "a/l/x")
	f.Add([]byte(listingHead), "..")
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		l, err := parseListing(data)
		if err != nil {
			return
		}
		if !bytes.Equal(l.format(), data) {
			t.Errorf("%q is accepted", data)
		}
		if it, err := l.resolve(name); err == nil && l.items[it.path] != it {
			t.Errorf("%q leads to %+v", name, it)
		}
	})
}

func TestParseListingRefuses(t *testing.T) {
	digest := strings.Repeat("0f", 32)
	file := func(name string) string { return "file\t" + digest + "\t3\t" + name + "\n" }
	if _, err := parseListing([]byte(listingHead + file("a") + file("b"))); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"nothing":         "",
		"another version": "scantling folder 2\n",
		"not sorted":      listingHead + file("b") + file("a"),
		"twice":           listingHead + file("a") + file("a"),
		"file and folder": listingHead + file("a") + file("a/b"),
		"outside":         listingHead + file("../a"),
		"absolute":        listingHead + file("/a"),
		"git's own":       listingHead + file(".git/config"),
		"digest a path":   listingHead + "file\t../../x\t3\ta\n",
		"negative size":   listingHead + "file\t" + digest + "\t-3\ta\n",
		"odd size":        listingHead + "file\t" + digest + "\t+3\ta\n",
		"too large":       listingHead + "file\t" + digest + "\t99999999999\ta\n",
		"another kind":    listingHead + "exec\t" + digest + "\t3\ta\n",
		"no end":          listingHead + strings.TrimSuffix(file("a"), "\n"),
		"target unseen":   listingHead + "link\ta\x1bb\tc\n",
		"empty line":      listingHead + "\n",
	} {
		if _, err := parseListing([]byte(text)); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
