package source

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
)

// Packs as gitformat-pack(5) has them. They are not read by go-git, which goes
// down a chain of deltas by recursion, so that a long one or a circle ends the
// process beyond recover, and which inflates every delta and its base whole,
// however large they are.

const (
	maxDeltas     = 10_000           // git makes chains of 50, and none longer than 8,191
	maxDeltaBytes = 16 * MaxFileSize // that a chain of deltas may go through for one object
	memoryIndex   = 32 << 20         // larger pack indexes are not kept in memory
	fanoutSize    = 8 + 256*4        // of a pack index, before its names
	trailerSize   = 2 * len(objectID{})
)

var (
	errPack   = errors.New("the pack is damaged")
	errDeltas = errors.New("its chain of deltas is too long; `git repack -a -d -f` makes it shorter")
)

type objectKind uint8

const (
	commitKind objectKind = 1 + iota
	treeKind
	blobKind
	tagKind
	_
	offsetDelta // against the object at an offset of the same pack
	idDelta     // against any object
)

func (k objectKind) String() string {
	switch k {
	case commitKind:
		return "commit"
	case treeKind:
		return "tree"
	case blobKind:
		return "blob"
	case tagKind:
		return "tag"
	}
	return fmt.Sprintf("object of kind %d", uint8(k))
}

// pack is a pack file and its index.
type pack struct {
	index  io.ReaderAt
	fanout [256]uint32
	large  int64 // offsets that need eight bytes
	open   func() (*packFile, error)
}

type packFile struct {
	io.ReaderAt
	end int64 // of the objects
}

// openPack reads the index of a pack, given by its name without an ending. The
// pack itself is opened when something in it is wanted.
func openPack(dir *os.Root, name string) (*pack, error) {
	f, info, err := openRegular(dir, name+".idx")
	if err != nil {
		return nil, err
	}
	p := &pack{index: f}
	if info.Size() <= memoryIndex {
		defer f.Close()
		data, err := readBounded(f, info.Size(), memoryIndex)
		if err != nil {
			return nil, err
		}
		p.index = bytes.NewReader(data)
	}
	if err := p.readFanout(info.Size()); err != nil {
		f.Close()
		return nil, err
	}
	p.open = sync.OnceValues(func() (*packFile, error) {
		f, info, err := openRegular(dir, name+".pack")
		if err != nil {
			return nil, fmt.Errorf("open the pack: %w", err)
		}
		file, err := newPackFile(f, info.Size())
		if err != nil {
			f.Close()
		}
		return file, err
	})
	return p, nil
}

func newPackFile(r io.ReaderAt, size int64) (*packFile, error) {
	var head [12]byte
	_, err := r.ReadAt(head[:], 0)
	if version := binary.BigEndian.Uint32(head[4:]); err != nil || string(head[:4]) != "PACK" || version != 2 && version != 3 {
		return nil, errPack
	}
	return &packFile{r, size - int64(len(objectID{}))}, nil
}

func (p *pack) readFanout(size int64) error {
	var head [fanoutSize]byte
	if _, err := p.index.ReadAt(head[:], 0); err != nil {
		return errors.New("its index ends too early")
	}
	if string(head[:8]) != "\xfftOc\x00\x00\x00\x02" {
		return errors.New("its index is not of version 2; `git repack -a -d` makes a new one")
	}
	last := uint32(0)
	for i := range p.fanout {
		n := binary.BigEndian.Uint32(head[8+4*i:])
		if n < last {
			return errors.New("its index is damaged")
		}
		p.fanout[i], last = n, n
	}
	// Of each object a name, a checksum and an offset of four bytes.
	rest := size - fanoutSize - int64(last)*28 - int64(trailerSize)
	if rest < 0 || rest%8 != 0 || rest/8 > int64(last) {
		return errors.New("its index is damaged")
	}
	p.large = rest / 8
	return nil
}

func (p *pack) count() int64 { return int64(p.fanout[255]) }

func (p *pack) id(i int64) (id objectID, err error) {
	_, err = p.index.ReadAt(id[:], fanoutSize+i*int64(len(id)))
	return id, err
}

// search gives the place of the first object that is not before id.
func (p *pack) search(id objectID) (int64, error) {
	low, high := int64(0), int64(p.fanout[id[0]])
	if id[0] > 0 {
		low = int64(p.fanout[id[0]-1])
	}
	for low < high {
		mid := (low + high) / 2
		at, err := p.id(mid)
		if err != nil {
			return 0, err
		}
		if bytes.Compare(at[:], id[:]) < 0 {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low, nil
}

// find gives the offset of an object in the pack, 0 if it is not there.
func (p *pack) find(id objectID) (int64, error) {
	i, err := p.search(id)
	if err != nil || i == p.count() {
		return 0, err
	}
	if at, err := p.id(i); err != nil || at != id {
		return 0, err
	}
	var word [8]byte
	table := fanoutSize + p.count()*24
	if _, err := p.index.ReadAt(word[:4], table+4*i); err != nil {
		return 0, err
	}
	offset := int64(binary.BigEndian.Uint32(word[:]))
	if offset < 1<<31 {
		return offset, nil
	}
	if offset -= 1 << 31; offset >= p.large {
		return 0, errPack
	}
	if _, err := p.index.ReadAt(word[:], table+4*p.count()+8*offset); err != nil {
		return 0, err
	}
	return int64(binary.BigEndian.Uint64(word[:]) &^ (1 << 63)), nil
}

// withPrefix gives the objects whose ids begin so.
func (p *pack) withPrefix(prefix []byte) ([]objectID, error) {
	var first objectID
	copy(first[:], prefix)
	i, err := p.search(first)
	if err != nil {
		return nil, err
	}
	var found []objectID
	for ; i < p.count(); i++ {
		id, err := p.id(i)
		if err != nil {
			return nil, err
		}
		if !bytes.HasPrefix(id[:], prefix) {
			break
		}
		found = append(found, id)
	}
	return found, nil
}

// packed is what stands before an object in a pack.
type packed struct {
	kind   objectKind
	size   int64    // of what is compressed: of the object, or of the delta
	data   int64    // where that begins
	base   int64    // of an offsetDelta
	baseID objectID // of an idDelta
}

func (f *packFile) header(offset int64) (h packed, err error) {
	var buf [64]byte
	if offset < 12 || offset >= f.end {
		return h, errPack
	}
	n, err := f.ReadAt(buf[:min(int64(len(buf)), f.end-offset)], offset)
	if err != nil && err != io.EOF {
		return h, err
	}
	rest := buf[:n]
	for shift := 0; ; {
		if len(rest) == 0 || shift > 56 {
			return h, errPack
		}
		c := rest[0]
		rest = rest[1:]
		if shift == 0 {
			h.kind, h.size, shift = objectKind(c>>4&7), int64(c&0xf), 4
		} else {
			h.size |= int64(c&0x7f) << shift
			shift += 7
		}
		if c&0x80 == 0 {
			break
		}
	}
	switch h.kind {
	case commitKind, treeKind, blobKind, tagKind:
	case offsetDelta:
		back, used := offsetNumber(rest)
		if used == 0 || back <= 0 || back > offset {
			return h, errPack
		}
		h.base, rest = offset-back, rest[used:]
	case idDelta:
		if len(rest) < len(h.baseID) {
			return h, errPack
		}
		rest = rest[copy(h.baseID[:], rest):]
	default:
		return h, errPack
	}
	h.data = offset + int64(n-len(rest))
	return h, nil
}

// compressed is where the bytes of an object or a delta are.
func (f *packFile) compressed(h packed) io.Reader {
	return io.NewSectionReader(f, h.data, f.end-h.data)
}

// offsetNumber reads a number as git's varint.c writes it, and its length, 0 if
// it has no end.
func offsetNumber(data []byte) (value int64, n int) {
	for n < len(data) && n < 9 {
		c := data[n]
		n++
		value += int64(c & 0x7f)
		if c&0x80 == 0 {
			return value, n
		}
		value = (value + 1) << 7
	}
	return 0, 0
}

// deltaSizes reads what a delta begins with: the size of its base and that of
// its result.
func deltaSizes(delta []byte) (base, result int64, rest []byte, err error) {
	for _, size := range []*int64{&base, &result} {
		value, n := binary.Uvarint(delta)
		if n <= 0 || value > 1<<62 {
			return 0, 0, nil, errPack
		}
		*size, delta = int64(value), delta[n:]
	}
	return base, result, delta, nil
}

// applyDelta makes an object out of another one.
func applyDelta(base, delta []byte) ([]byte, error) {
	before, after, delta, err := deltaSizes(delta)
	if err != nil || before != int64(len(base)) {
		return nil, errPack
	}
	if after > MaxFileSize {
		return nil, ErrTooLarge
	}
	out := make([]byte, 0, after)
	for len(delta) > 0 {
		op := delta[0]
		delta = delta[1:]
		var part []byte
		if op&0x80 == 0 { // bytes that follow
			if op == 0 || int(op) > len(delta) {
				return nil, errPack
			}
			part, delta = delta[:op], delta[op:]
		} else { // bytes of the base: four bits for the offset's bytes, three for the size's
			var word [7]byte
			for i := range word {
				if op&(1<<i) == 0 {
					continue
				}
				if len(delta) == 0 {
					return nil, errPack
				}
				word[i], delta = delta[0], delta[1:]
			}
			from := int64(binary.LittleEndian.Uint32(word[:4]))
			size := int64(word[4]) | int64(word[5])<<8 | int64(word[6])<<16
			if size == 0 {
				size = 1 << 16
			}
			if from+size > int64(len(base)) {
				return nil, errPack
			}
			part = base[from : from+size]
		}
		if len(out)+len(part) > cap(out) {
			return nil, errPack
		}
		out = append(out, part...)
	}
	if int64(len(out)) != after {
		return nil, errPack
	}
	return out, nil
}

// baseCache keeps the objects that others were made from: the next one often
// needs the same. When it is half full, what was not used since the last time
// that it was is forgotten.
type baseCache struct {
	mu         sync.Mutex
	young, old map[packedAt]object
	size       int
}

type packedAt struct {
	pack   *pack
	offset int64
}

type object struct {
	kind objectKind
	data []byte
}

const maxBases = 32 << 20 // bytes

func (c *baseCache) get(at packedAt) (object, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if obj, ok := c.young[at]; ok {
		return obj, true
	}
	obj, ok := c.old[at]
	if ok {
		c.add(at, obj)
	}
	return obj, ok
}

func (c *baseCache) put(at packedAt, obj object) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(obj.data) <= maxBases/8 {
		c.add(at, obj)
	}
}

func (c *baseCache) add(at packedAt, obj object) {
	if _, ok := c.young[at]; ok {
		return
	}
	if c.size += len(obj.data) + 100; c.young == nil || c.size > maxBases/2 {
		c.old, c.young, c.size = c.young, map[packedAt]object{}, len(obj.data)
	}
	c.young[at] = obj
}

// packsIn opens the packs below an objects folder. Those that can't be read
// are named by the error, and the others are given with it.
func packsIn(dir *os.Root) (packs []*pack, err error) {
	names, err := namesIn(dir, "pack")
	if err != nil {
		return nil, err
	}
	var broken error
	for _, n := range names {
		name, ok := strings.CutSuffix(n, ".idx")
		if !ok || !strings.HasPrefix(name, "pack-") {
			continue
		}
		if _, ok := slices.BinarySearch(names, name+".pack"); !ok {
			continue // git passes it over too
		}
		p, err := openPack(dir, "pack/"+name)
		if err != nil {
			if broken == nil {
				broken = fmt.Errorf("read the pack %s: %w", name, err)
			}
			continue
		}
		packs = append(packs, p)
	}
	return packs, broken
}
