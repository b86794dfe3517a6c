package render

import (
	"archive/tar"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
)

// entry is one entry of an archive that a test makes. Without a type it is a
// file.
type entry struct {
	name, data string
	header     tar.Header // what else the entry says of itself
}

const chartYAML = "apiVersion: v2\nname: web\nversion: 1.0.0\n"

func tarOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, e := range entries {
		h := e.header
		h.Name = e.name
		if h.Typeflag != tar.TypeXGlobalHeader {
			h.Mode |= 0o644
		}
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		h.Size = int64(len(e.data))
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func gzipOf(t testing.TB, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func tgz(t testing.TB, entries ...entry) []byte {
	t.Helper()
	return gzipOf(t, tarOf(t, entries...))
}

// rawEntry is a tar entry whose header holds what archive/tar doesn't write.
func rawEntry(typeflag byte, name string, size int64, data string) []byte {
	h := make([]byte, 512)
	copy(h, name)
	copy(h[100:], "0000644\x00")
	if size >= 1<<33 {
		h[124] = 0x80
		for i := range 8 {
			h[135-i] = byte(size >> (8 * i))
		}
	} else {
		copy(h[124:], fmt.Sprintf("%011o\x00", size))
	}
	copy(h[136:], "00000000000\x00")
	copy(h[148:], "        ")
	h[156] = typeflag
	copy(h[257:], "ustar\x0000")
	sum := 0
	for _, b := range h {
		sum += int(b)
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
	padded := make([]byte, (len(data)+511)/512*512)
	copy(padded, data)
	return append(h, padded...)
}

func paxRecord(key, value string) string {
	rest := " " + key + "=" + value + "\n"
	for n := len(rest); ; n++ {
		if s := fmt.Sprint(n) + rest; len(s) == n {
			return s
		}
	}
}

func plentiful() *archiveBudget { return newArchiveBudget(200 << 20) }

// What helm packs, or could have packed, is read as helm reads it.
func TestUnpackArchiveLikeHelm(t *testing.T) {
	file := func(name, data string) entry { return entry{name: "web/" + name, data: data} }
	tests := []struct {
		name string
		data []byte
	}{
		{"chart", tgz(t, file("Chart.yaml", chartYAML), file("values.yaml", "a: 1\n"), file("templates/a.yaml", "kind: Pod\n"), file("crds/b.yaml", ""))},
		{"folders", tgz(t, entry{name: "web/", header: tar.Header{Typeflag: tar.TypeDir}}, file("Chart.yaml", chartYAML))},
		{"folder by its mode alone", tgz(t, file("Chart.yaml", chartYAML), entry{name: "web/d", data: "x", header: tar.Header{Mode: 0o40000}})},
		{"git archive", tgz(t, entry{header: tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "c0ffee"}}}, file("Chart.yaml", chartYAML))},
		{"long names", tgz(t, file("Chart.yaml", chartYAML), file("files/"+strings.Repeat("long/", 60)+"é.txt", "x"))},
		{"GNU long names", tgz(t, file("Chart.yaml", chartYAML), entry{name: "web/" + strings.Repeat("n", 200), data: "x", header: tar.Header{Format: tar.FormatGNU}})},
		{"dots in names", tgz(t, file("Chart.yaml", chartYAML), file("./a/./b//c", "x"), file("a..b", "y"))},
		{"from Windows", tgz(t, entry{name: `web\Chart.yaml`, data: chartYAML}, entry{name: `web\templates\a.yaml`, data: "a"})},
		{"byte order marks", tgz(t, file("Chart.yaml", "\ufeff"+chartYAML), file("values.yaml", "\ufeffa: 1\n"))},
		{"one name twice", tgz(t, file("Chart.yaml", chartYAML), file("values.yaml", "a: 1\n"), file("values.yaml", "a: 2\n"))},
		{"no chart", tgz(t, file("README.md", "hello"))},
		{"no end mark", gzipOf(t, bytes.TrimRight(tarOf(t, file("Chart.yaml", strings.Repeat("#", 512))), "\x00"))},
		{"padded", gzipOf(t, append(tarOf(t, file("Chart.yaml", chartYAML)), make([]byte, 9000)...))},
		{"several gzip members", func() []byte {
			data := tarOf(t, file("Chart.yaml", chartYAML), file("values.yaml", "a: 1\n"))
			return append(gzipOf(t, data[:700]), gzipOf(t, data[700:])...)
		}()},
		{"a broken archive that helm skips", tgz(t, file("Chart.yaml", chartYAML), file("charts/_old.tgz", "no archive"), file("charts/.x/charts/y.tgz", "neither"), file("files/z.tgz", "nor this"))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want, err := loader.LoadArchiveFiles(bytes.NewReader(tt.data))
			if err != nil {
				t.Fatal("helm:", err)
			}
			budget := plentiful()
			got, aerr := unpackArchive("charts/web.tgz", tt.data, archiveLimits{}, budget)
			if aerr != nil {
				t.Fatal(aerr)
			}
			if !reflect.DeepEqual(named(got), named(want)) {
				t.Errorf("got %q\nhelm gives %q", named(got), named(want))
			}
			if budget.used() == 0 {
				t.Error("the budget was not charged")
			}
		})
	}
}

// named gives names and contents, in order.
func named(files []*loader.BufferedFile) []string {
	list := []string{}
	for _, f := range files {
		list = append(list, f.Name+": "+string(f.Data))
	}
	return list
}

// A chart whose archives we expand is the chart that helm loads with them.
func TestExpandArchivesLikeHelm(t *testing.T) {
	sub := func(name string, more ...entry) string {
		files := []entry{
			{name: name + "/Chart.yaml", data: "apiVersion: v2\nname: " + name + "\nversion: 1.0.0\n"},
			{name: name + "/values.yaml", data: "name: " + name + "\n"},
			{name: name + "/templates/" + name + ".yaml", data: "kind: " + name + "\n"},
		}
		for _, e := range more {
			e.name = name + "/" + e.name
			files = append(files, e)
		}
		return string(tgz(t, files...))
	}
	folder := func(dir, name string) []entry {
		return []entry{{name: dir + "/Chart.yaml", data: "apiVersion: v2\nname: " + name + "\nversion: 1.0.0\n"}, {name: dir + "/templates/t.yaml", data: "in: " + dir}}
	}
	tests := []struct {
		name  string
		files []entry
		from  map[string]string // a few of them
	}{
		{"none", []entry{{name: "templates/a.yaml", data: "a"}}, nil},
		{"one", []entry{{name: "charts/db-1.0.0.tgz", data: sub("db")}}, map[string]string{"charts/db-1.0.0.tgz_/values.yaml": "charts/db-1.0.0.tgz"}},
		{"two and a folder", append(folder("charts/db", "db-folder"), entry{name: "charts/db.tgz", data: sub("db")}, entry{name: "charts/mq.tgz", data: sub("mq")}), nil},
		{"in a folder", append(folder("charts/db", "db"), entry{name: "charts/db/charts/mq.tgz", data: sub("mq")}), map[string]string{"charts/db/charts/mq.tgz_/Chart.yaml": "charts/db/charts/mq.tgz"}},
		{"nested", []entry{{name: "charts/db.tgz", data: sub("db", entry{name: "charts/mq.tgz", data: sub("mq", entry{name: "charts/deep.tgz", data: sub("deep")})})}},
			map[string]string{"charts/db.tgz_/charts/mq.tgz_/charts/deep.tgz_/Chart.yaml": "charts/db.tgz"}},
		{"a folder in the way", append(folder("charts/db.tgz_", "way"), entry{name: "charts/db.tgz", data: sub("db")}), map[string]string{"charts/db.tgz__/Chart.yaml": "charts/db.tgz"}},
		{"a name twice in an archive", []entry{{name: "charts/db.tgz", data: sub("db", entry{name: "charts/mq.tgz", data: sub("mq")}, entry{name: "charts/mq.tgz", data: sub("other")}, entry{name: "values.yaml", data: "last: wins"})}}, nil},
		{"no charts", []entry{{name: "charts/_x.tgz", data: "no archive"}, {name: "charts/db.tgz.prov", data: "x"}, {name: "files/a.tgz", data: "y"}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			list := func() []*loader.BufferedFile {
				files := []*loader.BufferedFile{{Name: "Chart.yaml", Data: []byte(chartYAML)}}
				for _, e := range tt.files {
					files = append(files, &loader.BufferedFile{Name: e.name, Data: []byte(e.data)})
				}
				return files
			}
			want, err := loader.LoadFiles(list())
			if err != nil {
				t.Fatal("helm:", err)
			}
			given := list()
			expanded, from, problems := expandArchives(given, archiveLimits{}, plentiful())
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			if !reflect.DeepEqual(named(given), named(list())) {
				t.Error("the given list was changed")
			}
			for name, archive := range tt.from {
				if from[name] != archive {
					t.Errorf("%s is from %q, want %q (of %q)", name, from[name], archive, from)
				}
			}
			got, err := loader.LoadFiles(expanded)
			if err != nil {
				t.Fatal(err)
			}
			if g, w := describe(got), describe(want); g != w {
				t.Errorf("got\n%s\nhelm gives\n%s", g, w)
			}
		})
	}
}

// describe says all that rendering a chart depends on.
func describe(c *chart.Chart) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %v\n", c.ChartFullPath(), c.Values)
	for _, files := range [][]*chart.File{c.Templates, c.Files} {
		for _, f := range files {
			fmt.Fprintf(&b, "%s: %s\n", f.Name, f.Data)
		}
	}
	subcharts := c.Dependencies()
	slices.SortFunc(subcharts, func(a, b *chart.Chart) int { return strings.Compare(a.Name(), b.Name()) })
	for _, d := range subcharts {
		b.WriteString(describe(d))
	}
	return b.String()
}

func TestUnpackArchiveRefuses(t *testing.T) {
	good := entry{name: "web/Chart.yaml", data: chartYAML}
	with := func(e entry) []byte { return tgz(t, good, e) }
	special := func(typeflag byte) []byte {
		return with(entry{name: "web/x", header: tar.Header{Typeflag: typeflag, Linkname: "/etc/passwd"}})
	}
	whole := tgz(t, good, entry{name: "web/values.yaml", data: "a: 1\n"})
	corrupt := func(at int) []byte {
		data := slices.Clone(whole)
		data[at] ^= 0xff
		return data
	}
	nest := func(depth int) []byte {
		data := tgz(t, good)
		for range depth {
			data = tgz(t, good, entry{name: "web/charts/x.tgz", data: string(data)})
		}
		return data
	}
	tests := []struct {
		name string
		data []byte
		want string // all of the error behind the archive's name
	}{
		{"absolute", with(entry{name: "/web/x"}), `its entry "/web/x" has an absolute name`},
		{"absolute within", with(entry{name: "web//etc/x"}), `its entry "web//etc/x" has an absolute name`},
		{"absolute, from Windows", with(entry{name: `\web\x`}), `its entry "\\web\\x" has an absolute name`},
		{"parent", with(entry{name: "web/../x"}), `its entry "web/../x" leads out of the chart`},
		{"parent that comes back", with(entry{name: "web/a/../b"}), `its entry "web/a/../b" leads out of the chart`},
		{"parent first", with(entry{name: "../web/x"}), `its entry "../web/x" leads out of the chart`},
		{"parent, from Windows", with(entry{name: `web\..\x`}), `its entry "web\\..\\x" leads out of the chart`},
		{"dots as helm refuses them", with(entry{name: "web/..x"}), `its entry "web/..x" leads out of the chart`},
		{"drive", with(entry{name: "c:/web/x"}), `its entry "c:/web/x" has an absolute name`},
		{"drive within", with(entry{name: "web/C:/x"}), `its entry "web/C:/x" has an absolute name`},
		{"drive behind a dot", with(entry{name: "web/./c:/x"}), `its entry "web/./c:/x" has an absolute name`},
		{"both slashes", with(entry{name: `web/templates\x`}), `its entry "web/templates\\x" has a name with both slashes and backslashes`},
		{"no UTF-8", with(entry{name: "web/\xff", header: tar.Header{Format: tar.FormatGNU}}), `its entry "web/\xff" has a name that is not UTF-8`},
		{"very long name", with(entry{name: "web/" + strings.Repeat("x", 5000)}), `has a name of more than 4096 bytes`},
		{"escape codes in the name", with(entry{name: "web/../\x1b[31m\n::error::x\u202e"}), `its entry "web/../\x1b[31m\n::error::x\u202e" leads out of the chart`},
		{"beside the folder", with(entry{name: "x"}), `its entry "x" is not in the chart's folder`},
		{"the folder itself", with(entry{name: "web/."}), `its entry "web/." is not in the chart's folder`},
		{"no folder", tgz(t, entry{name: "Chart.yaml", data: chartYAML}), `its entry "Chart.yaml" is not in the chart's folder`},
		{"chart file for a folder", with(entry{name: "Chart.yaml/x"}), `its entry "Chart.yaml/x" is not in the chart's folder`},
		{"symbolic link", special(tar.TypeSymlink), `its entry "web/x" is a symbolic link`},
		{"hard link", special(tar.TypeLink), `its entry "web/x" is a hard link`},
		{"character device", special(tar.TypeChar), `its entry "web/x" is a device`},
		{"block device", special(tar.TypeBlock), `its entry "web/x" is a device`},
		{"named pipe", special(tar.TypeFifo), `its entry "web/x" is a named pipe`},
		{"link that says it is a folder", with(entry{name: "web/x", header: tar.Header{Typeflag: tar.TypeSymlink, Linkname: "/", Mode: 0o40000}}), `its entry "web/x" is a symbolic link`},
		{"unknown type", gzipOf(t, rawEntry('Q', "web/x", 0, "")), `its entry "web/x" is neither a file nor a folder (type 'Q')`},
		{"sparse, GNU", gzipOf(t, sparse("web/x", 1<<40)), `its entry "web/x" is a sparse file`},
		{"sparse, PAX", gzipOf(t, slices.Concat(
			rawEntry('x', "pax", int64(len(paxSparse)), paxSparse), rawEntry('0', "web/x", 512, "1\n0\n512\n"))), `its entry "web/sparse" is a sparse file`},
		{"huge size", gzipOf(t, slices.Concat(tarOf(t, good)[:1024], rawEntry('0', "web/x", 1<<62, ""))), `its entry "web/x" is larger than 5 MiB (chart-file-size)`},
		{"huge PAX header", gzipOf(t, slices.Concat(tarOf(t, good)[:1024], rawEntry('x', "pax", 1<<40, ""))), `its entry "web/Chart.yaml" ends too early: the file is truncated`},
		{"large PAX header", gzipOf(t, slices.Concat(tarOf(t, good)[:1024], rawEntry('x', "pax", 2<<20, strings.Repeat("x", 2<<20)))), `its entry "web/Chart.yaml" is not followed by a valid tar header`},
		{"large GNU name", gzipOf(t, rawEntry('L', "././@LongLink", 2<<20, strings.Repeat("x", 2<<20))), `holds no tar archive`},
		{"empty", nil, `is empty`},
		{"empty gzip", gzipOf(t, nil), `holds no files`},
		{"folders only", tgz(t, entry{name: "web/", header: tar.Header{Typeflag: tar.TypeDir}}), `holds no files`},
		{"zip", []byte("PK\x03\x04\x14\x00"), `is a zip file: helm reads gzipped tar files only`},
		{"tar", tarOf(t, good), `is a tar file that is not gzipped: helm reads gzipped ones only`},
		{"LFS pointer", []byte("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"), `is a Git LFS pointer: the archive itself is not in this checkout (git lfs pull gets it)`},
		{"text", []byte("hello, world, this is no archive"), `is not a gzipped archive`},
		{"gzip of text", gzipOf(t, []byte(strings.Repeat("hello ", 200))), `holds no tar archive`},
		{"truncated gzip header", whole[:8], `is not a gzipped archive`},
		{"truncated gzip", whole[:len(whole)/2], `ends too early: the file is truncated`},
		{"no checksum", whole[:len(whole)-8], `ends too early: the file is truncated`},
		{"wrong checksum", corrupt(len(whole) - 6), `is corrupt: the gzip checksum is wrong`},
		{"corrupt data", corrupt(20), ``},
		{"truncated tar", gzipOf(t, tarOf(t, good)[:530]), `its entry "web/Chart.yaml" ends too early: the file is truncated`},
		{"corrupt tar", gzipOf(t, slices.Concat(tarOf(t, good)[:1024], bytes.Repeat([]byte("x"), 1024))), `its entry "web/Chart.yaml" is not followed by a valid tar header`},
		{"a second archive behind the end", gzipOf(t, slices.Concat(tarOf(t, good), tarOf(t, entry{name: "web/hidden.yaml"}))), `has data behind its end`},
		{"a second gzip behind the end", append(tgz(t, good), tgz(t, entry{name: "web/hidden.yaml"})...), `has data behind its end`},
		{"garbage behind the gzip", append(tgz(t, good), "garbage, and more of it"...), `is followed by data that is not gzip`},
		{"nested text", with(entry{name: "web/charts/x.tgz", data: "text"}), `its entry "charts/x.tgz" is not a gzipped archive`},
		{"nested link", with(entry{name: "web/charts/x.tgz", data: string(special(tar.TypeSymlink))}), `its entry "charts/x.tgz: web/x" is a symbolic link`},
		{"nested in a nested folder", with(entry{name: "web/charts/y/charts/x.tgz", data: "text"}), `its entry "charts/y/charts/x.tgz" is not a gzipped archive`},
		{"nested too deep", nest(8), `its entry "` + strings.TrimSuffix(strings.Repeat("charts/x.tgz: ", 8), ": ") + `" nests more than 8 archives deep`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files, err := unpackArchive("charts/web.tgz", tt.data, archiveLimits{}, plentiful())
			if err == nil {
				t.Fatalf("got %q and no error", named(files))
			}
			if !strings.HasSuffix(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), `the packaged chart "charts/web.tgz"`) {
				t.Errorf("got %s\nwant %s", err, tt.want)
			}
			if len(err.Error()) > 2048 {
				t.Errorf("the message has %d bytes", len(err.Error()))
			}
			class := "archive"
			if strings.Contains(tt.want, "-size)") {
				class = "limit-size"
			}
			if err.Class != class || (err.Limit != "") != (class == "limit-size") {
				t.Errorf("class %s, limit %q; want class %s", err.Class, err.Limit, class)
			}
			if files != nil {
				t.Error("got files beside the error")
			}
		})
	}
	if files, err := unpackArchive("x", nest(7), archiveLimits{}, plentiful()); err != nil || len(files) != 8 {
		t.Errorf("8 archives deep: %d files, %v", len(files), err)
	}
}

// The longest names leave room in the message for what is wrong.
func TestArchiveErrorIsShort(t *testing.T) {
	long := strings.Repeat("\x00\u202e", 4000)
	err := &archiveError{Class: "archive", Archive: long, Entry: long, Reason: "is a symbolic link"}
	if s := err.Error(); len(s) > 2048 || !strings.HasSuffix(s, err.Reason) || strings.ContainsAny(s, "\x00\u202e") {
		t.Errorf("got %d bytes: %s", len(s), s)
	}
}

var paxSparse = paxRecord("GNU.sparse.major", "1") + paxRecord("GNU.sparse.minor", "0") +
	paxRecord("GNU.sparse.name", "web/sparse") + paxRecord("GNU.sparse.realsize", "512")

// sparse is an old GNU sparse file that is one hole.
func sparse(name string, size int64) []byte {
	e := rawEntry('S', name, 0, "")
	copy(e[257:], "ustar  \x00")
	copy(e[386:], fmt.Sprintf("%011o\x00%011o\x00", 0, 0))
	e[483] = 0x80
	for i := range 8 {
		e[494-i] = byte(size >> (8 * i))
	}
	copy(e[148:], "        ")
	sum := 0
	for _, b := range e[:512] {
		sum += int(b)
	}
	copy(e[148:], fmt.Sprintf("%06o\x00 ", sum))
	return e
}

func TestEntryNameNUL(t *testing.T) {
	// archive/tar cuts names at it, so no archive gets there today.
	if _, why := entryName("web/a\x00b"); why != "has a name with a NUL byte" {
		t.Errorf("got %q", why)
	}
}

func TestArchiveLimits(t *testing.T) {
	chartFile := entry{name: "web/Chart.yaml", data: chartYAML}
	zeros := func(name string, n int) entry { return entry{name: "web/" + name, data: strings.Repeat("0", n)} }
	limits := archiveLimits{File: 10_000, Archive: 40_000}
	many := []entry{chartFile}
	for i := range 10 {
		many = append(many, zeros(fmt.Sprint(i), 9000))
	}
	nested := tgz(t, chartFile, zeros("a", 9000), zeros("b", 9000))
	var entries []entry
	for i := range maxArchiveEntries {
		entries = append(entries, entry{name: fmt.Sprintf("web/%d/", i), header: tar.Header{Typeflag: tar.TypeDir}})
	}
	tests := []struct {
		name        string
		data        []byte
		limits      archiveLimits
		budget      int64
		limit, want string
	}{
		{"a file as large as may be", tgz(t, zeros("x", 10_000)), limits, 200_000, "", ""},
		{"a file too large", tgz(t, zeros("x", 10_001)), limits, 200_000, "chart-file-size", `its entry "web/x" is larger than 10000 bytes (chart-file-size)`},
		{"a file too large by default", tgz(t, zeros("x", 5<<20+1)), archiveLimits{}, 200 << 20, "chart-file-size", `its entry "web/x" is larger than 5 MiB (chart-file-size)`},
		{"files too large together", tgz(t, many...), limits, 200_000, "archive-size", `its entry "web/3" goes past the 40000 bytes that an archive may inflate to (archive-size)`},
		{"a folder too large", gzipOf(t, append(rawEntry('V', "label", 0, ""), make([]byte, 10)...)), limits, 200_000, "", `(type 'V')`},
		{"a skipped header too large", gzipOf(t, slices.Concat(tarOf(t, chartFile)[:1024], rawEntry('x', "pax", 900_000, strings.Repeat("x", 900_000)))), limits, 200_000, "archive-size", `its entry "web/Chart.yaml" goes past the 40000 bytes that an archive may inflate to (archive-size)`},
		{"zeros behind the end", gzipOf(t, append(tarOf(t, chartFile), make([]byte, 1<<20)...)), limits, 2 << 20, "archive-size", `"web.tgz" goes past the 40000 bytes that an archive may inflate to (archive-size)`},
		{"nested archives too large together", tgz(t, chartFile, entry{name: "web/charts/a.tgz", data: string(nested)}, entry{name: "web/charts/b.tgz", data: string(nested)}), limits, 200_000, "archive-size",
			`its entry "charts/b.tgz: web/b" goes past the 40000 bytes that an archive may inflate to (archive-size)`},
		{"nothing left for the run", tgz(t, many[:3]...), limits, 15_000, "archives-size", `its entry "web/1" goes past the 15000 bytes that all archives of a run may inflate to together (archives-size)`},
		{"many entries", tgz(t, append(entries[:len(entries)-1:len(entries)-1], chartFile)...), archiveLimits{}, 200 << 20, "", ""},
		{"too many entries", tgz(t, append(entries, chartFile)...), archiveLimits{}, 200 << 20, "", `holds more than 10000 entries`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			budget := newArchiveBudget(tt.budget)
			files, err := unpackArchive("web.tgz", tt.data, tt.limits, budget)
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil {
				t.Fatalf("got %d files", len(files))
			}
			if !strings.HasSuffix(err.Error(), tt.want) || err.Limit != tt.limit {
				t.Errorf("got limit %q: %s\nwant limit %q: %s", err.Limit, err, tt.limit, tt.want)
			}
			if budget.used() > tt.budget {
				t.Errorf("used %d of %d", budget.used(), tt.budget)
			}
		})
	}
}

// A bomb is left where the limit is, not inflated to its end first.
func TestArchiveBombStops(t *testing.T) {
	// 512 MiB of zeros behind a good chart, as flate writes it: one block of 8
	// MiB, repeated.
	var gz bytes.Buffer
	gz.Write([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"))
	w, err := flate.NewWriter(&gz, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(tarOf(t, entry{name: "web/Chart.yaml", data: chartYAML})[:1024]); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	before := gz.Len()
	if _, err := w.Write(make([]byte, 8<<20)); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	block := slices.Clone(gz.Bytes()[before:])
	for range 63 {
		gz.Write(block)
	}
	budget := newArchiveBudget(200 << 20)
	_, aerr := unpackArchive("bomb.tgz", gz.Bytes(), archiveLimits{}, budget)
	if aerr == nil || aerr.Limit != "archive-size" {
		t.Fatalf("got %v", aerr)
	}
	if used := budget.used(); used > 50<<20 {
		t.Errorf("%d bytes were inflated", used)
	}
}

func TestExpandArchivesKeepsTheRest(t *testing.T) {
	sub := tgz(t, entry{name: "db/Chart.yaml", data: strings.ReplaceAll(chartYAML, "web", "db")})
	files := []*loader.BufferedFile{
		{Name: "Chart.yaml", Data: []byte(chartYAML)},
		{Name: "charts/bad.tgz", Data: []byte("no archive")},
		{Name: "charts/db.tgz", Data: sub},
		{Name: "templates/a.yaml", Data: []byte("a")},
	}
	expanded, from, problems := expandArchives(files, archiveLimits{}, plentiful())
	want := []string{"Chart.yaml", "charts/db.tgz_/Chart.yaml", "templates/a.yaml"}
	var got []string
	for _, f := range expanded {
		got = append(got, f.Name)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if len(from) != 1 || len(problems) != 1 || problems[0].Archive != "charts/bad.tgz" {
		t.Errorf("from %q, problems %v", from, problems)
	}
}

// All archives of a run share what they may inflate to, whoever is first.
func TestArchiveBudgetIsShared(t *testing.T) {
	data := tgz(t, entry{name: "web/Chart.yaml", data: strings.Repeat("#", 3000)})
	alone := newArchiveBudget(1 << 20)
	if _, err := unpackArchive("x", data, archiveLimits{}, alone); err != nil {
		t.Fatal(err)
	}
	budget := newArchiveBudget(3 * alone.used())
	var (
		wg      sync.WaitGroup
		mu      sync.Mutex
		refused int
	)
	for range 8 {
		wg.Go(func() {
			if _, err := unpackArchive("x", data, archiveLimits{}, budget); err != nil {
				mu.Lock()
				defer mu.Unlock()
				if refused++; err.Limit != "archives-size" {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if refused < 5 || budget.used() != 3*alone.used() {
		t.Errorf("%d of 8 refused, %d of %d bytes used", refused, budget.used(), 3*alone.used())
	}
}

func FuzzArchive(f *testing.F) {
	good := entry{name: "web/Chart.yaml", data: chartYAML}
	nested := tgz(f, good, entry{name: "web/charts/x.tgz", data: string(tgz(f, good))})
	for _, raw := range [][]byte{
		tarOf(f, good, entry{name: "web/templates/a.yaml", data: "kind: Pod\n"}),
		tarOf(f, good, entry{name: "web/charts/x.tgz", data: string(nested)}),
		tarOf(f, good, entry{name: `web\x`}, entry{name: "web/x", header: tar.Header{Typeflag: tar.TypeSymlink, Linkname: "/"}}),
		sparse("web/x", 1<<40),
		slices.Concat(rawEntry('x', "pax", int64(len(paxSparse)), paxSparse), rawEntry('0', "web/x", 512, "1\n0\n512\n")),
		slices.Concat(rawEntry('L', "././@LongLink", 8, "web/long"), rawEntry('0', "x", 1<<62, "")),
		tarOf(f, good, entry{name: "web/zeros", data: string(make([]byte, 60_000))}),
	} {
		f.Add(raw, false)
		f.Add(gzipOf(f, raw), true)
	}
	const most = 100_000
	f.Fuzz(func(t *testing.T, data []byte, zipped bool) {
		if !zipped {
			// Random bytes are seldom a gzip file.
			data = gzipOf(t, data)
		}
		budget := newArchiveBudget(most)
		limits := archiveLimits{File: 50_000, Archive: 80_000}
		files, aerr := unpackArchive("fuzz.tgz", data, limits, budget)
		again, aerr2 := unpackArchive("fuzz.tgz", data, limits, newArchiveBudget(most))
		if fmt.Sprint(aerr) != fmt.Sprint(aerr2) || !reflect.DeepEqual(files, again) {
			t.Fatalf("two readings differ: %v, %v", aerr, aerr2)
		}
		if aerr != nil {
			if len(aerr.Error()) > 2048 || aerr.Class != "archive" && aerr.Class != "limit-size" || files != nil {
				t.Fatalf("%#v", aerr)
			}
			return
		}
		size := 0
		for _, file := range files {
			size += len(file.Data)
			if strings.HasPrefix(file.Name, "/") || strings.Contains("/"+file.Name+"/", "/../") || isPackagedChart(file.Name) {
				t.Fatalf("name %q", file.Name)
			}
		}
		if int64(size) > budget.used() || size > 80_000 {
			t.Fatalf("%d bytes of files for %d bytes of the budget", size, budget.used())
		}
		// What we read, helm reads too, and the same.
		want, err := loader.LoadArchiveFiles(bytes.NewReader(data))
		if err != nil {
			t.Fatal("helm refuses it:", err)
		}
		if !slices.ContainsFunc(want, func(f *loader.BufferedFile) bool { return isPackagedChart(f.Name) }) && !slices.Equal(named(files), named(want)) {
			t.Fatalf("got %q\nhelm gives %q", named(files), named(want))
		}
	})
}
