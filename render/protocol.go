package render

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/scantling-dev/scantling/internal/limits"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/source"
	"github.com/scantling-dev/scantling/internal/store"
)

// The program and a worker talk over the worker's standard streams in frames: a
// byte that says what it is, four bytes of length, the message.
//
// The program sends hello once and gets ready. Then, for each unit, it sends
// settings if they changed, and a job. The worker sends begun when it starts to
// read the unit, any number of asks, each of which gets an answer, and done.
const (
	frameHello byte = iota + 1
	frameReady
	frameSettings
	frameJob
	frameBegun
	frameAsk
	frameAnswer
	frameDone
)

// The largest frames. An answer holds a file; done holds what a unit gave, whose
// text is limited, and its positions.
const (
	maxAsk  = 1 << 20
	maxDone = 1 << 30
)

type frame struct {
	kind    byte
	message []byte
}

var errFrame = errors.New("the worker broke the protocol")

func writeFrame(w *bufio.Writer, kind byte, message []byte) error {
	var head [5]byte
	head[0] = kind
	binary.BigEndian.PutUint32(head[1:], uint32(len(message)))
	if _, err := w.Write(head[:]); err != nil {
		return err
	}
	if _, err := w.Write(message); err != nil {
		return err
	}
	return w.Flush()
}

// readFrame reads a frame whose length limit says is allowed for its kind.
func readFrame(r *bufio.Reader, limit func(kind byte) int) (frame, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return frame{}, err
	}
	f := frame{kind: head[0]}
	size := int(binary.BigEndian.Uint32(head[1:]))
	if size > limit(f.kind) {
		return frame{}, errFrame
	}
	// The memory for a long message is taken as the message arrives.
	const step = 1 << 20
	for len(f.message) < size {
		n := min(size-len(f.message), max(step, len(f.message)))
		at := len(f.message)
		f.message = append(f.message, make([]byte, n)...)
		if _, err := io.ReadFull(r, f.message[at:]); err != nil {
			return frame{}, err
		}
	}
	return f, nil
}

// fromWorker and toWorker are the limits of the two directions.
func fromWorker(kind byte) int {
	switch kind {
	case frameReady, frameBegun, frameAsk:
		return maxAsk
	case frameDone:
		return maxDone
	}
	return -1
}

func toWorker(byte) int { return maxDone }

func (e *encoder) settings(s *settings) {
	e.text(s.kubeVersion)
	e.texts(s.apiVersions)
	e.texts(s.charts)
	e.limits(s.limits)
}

func (d *decoder) settings() *settings {
	return &settings{kubeVersion: d.string(), apiVersions: d.strings(), charts: d.strings(), limits: d.limits()}
}

func (e *encoder) limits(l limits.Limits) {
	e.int(int(l.YAML.FileSize))
	e.int(l.YAML.Depth)
	e.int(l.YAML.AliasNodes)
	e.int(l.YAML.Documents)
	e.int(int(l.ChartFileSize))
	e.int(int(l.ArchiveSize))
	e.int(int(l.ArchivesSize))
	e.int(int(l.RenderedSize))
}

func (d *decoder) limits() limits.Limits {
	var l limits.Limits
	l.YAML = manifest.Limits{FileSize: int64(d.int()), Depth: d.int(), AliasNodes: d.int(), Documents: d.int()}
	l.ChartFileSize, l.ArchiveSize, l.ArchivesSize, l.RenderedSize = int64(d.int()), int64(d.int()), int64(d.int()), int64(d.int())
	return l
}

func (e *encoder) job(j job) {
	e.text(string(j.kind))
	e.text(j.path)
	e.int(int(j.archives))
	e.bool(j.minor)
	e.release(j.release)
	if e.bool(j.flux != nil); j.flux != nil {
		e.text(j.flux.spec)
		e.span(j.flux.at)
		e.text(j.flux.docs)
		e.pairs(j.flux.vars)
		e.bool(j.flux.substitute)
		e.bool(j.flux.unknown)
		e.text(j.flux.ignore)
	}
	if e.bool(j.argo != nil); j.argo != nil {
		e.text(j.argo.spec)
		e.span(j.argo.at)
		e.pairs(j.argo.env)
	}
	if e.bool(j.set != nil); j.set != nil {
		e.text(j.set.object)
		e.span(j.set.at)
		e.text(j.set.clusters)
		e.texts(j.set.here)
		e.pairs(j.set.roots)
	}
	e.texts(j.trace)
}

func (d *decoder) job() job {
	j := job{kind: Kind(d.string()), path: d.string(), archives: int64(d.int()), minor: d.bool(), release: d.release()}
	if d.bool() {
		j.flux = &fluxBuild{spec: d.string(), at: d.span(), docs: d.string(), vars: d.pairs(), substitute: d.bool(), unknown: d.bool(), ignore: d.string()}
	}
	if d.bool() {
		j.argo = &argoBuild{spec: d.string(), at: d.span(), env: d.pairs()}
	}
	if d.bool() {
		j.set = &applicationSet{object: d.string(), at: d.span(), clusters: d.string(), here: d.strings(), roots: d.pairs()}
	}
	j.trace = d.strings()
	return j
}

func (e *encoder) release(r release) {
	e.text(r.name)
	e.text(r.namespace)
	e.text(r.kubeVersion)
	e.texts(r.apiVersions)
	e.layers(r.defaults)
	e.layers(r.layers)
	e.bool(r.skipCRDs)
	e.bool(r.skipHooks)
	e.bool(r.skipTests)
	e.texts(r.post)
	e.text(r.strategy)
	e.span(r.at)
}

func (d *decoder) release() release {
	r := release{name: d.string(), namespace: d.string(), kubeVersion: d.string(), apiVersions: d.strings()}
	r.defaults, r.layers = d.layers(), d.layers()
	r.skipCRDs, r.skipHooks, r.skipTests, r.post = d.bool(), d.bool(), d.bool(), d.strings()
	r.strategy, r.at = d.string(), d.span()
	return r
}

func (e *encoder) layers(list []layer) {
	e.int(len(list))
	for _, l := range list {
		e.text(l.file)
		e.text(l.inChart)
		e.bool(l.optional)
		e.text(l.text)
		e.text(l.target)
		e.bool(l.str)
		e.bool(l.literal)
		e.bool(l.flux)
		e.text(l.of)
		e.span(l.at)
	}
}

func (d *decoder) layers() []layer {
	var list []layer
	for range d.count() {
		list = append(list, layer{file: d.string(), inChart: d.string(), optional: d.bool(), text: d.string(), target: d.string(),
			str: d.bool(), literal: d.bool(), flux: d.bool(), of: d.string(), at: d.span()})
	}
	return list
}

func (e *encoder) pairs(m map[string]string) {
	e.int(len(m))
	for _, k := range sortedKeys(m) {
		e.text(k)
		e.text(m[k])
	}
}

func (d *decoder) pairs() map[string]string {
	m := map[string]string{}
	for range d.count() {
		k := d.string()
		m[k] = d.string()
	}
	return m
}

func (e *encoder) request(r store.Request) {
	e.text(string(r.Kind))
	e.text(r.URL)
	e.text(r.Name)
	e.text(r.Version)
}

func (d *decoder) request() store.Request {
	return store.Request{Kind: store.Kind(d.string()), URL: d.string(), Name: d.string(), Version: d.string()}
}

func (e *encoder) product(p *product) {
	e.text(string(p.status))
	e.text(p.reason)
	e.int(len(p.problems))
	for _, problem := range p.problems {
		e.text(problem.Class)
		e.text(problem.Message)
		e.text(problem.Fix)
		e.span(problem.At)
		e.bool(problem.Minor)
		e.request(problem.Needs)
	}
	e.texts(p.read)
	e.int(int(p.unpacked))
	e.int(len(p.pads))
	for _, pad := range p.pads {
		e.int(pad.start)
		e.int(pad.lines)
		e.text(pad.file)
	}
	e.int(len(p.texts))
	for _, t := range p.texts {
		e.text(t.file)
		e.bool(t.written)
		e.text(t.text)
		e.bool(t.taken)
		e.span(t.at)
		e.text(t.template)
		e.int(t.chart)
		e.runs(t.runs)
	}
	e.int(len(p.charts))
	for _, c := range p.charts {
		e.text(c.path)
		e.release(c.release)
	}
	e.int(len(p.tags))
	for _, t := range p.tags {
		e.text(t.dir)
		e.text(t.kind)
		e.text(t.config)
	}
	e.pieces(p.pieces)
	e.int(len(p.options))
	for _, o := range p.options {
		e.int(o.piece)
		e.text(o.key)
		e.refs(o.refs)
	}
	e.int(len(p.docs))
	for _, doc := range p.docs {
		e.node(doc)
	}
}

func (d *decoder) product() *product {
	p := &product{status: Status(d.string()), reason: d.string()}
	switch p.status {
	case Rendered, Partial, NotRendered:
	default:
		d.fail()
	}
	for range d.count() {
		p.problems = append(p.problems, Problem{Class: d.string(), Message: d.string(), Fix: d.string(), At: d.span(), Minor: d.bool(), Needs: d.request()})
	}
	p.read = d.strings()
	p.unpacked = int64(d.int())
	for range d.count() {
		p.pads = append(p.pads, pad{start: d.int(), lines: d.int(), file: d.string()})
	}
	for range d.count() {
		p.texts = append(p.texts, text{file: d.string(), written: d.bool(), text: d.string(), taken: d.bool(), at: d.span(),
			template: d.string(), chart: d.int(), runs: d.runs()})
	}
	for range d.count() {
		p.charts = append(p.charts, chartRelease{path: d.string(), release: d.release()})
	}
	for range d.count() {
		p.tags = append(p.tags, tag{dir: d.string(), kind: d.string(), config: d.string()})
	}
	p.pieces = d.pieces()
	for range d.count() {
		p.options = append(p.options, option{piece: d.int(), key: d.string(), refs: d.refs()})
	}
	for range d.count() {
		p.docs = append(p.docs, d.node(0))
		if d.err != nil {
			break
		}
	}
	return p
}

// What a worker asks of the tree.
const (
	askLook byte = iota + 1
	askRead
	askList
)

// The errors of a tree that mean something to a builder.
var treeErrors = []error{
	fs.ErrNotExist, fs.ErrInvalid, fs.ErrPermission,
	source.ErrOutside, source.ErrSpecial, source.ErrLoop, source.ErrTooLarge,
}

func (e *encoder) error(err error) {
	if err == nil {
		e.int(-1)
		return
	}
	for i, known := range treeErrors {
		if errors.Is(err, known) {
			e.int(i)
			return
		}
	}
	e.int(len(treeErrors))
	e.text(reason(err))
}

// error reads the error of an operation on a file; nil for none.
func (d *decoder) error(op, name string) error {
	i := d.int()
	switch {
	case d.err != nil:
		return d.err
	case i < 0:
		return nil
	case i < len(treeErrors):
		return &fs.PathError{Op: op, Path: name, Err: treeErrors[i]}
	}
	return &fs.PathError{Op: op, Path: name, Err: errors.New(d.string())}
}

func (e *encoder) info(i fs.FileInfo) {
	e.text(i.Name())
	e.int(int(i.Size()))
	e.int(int(i.Mode()))
}

func (d *decoder) info() fileInfo {
	return fileInfo{name: d.string(), size: int64(d.int()), mode: fs.FileMode(d.int())}
}

// fileInfo is what crosses the pipe of a file's description.
type fileInfo struct {
	name string
	size int64
	mode fs.FileMode
}

func (i fileInfo) Name() string               { return i.name }
func (i fileInfo) Size() int64                { return i.size }
func (i fileInfo) Mode() fs.FileMode          { return i.mode }
func (i fileInfo) Type() fs.FileMode          { return i.mode.Type() }
func (i fileInfo) ModTime() time.Time         { return time.Time{} }
func (i fileInfo) IsDir() bool                { return i.mode.IsDir() }
func (i fileInfo) Sys() any                   { return nil }
func (i fileInfo) Info() (fs.FileInfo, error) { return i, nil }

// look is what there is at a path, as far as it is known without being asked for
// more: the entries of a folder, what a file holds.
type look struct {
	err      error
	resolved string
	info     fileInfo
	// data and entries are there if known is true.
	known   bool
	data    []byte
	entries []fs.DirEntry
}

const (
	maxLookFile    = 1 << 20
	maxLookEntries = 1000
	// maxPush is how many bytes of files are sent with a job unasked.
	maxPush = 16 << 20
)

// lookAt looks at a path of the tree.
func lookAt(tree files, name string) (l look) {
	if l.resolved, l.err = tree.Resolve(name); l.err != nil {
		return l
	}
	info, err := tree.Stat(l.resolved)
	if err != nil {
		l.err = err
		return l
	}
	l.info = fileInfo{info.Name(), info.Size(), info.Mode()}
	switch {
	case info.IsDir():
		l.entries, err = tree.ReadDir(l.resolved)
		l.known = err == nil && len(l.entries) <= maxLookEntries
	case info.Mode().IsRegular() && info.Size() <= maxLookFile:
		l.data, err = tree.ReadFile(l.resolved)
		l.known = err == nil
	}
	return l
}

func (e *encoder) look(l look) {
	if e.error(l.err); l.err != nil {
		return
	}
	e.text(l.resolved)
	e.info(l.info)
	switch e.bool(l.known); {
	case !l.known:
	case l.info.IsDir():
		e.entries(l.entries)
	default:
		e.bytes(l.data)
	}
}

func (d *decoder) look(name string) (l look) {
	if l.err = d.error("open", name); l.err != nil {
		return l
	}
	l.resolved, l.info, l.known = d.string(), d.info(), d.bool()
	switch {
	case !l.known:
	case l.info.IsDir():
		l.entries = d.entries()
	default:
		l.data = d.bytes()
	}
	return l
}

func (e *encoder) entries(entries []fs.DirEntry) {
	e.int(len(entries))
	for _, entry := range entries {
		e.info(fileInfo{name: entry.Name(), mode: entry.Type()})
	}
}

func (d *decoder) entries() []fs.DirEntry {
	entries := make([]fs.DirEntry, d.count())
	for i := range entries {
		entries[i] = d.info()
	}
	return entries
}

// server answers what one worker asks about one unit, and knows what it sent.
type server struct {
	tree   *recorder
	looked map[string]bool
	sent   map[string][]byte
}

func newServer(tree *recorder) *server {
	return &server{tree: tree, looked: map[string]bool{}, sent: map[string][]byte{}}
}

// push writes what there is at paths that the unit will most likely ask for.
func (s *server) push(e *encoder, names []string) {
	size := 0
	for _, name := range names {
		if size > maxPush {
			break
		}
		if s.looked[name] {
			continue
		}
		e.bool(true)
		e.text(name)
		size += len(s.look(e, name).data)
	}
	e.bool(false)
}

func (s *server) look(e *encoder, name string) look {
	l := lookAt(s.tree.files, name)
	e.look(l)
	s.looked[name] = true
	if l.known && !l.info.IsDir() {
		s.sent[name] = l.data
	}
	return l
}

// answer answers one ask.
func (s *server) answer(ask []byte) ([]byte, error) {
	d := newDecoder(ask)
	op, name := d.byte(), d.string()
	if d.err != nil {
		return nil, d.err
	}
	var e encoder
	switch op {
	case askLook:
		s.look(&e, name)
	case askRead:
		data, err := s.tree.files.ReadFile(name)
		e.buf = make([]byte, 0, len(data)+16)
		if e.error(err); err == nil {
			e.bytes(data)
			s.sent[name] = data
		}
	case askList:
		entries, err := s.tree.ReadDir(name)
		if e.error(err); err == nil {
			e.entries(entries)
		}
	default:
		return nil, fmt.Errorf("%w: it asks for %d", errFrame, op)
	}
	return e.buf, nil
}

// record notes what the worker says that it has read.
func (s *server) record(names []string) error {
	for _, name := range names {
		data, ok := s.sent[name]
		if !ok {
			return fmt.Errorf("%w: it reads what it was not given", errFrame)
		}
		s.tree.record(name, data)
	}
	return nil
}
