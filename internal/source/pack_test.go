package source

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// objectsOf opens the objects of a repository.
func objectsOf(t testing.TB, dir string) *objects {
	t.Helper()
	o, err := open(t, dir).objects()
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// checkObjects compares all objects with what git says of them.
func checkObjects(t *testing.T, dir string, atLeast int) {
	t.Helper()
	o := objectsOf(t, dir)
	lines := strings.Split(strings.TrimSpace(git(t, dir, "cat-file", "--batch-all-objects", "--batch-check")), "\n")
	if len(lines) < atLeast {
		t.Fatalf("there are only %d objects", len(lines))
	}
	for _, l := range lines {
		var name, kind string
		var size int64
		if _, err := fmt.Sscan(l, &name, &kind, &size); err != nil {
			t.Fatal(err)
		}
		id, ok := parseID(name)
		if got, err := o.kindOf(id); !ok || got.String() != kind || err != nil {
			t.Errorf("kindOf(%s) = %s, %v, want %s", name, got, err, kind)
		}
		if got, err := o.size(id); got != size || err != nil {
			t.Errorf("size(%s) = %d, %v, want %d", name, got, err, size)
		}
		obj, err := o.get(id)
		if err != nil || int64(len(obj.data)) != size || identify(obj.kind, obj.data) != id {
			t.Errorf("get(%s): a %s of %d bytes, %v", name, obj.kind, len(obj.data), err)
		}
		clear(obj.data) // what somebody does with it must not reach the others
	}
}

func TestPacksLikeGit(t *testing.T) {
	dir := newRepo(t, sample)
	r := rand.New(rand.NewPCG(1, 2))
	text := make([]byte, 200_000)
	for i := range text {
		text[i] = byte(r.Uint32())
	}
	for i := range 12 {
		text[r.IntN(len(text))]++
		write(t, dir, map[string]string{"large": string(text) + strings.Repeat("x", 70_000*i), "small": strings.Repeat(fmt.Sprintln("line", i), 50+i), "d/e/f": fmt.Sprint(i)})
		commitAll(t, dir, fmt.Sprint(i))
	}
	git(t, dir, "tag", "-a", "-m", "x", "tag")
	checkObjects(t, dir, 50) // loose
	for what, args := range map[string][]string{
		"deltas by offset":  {"repack", "-adfq", "--window=50", "--depth=250"},
		"deltas by id":      {"-c", "repack.useDeltaBaseOffset=false", "repack", "-adfq", "--window=50", "--depth=250"},
		"several packs":     {"-c", "pack.packSizeLimit=1m", "repack", "-adfq"},
		"large offsets":     {"-c", "pack.indexVersion=2", "repack", "-adfq"},
		"compression level": {"-c", "core.compression=0", "repack", "-adFq"},
	} {
		t.Run(what, func(t *testing.T) {
			git(t, dir, args...)
			if what == "large offsets" {
				for _, pack := range packFiles(t, dir, ".pack") {
					index := strings.TrimSuffix(pack, "pack") + "idx"
					os.Remove(index)
					git(t, dir, "index-pack", "--index-version=2,0x40", "-o", index, pack)
				}
			}
			checkObjects(t, dir, 50)
		})
	}
	o := objectsOf(t, dir)
	if o.packs[0].count() < 20 {
		t.Error("nothing is packed")
	}
}

func packFiles(t testing.TB, dir, ending string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, ".git/objects/pack/pack-*"+ending))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	return names
}

// entry is a handmade entry of a pack.
type packEntry struct {
	id    objectID
	head  []byte // all that stands before what is compressed
	data  []byte // to be compressed
	place int64  // in the index, if it is not the right one
}

// packHead writes what an entry begins with.
func packHead(kind objectKind, size uint64, base ...byte) []byte {
	head := []byte{byte(kind)<<4 | byte(size&0xf)}
	for size >>= 4; size > 0; size >>= 7 {
		head[len(head)-1] |= 0x80
		head = append(head, byte(size&0x7f))
	}
	return append(head, base...)
}

// back writes the distance to an offsetDelta's base.
func back(n int64) []byte {
	out := []byte{byte(n & 0x7f)}
	for n >>= 7; n > 0; n >>= 7 {
		n--
		out = append([]byte{byte(n&0x7f) | 0x80}, out...)
	}
	return out
}

// deflated keeps what was small: the deltas of a chain are all the same.
var deflated = map[string][]byte{}

func deflate(t testing.TB, data []byte) []byte {
	t.Helper()
	if got, ok := deflated[string(data)]; ok {
		return got
	}
	var buf bytes.Buffer
	z := zlib.NewWriter(&buf)
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	z.Close()
	if len(data) < 100 {
		deflated[string(data)] = buf.Bytes()
	}
	return buf.Bytes()
}

// writePack writes a pack and its index.
func writePack(t testing.TB, dir string, entries []packEntry) {
	t.Helper()
	pack := binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), uint32(len(entries)))
	for i := range entries {
		e := &entries[i]
		if e.place == 0 {
			e.place = int64(len(pack))
		}
		pack = append(append(pack, e.head...), deflate(t, e.data)...)
	}
	pack = append(pack, make([]byte, 20)...)
	slices.SortFunc(entries, func(a, b packEntry) int { return bytes.Compare(a.id[:], b.id[:]) })
	index := []byte("\xfftOc\x00\x00\x00\x02")
	for first := range 256 {
		n := 0
		for _, e := range entries {
			if int(e.id[0]) <= first {
				n++
			}
		}
		index = binary.BigEndian.AppendUint32(index, uint32(n))
	}
	for _, e := range entries {
		index = append(index, e.id[:]...)
	}
	index = append(index, make([]byte, 4*len(entries))...)
	for _, e := range entries {
		index = binary.BigEndian.AppendUint32(index, uint32(e.place))
	}
	index = append(index, make([]byte, 40)...)
	name := filepath.Join(dir, ".git/objects/pack/pack-"+strings.Repeat("1", 40))
	for ending, data := range map[string][]byte{".pack": pack, ".idx": index} {
		if err := os.WriteFile(name+ending, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// growth gives how many bytes f allocates.
func growth(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// same is a delta that gives its base again: of 5 bytes, or how many it is told.
func same(size uint64) []byte {
	delta := binary.AppendUvarint(binary.AppendUvarint(nil, 5), size)
	return append(delta, 0x80|0x10, 5)
}

func TestHostilePacks(t *testing.T) {
	dir := newRepo(t, nil)
	id := func(n byte) objectID { return objectID{0: n, 19: n} }
	hello := identify(blobKind, []byte("hello"))
	base := packEntry{id: hello, head: packHead(blobKind, 5), data: []byte("hello")}
	delta := func(n byte, of objectID) packEntry {
		return packEntry{id: id(n), head: packHead(idDelta, uint64(len(same(5))), of[:]...), data: same(5)}
	}
	backTo := func(n byte, distance int64, data []byte) packEntry {
		return packEntry{id: id(n), head: packHead(offsetDelta, uint64(len(data)), back(distance)...), data: data}
	}
	distance := int64(len(base.head) + len(deflate(t, base.data)))
	chain := []packEntry{base}
	for i := range maxDeltas + 10 {
		e := backTo(1, distance, same(5))
		e.id = objectID{0: 1, 1: byte(i >> 8), 2: byte(i)}
		distance = int64(len(e.head) + len(deflate(t, e.data)))
		chain = append(chain, e)
	}
	last := chain[len(chain)-1].id
	distance = int64(len(base.head) + len(deflate(t, base.data)))
	huge := packEntry{id: id(9), head: packHead(blobKind, 3<<30), data: []byte("small")}
	bomb := bytes.Repeat([]byte{0}, 32<<20)
	for what, c := range map[string]struct {
		entries []packEntry
		id      objectID
		says    string
	}{
		"a circle of two":                    {[]packEntry{delta(1, id(2)), delta(2, id(1))}, id(1), "too long"},
		"made from itself":                   {[]packEntry{delta(1, id(1))}, id(1), "too long"},
		"made from itself, by its place":     {[]packEntry{backTo(1, 0, same(5))}, id(1), "damaged"},
		"made from what is before the pack":  {[]packEntry{backTo(1, 1000, same(5))}, id(1), "damaged"},
		"made from nothing":                  {[]packEntry{delta(1, id(2))}, id(1), "damaged"},
		"a long chain":                       {chain, last, "too long"},
		"says that it is huge":               {[]packEntry{huge}, id(9), "64 MiB"},
		"made from what says that it is":     {[]packEntry{huge, backTo(1, int64(len(huge.head)+len(deflate(t, huge.data))), same(5))}, id(1), "64 MiB"},
		"a delta that says that it is huge":  {[]packEntry{base, {id: id(1), head: packHead(offsetDelta, 3<<30, back(distance)...), data: same(5)}}, id(1), "64 MiB"},
		"gives what is huge":                 {[]packEntry{base, backTo(1, distance, same(3<<30))}, id(1), "64 MiB"},
		"gives more than any number":         {[]packEntry{base, backTo(1, distance, same(1<<63))}, id(1), "damaged"},
		"gives less than it says":            {[]packEntry{base, backTo(1, distance, same(6))}, id(1), "damaged"},
		"gives more than it says":            {[]packEntry{base, backTo(1, distance, same(4))}, id(1), "damaged"},
		"copies from beyond its base":        {[]packEntry{base, backTo(1, distance, []byte{5, 5, 0x91, 1, 5})}, id(1), "damaged"},
		"copies what it has not":             {[]packEntry{base, backTo(1, distance, []byte{5, 5, 5, 'x'})}, id(1), "damaged"},
		"an unknown step":                    {[]packEntry{base, backTo(1, distance, []byte{5, 5, 0})}, id(1), "damaged"},
		"a step that ends early":             {[]packEntry{base, backTo(1, distance, []byte{5, 5, 0xff})}, id(1), "damaged"},
		"an empty delta":                     {[]packEntry{base, backTo(1, distance, nil)}, id(1), "damaged"},
		"inflates to more than it says":      {[]packEntry{{id: id(1), head: packHead(blobKind, 5), data: bomb}}, id(1), "another size"},
		"a delta that does":                  {[]packEntry{base, {id: id(1), head: packHead(offsetDelta, 5, back(distance)...), data: bomb}}, id(1), "another size"},
		"inflates to less":                   {[]packEntry{{id: id(1), head: packHead(blobKind, 50), data: []byte("x")}}, id(1), "another size"},
		"of no kind":                         {[]packEntry{{id: id(1), head: packHead(5, 1), data: []byte("x")}}, id(1), "damaged"},
		"a size without end":                 {[]packEntry{{id: id(1), head: bytes.Repeat([]byte{0xb0 | 0x80}, 30)}}, id(1), "damaged"},
		"a place without end":                {[]packEntry{{id: id(1), head: append(packHead(offsetDelta, 1), bytes.Repeat([]byte{0xff}, 30)...)}}, id(1), "damaged"},
		"beyond the pack":                    {[]packEntry{base, {id: id(1), place: 1 << 30}}, id(1), "damaged"},
		"in the pack's head":                 {[]packEntry{base, {id: id(1), place: 4}}, id(1), "damaged"},
		"beyond the index":                   {[]packEntry{base, {id: id(1), place: 1<<31 + 5}}, id(1), "damaged"},
		"another object":                     {[]packEntry{base, {id: id(1), place: 12}}, id(1), "another hash"},
		"another object, made from this one": {[]packEntry{base, delta(1, hello)}, id(1), "another hash"},
	} {
		t.Run(what, func(t *testing.T) {
			writePack(t, dir, slices.Clone(c.entries))
			o := objectsOf(t, dir)
			within(t, what, func() {
				n := growth(func() {
					o.kindOf(c.id)
					o.size(c.id)
					if _, err := o.read(c.id, blobKind); err == nil || !strings.Contains(err.Error(), c.says) {
						t.Errorf("read: %v, want one that says %q", err, c.says)
					}
				})
				if n > 10<<20 {
					t.Errorf("reading it took %d bytes", n)
				}
			})
			if slices.ContainsFunc(c.entries, func(e packEntry) bool { return e.id == hello }) {
				if data, err := o.read(hello, blobKind); string(data) != "hello" || err != nil {
					t.Errorf("the rest: %q, %v", data, err)
				}
			}
		})
	}
	// A chain of deltas costs no more than it is allowed to.
	const size = MaxFileSize / 8
	most := packEntry{id: id(1), head: packHead(blobKind, size), data: make([]byte, size)}
	again := binary.AppendUvarint(binary.AppendUvarint(nil, size), size)
	for at := uint32(0); at < size; at += 1 << 16 { // each step copies 64 KiB
		again = append(again, 0x80|0xf)
		again = binary.LittleEndian.AppendUint32(again, at)
	}
	entries, distance := []packEntry{most}, int64(len(most.head)+len(deflate(t, most.data)))
	for n := range byte(maxDeltaBytes/size + 1) {
		e := backTo(n+2, distance, again)
		distance = int64(len(e.head) + len(deflate(t, e.data)))
		entries = append(entries, e)
	}
	writePack(t, dir, entries)
	o := objectsOf(t, dir)
	within(t, "a chain of large ones", func() {
		if _, err := o.read(id(maxDeltaBytes/size+2), blobKind); err == nil || !strings.Contains(err.Error(), "too long") {
			t.Errorf("a chain of large ones: %v", err)
		}
	})
}

func TestHostilePackIndexes(t *testing.T) {
	dir := newRepo(t, sample)
	git(t, dir, "gc", "-q")
	name := packFiles(t, dir, ".idx")[0]
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	os.Chmod(name, 0o644)
	for what, change := range map[string]func(data []byte) []byte{
		"empty":      func(data []byte) []byte { return nil },
		"short":      func(data []byte) []byte { return data[:500] },
		"version 1":  func(data []byte) []byte { return data[8:] },
		"no order":   func(data []byte) []byte { data[8] = 0xff; return data },
		"many":       func(data []byte) []byte { data[8+4*255] = 0x7f; return data },
		"few":        func(data []byte) []byte { clear(data[8 : 8+4*256]); return data },
		"longer":     func(data []byte) []byte { return append(data, 1, 2, 3) },
		"much more":  func(data []byte) []byte { return append(data, make([]byte, 1<<20)...) },
		"names gone": func(data []byte) []byte { clear(data[fanoutSize:]); return data },
	} {
		t.Run(what, func(t *testing.T) {
			if err := os.WriteFile(name, change(slices.Clone(whole)), 0o644); err != nil {
				t.Fatal(err)
			}
			within(t, what, func() {
				if _, err := open(t, dir).Commit("HEAD"); err == nil || !strings.Contains(err.Error(), "git fsck") {
					t.Errorf("Commit: %v", err)
				}
			})
		})
	}
}

func TestHostileLooseObjects(t *testing.T) {
	dir := newRepo(t, nil)
	for what, c := range map[string]struct {
		text string // before compression; %d bytes of zeros follow
		more int
		says string
		size int64
	}{
		"says that it is huge":  {"blob 3221225472\x00x", 0, "64 MiB", 3 << 30},
		"is more than it says":  {"blob 10\x00", 100 << 20, "another size", 10},
		"is less than it says":  {"blob 10\x00x", 0, "another size", 10},
		"no end of the header":  {strings.Repeat("b", 32<<20), 0, "does not begin", -1},
		"negative":              {"blob -1\x00", 0, "does not begin", -1},
		"no number":             {"blob x\x00", 0, "does not begin", -1},
		"no kind":               {"thing 1\x00x", 0, "does not begin", -1},
		"nothing":               {"", 0, "EOF", -1},
		"another object's text": {"blob 1\x00x", 0, "another hash", 1},
		"a tree":                {"tree 0\x00", 0, "is a tree and no blob", 0},
	} {
		t.Run(what, func(t *testing.T) {
			id := objectID{1, 2, 3}
			name := filepath.Join(dir, ".git/objects", id.String()[:2], id.String()[2:])
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, deflate(t, append([]byte(c.text), make([]byte, c.more)...)), 0o644); err != nil {
				t.Fatal(err)
			}
			o := objectsOf(t, dir)
			if n := growth(func() {
				if size, err := o.size(id); (err != nil) != (c.size < 0) || err == nil && size != c.size {
					t.Errorf("size = %d, %v", size, err)
				}
				if _, err := o.read(id, blobKind); err == nil || !strings.Contains(err.Error(), c.says) {
					t.Errorf("read: %v, want one that says %q", err, c.says)
				}
			}); n > 10<<20 {
				t.Errorf("reading it took %d bytes", n)
			}
		})
	}
}

func FuzzPack(f *testing.F) {
	dir := newRepo(f, sample)
	for i := range 3 {
		write(f, dir, map[string]string{"README.md": strings.Repeat(fmt.Sprintln(i, "line"), 100+i)})
		commitAll(f, dir, "x")
	}
	var ids []objectID
	for name := range strings.FieldsSeq(git(f, dir, "rev-list", "--all", "--objects", "--no-object-names")) {
		id, _ := parseID(name)
		ids = append(ids, id)
	}
	for _, by := range []string{"true", "false"} {
		git(f, dir, "-c", "repack.useDeltaBaseOffset="+by, "repack", "-adfq")
		pack, err := os.ReadFile(packFiles(f, dir, ".pack")[0])
		if err != nil {
			f.Fatal(err)
		}
		index, err := os.ReadFile(packFiles(f, dir, ".idx")[0])
		if err != nil {
			f.Fatal(err)
		}
		f.Add(pack, index)
	}
	f.Fuzz(func(t *testing.T, text, index []byte) {
		p := &pack{index: bytes.NewReader(index)}
		if err := p.readFanout(int64(len(index))); err != nil {
			return
		}
		p.open = func() (*packFile, error) { return newPackFile(bytes.NewReader(text), int64(len(text))) }
		o := &objects{packs: []*pack{p}}
		for _, id := range ids {
			if obj, err := o.get(id); err == nil {
				if data, err := o.read(id, obj.kind); err == nil && identify(obj.kind, data) != id {
					t.Errorf("%s has another content", id)
				}
			}
			o.readSize(id)
			o.kindOf(id)
			o.withPrefix(id[:2])
		}
	})
}

func FuzzDelta(f *testing.F) {
	f.Add([]byte("hello"), same(5))
	f.Fuzz(func(t *testing.T, base, delta []byte) {
		out, err := applyDelta(base, delta)
		if err == nil && int64(len(out)) > int64(len(delta))*(1<<24) {
			t.Errorf("%d bytes", len(out))
		}
		if err != nil && !errors.Is(err, errPack) && !errors.Is(err, ErrTooLarge) {
			t.Error(err)
		}
	})
}
