package source

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/zlib"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

const maxAlternate = 5 // alternates of alternates, as git has it

// objectID is git's name for an object.
type objectID [sha1.Size]byte

func (id objectID) String() string { return hex.EncodeToString(id[:]) }

func parseID(text string) (id objectID, ok bool) {
	data, err := hex.DecodeString(text)
	return id, err == nil && copy(id[:], data) == len(id) && len(data) == len(id)
}

// identify gives the name of an object.
func identify(kind objectKind, data []byte) (id objectID) {
	h := sha1.New()
	io.WriteString(h, kind.String()+" "+strconv.Itoa(len(data))+"\x00")
	h.Write(data)
	h.Sum(id[:0])
	return id
}

// objects reads git's object database. Objects that stand in for others (git
// replace, grafts) are passed over: a commit is what its hash says.
type objects struct {
	refs    *references
	stores  []*os.Root // objects folders: the repository's, then those of its alternates
	packs   []*pack
	broken  error                // why a pack can't be read, if so
	partial bool                 // the user left objects at the server
	cut     map[objectID]bool    // where a shallow clone ends
	recent  atomic.Pointer[pack] // where the last object was
	bases   baseCache
	zlibs   sync.Pool

	mu      sync.Mutex
	folders map[objectID]*folder
	sizes   map[objectID]int64
}

func newObjects(git *gitFolder) (*objects, error) {
	o := &objects{refs: newReferences(git), cut: map[objectID]bool{}, folders: map[objectID]*folder{}, sizes: map[objectID]int64{}}
	for key := range git.config {
		o.partial = o.partial || key == "extensions.partialclone" || strings.HasPrefix(key, "remote.") && strings.HasSuffix(key, ".promisor")
	}
	data, err := readIn(git.shared, "shallow", maxPackedRefs)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read where the shallow clone ends: %w", err)
	}
	for _, line := range strings.Fields(string(data)) {
		id, ok := parseID(line)
		if !ok {
			return nil, errors.New("read where the shallow clone ends: the file shallow in git's folder is damaged; `git fetch --unshallow` gets the rest")
		}
		o.cut[id] = true
	}
	own, err := git.shared.OpenRoot(filepath.FromSlash("objects/."))
	if err != nil {
		return nil, fmt.Errorf("open git's objects in %s: %w; they must lie there, or where objects/info/alternates says", git.common, err)
	}
	o.stores = []*os.Root{own}
	alternates, err := findAlternates(own, filepath.Join(git.common, "objects"))
	if err != nil {
		return nil, err
	}
	for _, dir := range append(o.stores, alternates...) {
		packs, err := packsIn(dir)
		o.packs = append(o.packs, packs...)
		o.broken = cmp.Or(o.broken, err)
	}
	o.stores = append(o.stores, alternates...)
	return o, nil
}

// findAlternates opens the object folders that this one borrows from, as `git
// clone --shared` and --reference have it. They lie outside the repository; but
// it is the user's own git that wrote them down, where no pull request can, and
// nothing but objects is read there, each of which must have the hash that it is
// asked for by.
func findAlternates(own *os.Root, folder string) ([]*os.Root, error) {
	var found []*os.Root
	seen := map[string]bool{folder: true}
	var follow func(dir *os.Root, folder string, depth int) error
	follow = func(dir *os.Root, folder string, depth int) error {
		data, err := readIn(dir, "info/alternates", 1<<20)
		if errors.Is(err, fs.ErrNotExist) || depth > maxAlternate {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the alternates of the git repository: %w", err)
		}
		for line := range strings.Lines(string(data)) {
			line = strings.TrimRight(line, "\r\n")
			if line == "" || line[0] == '#' {
				continue
			}
			if unquoted, err := strconv.Unquote(line); err == nil {
				line = unquoted
			}
			// A missing one is passed over as git does: what it held is then
			// missing, and said so by name. Git calls none anything but objects.
			real, err := filepath.EvalSymlinks(pathFrom(folder, line))
			if err != nil || filepath.Base(real) != "objects" || seen[real] {
				continue
			}
			if info, err := os.Stat(real); err != nil || !info.IsDir() {
				continue
			}
			seen[real] = true
			other, err := os.OpenRoot(real)
			if err != nil {
				continue
			}
			found = append(found, other)
			if err := follow(other, real, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	return found, follow(own, folder, 1)
}

// lost is the error for an object that is not there. It never is
// fs.ErrNotExist: the file exists, only its content cannot be read.
func (o *objects) lost(id objectID, broken error) error {
	if errors.Is(broken, fs.ErrNotExist) {
		broken = errPack // of a file that was there when it was listed
	}
	switch {
	case errors.Is(broken, ErrTooLarge):
		return broken
	case broken != nil:
		return fmt.Errorf("read the git object %s: %w; `git fsck` tells more", id, broken)
	case o.partial:
		return fmt.Errorf("the git object %s was left at the server by a partial clone; `git fetch --refetch --no-filter` gets everything", id)
	case o.broken != nil:
		return fmt.Errorf("the git object %s is missing, and its pack may be this one: %w; `git fsck` tells more", id, o.broken)
	}
	return fmt.Errorf("the git object %s is missing or damaged; `git fsck` tells more", id)
}

// findPacked gives the pack that an object is in, nil if it is in none.
func (o *objects) findPacked(id objectID) (*pack, int64, error) {
	var broken error
	recent := o.recent.Load()
	if recent != nil {
		if at, err := recent.find(id); err == nil && at > 0 {
			return recent, at, nil
		}
	}
	for _, p := range o.packs {
		at, err := p.find(id)
		if err != nil {
			broken = err
		} else if at > 0 {
			o.recent.Store(p)
			return p, at, nil
		}
	}
	return nil, 0, broken
}

// loose is an object in a file of its own, opened after its header.
type loose struct {
	kind objectKind
	size int64
	r    io.Reader
	done func()
}

// findLoose opens a loose object. The error is fs.ErrNotExist if there is none.
func (o *objects) findLoose(id objectID) (loose, error) {
	name := id.String()
	var f *os.File
	err := error(fs.ErrNotExist)
	for _, dir := range o.stores {
		if f, _, err = openRegular(dir, name[:2]+"/"+name[2:]); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	if err != nil {
		return loose{}, err
	}
	z, done, err := o.inflater(f)
	if err != nil {
		f.Close()
		return loose{}, err
	}
	l := loose{r: bufio.NewReaderSize(z, 512), done: func() { done(); f.Close() }}
	if l.kind, l.size, err = looseHeader(l.r.(io.ByteReader)); err != nil {
		l.done()
		return loose{}, err
	}
	return l, nil
}

// looseHeader reads "blob 123" and the zero after it.
func looseHeader(r io.ByteReader) (objectKind, int64, error) {
	var text []byte
	for {
		c, err := r.ReadByte()
		if err != nil {
			return 0, 0, err
		}
		if c == 0 {
			break
		}
		if text = append(text, c); len(text) > 32 {
			return 0, 0, errors.New("it does not begin as an object does")
		}
	}
	name, digits, _ := strings.Cut(string(text), " ")
	size, err := strconv.ParseInt(digits, 10, 64)
	for kind := commitKind; kind <= tagKind; kind++ {
		if name == kind.String() && err == nil && size >= 0 {
			return kind, size, nil
		}
	}
	return 0, 0, errors.New("it does not begin as an object does")
}

// inflater decompresses. They are kept: to make one costs more than to read most
// objects.
type inflater struct {
	io.ReadCloser
	in *bufio.Reader
}

func (o *objects) inflater(r io.Reader) (io.Reader, func(), error) {
	z, ok := o.zlibs.Get().(*inflater)
	var err error
	if ok {
		z.in.Reset(r)
		err = z.ReadCloser.(zlib.Resetter).Reset(z.in, nil)
	} else {
		z = &inflater{in: bufio.NewReader(r)}
		z.ReadCloser, err = zlib.NewReader(z.in)
	}
	if err != nil {
		return nil, nil, err
	}
	return z, func() { o.zlibs.Put(z) }, nil
}

// inflate reads what has the given size, no more and no less.
func inflate(r io.Reader, size int64) ([]byte, error) {
	if size > MaxFileSize {
		return nil, ErrTooLarge
	}
	data, err := readBounded(r, size, size)
	if errors.Is(err, ErrTooLarge) || err == nil && int64(len(data)) != size {
		err = errors.New("it has another size than it says")
	}
	return data, err
}

// read gets the content of an object of the given kind.
func (o *objects) read(id objectID, want objectKind) ([]byte, error) {
	obj, err := o.get(id)
	if err != nil {
		return nil, err
	}
	if obj.kind != want {
		return nil, fmt.Errorf("the git object %s is a %s and no %s", id, obj.kind, want)
	}
	// An equal digest is all that the cache asks.
	if identify(want, obj.data) != id {
		return nil, o.lost(id, errors.New("its content has another hash"))
	}
	return obj.data, nil
}

func (o *objects) get(id objectID) (object, error) {
	p, offset, broken := o.findPacked(id)
	if p != nil {
		obj, err := o.unpack(p, offset)
		if err == nil {
			return obj, nil
		}
		broken = err
	}
	obj, err := o.getLoose(id)
	switch {
	case err == nil:
		return obj, nil
	case !errors.Is(err, fs.ErrNotExist):
		broken = err
	}
	return object{}, o.lost(id, broken)
}

func (o *objects) getLoose(id objectID) (object, error) {
	l, err := o.findLoose(id)
	if err != nil {
		return object{}, err
	}
	defer l.done()
	data, err := inflate(l.r, l.size)
	return object{l.kind, data}, err
}

// unpack gets an object of a pack: it follows the deltas down to a whole object
// and then applies them one by one.
func (o *objects) unpack(p *pack, offset int64) (object, error) {
	type delta struct {
		at packedAt
		packed
		file *packFile
	}
	var deltas []delta
	var obj object
	for at := (packedAt{p, offset}); ; {
		if got, ok := o.bases.get(at); ok {
			obj = got
			if len(deltas) == 0 {
				obj.data = bytes.Clone(obj.data) // it is the caller's to change
			}
			break
		}
		f, err := at.pack.open()
		if err != nil {
			return object{}, err
		}
		h, err := f.header(at.offset)
		if err != nil {
			return object{}, err
		}
		if h.kind <= tagKind {
			if obj.data, err = o.inflatePacked(f, h); err != nil {
				return object{}, err
			}
			if obj.kind = h.kind; len(deltas) > 0 {
				o.bases.put(at, obj)
			}
			break
		}
		if deltas = append(deltas, delta{at, h, f}); len(deltas) > maxDeltas {
			return object{}, errDeltas
		}
		if h.kind == offsetDelta {
			at.offset = h.base
			continue
		}
		if at.pack, at.offset, err = o.findPacked(h.baseID); err != nil {
			return object{}, err
		}
		if at.pack == nil {
			if obj, err = o.getLoose(h.baseID); err != nil {
				return object{}, fmt.Errorf("read the object that it is made from: %w", err)
			}
			break
		}
	}
	spent := 0
	for i, d := range slices.Backward(deltas) {
		change, err := o.inflatePacked(d.file, d.packed)
		if err != nil {
			return object{}, err
		}
		if obj.data, err = applyDelta(obj.data, change); err != nil {
			return object{}, err
		}
		if spent += len(change) + len(obj.data); spent > maxDeltaBytes {
			return object{}, errDeltas
		}
		if i > 0 {
			o.bases.put(d.at, obj)
		}
	}
	return obj, nil
}

func (o *objects) inflatePacked(f *packFile, h packed) ([]byte, error) {
	if h.size > MaxFileSize {
		return nil, ErrTooLarge
	}
	z, done, err := o.inflater(f.compressed(h))
	if err != nil {
		return nil, err
	}
	defer done()
	return inflate(z, h.size)
}

// size is the size of an object, which is not read for it. Sizes are kept: a
// tree bomb asks for the same one a million times.
func (o *objects) size(id objectID) (int64, error) {
	o.mu.Lock()
	size, ok := o.sizes[id]
	o.mu.Unlock()
	if ok {
		return size, nil
	}
	size, err := o.readSize(id)
	if err == nil {
		o.mu.Lock()
		o.sizes[id] = size
		o.mu.Unlock()
	}
	return size, err
}

func (o *objects) readSize(id objectID) (int64, error) {
	p, offset, broken := o.findPacked(id)
	if p != nil {
		size, err := o.packedSize(p, offset)
		if err == nil {
			return size, nil
		}
		broken = err
	}
	l, err := o.findLoose(id)
	if err == nil {
		l.done()
		return l.size, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		broken = err
	}
	return 0, o.lost(id, broken)
}

func (o *objects) packedSize(p *pack, offset int64) (int64, error) {
	f, err := p.open()
	if err != nil {
		return 0, err
	}
	h, err := f.header(offset)
	if err != nil || h.kind <= tagKind {
		return h.size, err
	}
	z, done, err := o.inflater(f.compressed(h))
	if err != nil {
		return 0, err
	}
	defer done()
	var head [20]byte
	n, err := io.ReadFull(z, head[:min(int64(len(head)), h.size)])
	if err != nil {
		return 0, err
	}
	_, size, _, err := deltaSizes(head[:n])
	return size, err
}

// kindOf is the kind of an object, which is not read for it.
func (o *objects) kindOf(id objectID) (objectKind, error) {
	broken := error(nil)
	at := id
	for range maxDeltas {
		p, offset, err := o.findPacked(at)
		broken = cmp.Or(broken, err)
		if p == nil {
			l, err := o.findLoose(at)
			if err == nil {
				l.done()
				return l.kind, nil
			}
			if !errors.Is(err, fs.ErrNotExist) {
				broken = err
			}
			return 0, o.lost(id, broken)
		}
		f, err := p.open()
		if err != nil {
			return 0, o.lost(id, err)
		}
		h, err := f.header(offset)
		for steps := 0; err == nil && h.kind == offsetDelta; steps++ {
			if h, err = f.header(h.base); steps > maxDeltas {
				err = errDeltas
			}
		}
		if err != nil {
			return 0, o.lost(id, err)
		}
		if h.kind <= tagKind {
			return h.kind, nil
		}
		at = h.baseID
	}
	return 0, o.lost(id, errDeltas)
}

// withPrefix gives the objects whose ids begin so, in any order.
func (o *objects) withPrefix(prefix []byte) ([]objectID, error) {
	var found []objectID
	for _, p := range o.packs {
		ids, err := p.withPrefix(prefix)
		if err != nil {
			return nil, fmt.Errorf("look for the commit in the packs: %w", err)
		}
		found = append(found, ids...)
	}
	two := hex.EncodeToString(prefix[:1])
	for _, dir := range o.stores {
		names, err := namesIn(dir, two)
		if err != nil {
			return nil, fmt.Errorf("look for the commit in the git objects: %w", err)
		}
		for _, n := range names {
			if id, ok := parseID(two + n); ok && bytes.HasPrefix(id[:], prefix) {
				found = append(found, id)
			}
		}
	}
	return found, nil
}
