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
	e.Text(s.kubeVersion)
	e.Texts(s.apiVersions)
	e.Texts(s.charts)
	e.limits(s.limits)
}

func (d *decoder) settings() *settings {
	return &settings{kubeVersion: d.String(), apiVersions: d.Strings(), charts: d.Strings(), limits: d.limits()}
}

func (e *encoder) limits(l limits.Limits) {
	e.Int(int(l.YAML.FileSize))
	e.Int(l.YAML.Depth)
	e.Int(l.YAML.AliasNodes)
	e.Int(l.YAML.Documents)
	e.Int(int(l.ChartFileSize))
	e.Int(int(l.ArchiveSize))
	e.Int(int(l.ArchivesSize))
	e.Int(int(l.RenderedSize))
}

func (d *decoder) limits() limits.Limits {
	var l limits.Limits
	l.YAML = manifest.Limits{FileSize: int64(d.Int()), Depth: d.Int(), AliasNodes: d.Int(), Documents: d.Int()}
	l.ChartFileSize, l.ArchiveSize, l.ArchivesSize, l.RenderedSize = int64(d.Int()), int64(d.Int()), int64(d.Int()), int64(d.Int())
	return l
}

func (e *encoder) job(j job) {
	e.Text(string(j.kind))
	e.Text(j.path)
	e.Int(int(j.archives))
	e.Bool(j.minor)
	e.release(j.release)
	if e.Bool(j.flux != nil); j.flux != nil {
		e.Text(j.flux.spec)
		e.Span(j.flux.at)
		e.Text(j.flux.docs)
		e.pairs(j.flux.vars)
		e.Bool(j.flux.substitute)
		e.Bool(j.flux.unknown)
		e.Text(j.flux.ignore)
	}
	if e.Bool(j.argo != nil); j.argo != nil {
		e.Text(j.argo.spec)
		e.Span(j.argo.at)
		e.pairs(j.argo.env)
	}
	if e.Bool(j.set != nil); j.set != nil {
		e.Text(j.set.object)
		e.Span(j.set.at)
		e.Text(j.set.clusters)
		e.Texts(j.set.here)
		e.pairs(j.set.roots)
	}
	e.Texts(j.trace)
}

func (d *decoder) job() job {
	j := job{kind: Kind(d.String()), path: d.String(), archives: int64(d.Int()), minor: d.Bool(), release: d.release()}
	if d.Bool() {
		j.flux = &fluxBuild{spec: d.String(), at: d.Span(), docs: d.String(), vars: d.pairs(), substitute: d.Bool(), unknown: d.Bool(), ignore: d.String()}
	}
	if d.Bool() {
		j.argo = &argoBuild{spec: d.String(), at: d.Span(), env: d.pairs()}
	}
	if d.Bool() {
		j.set = &applicationSet{object: d.String(), at: d.Span(), clusters: d.String(), here: d.Strings(), roots: d.pairs()}
	}
	j.trace = d.Strings()
	return j
}

func (e *encoder) release(r release) {
	e.Text(r.name)
	e.Text(r.namespace)
	e.Text(r.kubeVersion)
	e.Texts(r.apiVersions)
	e.layers(r.defaults)
	e.layers(r.layers)
	e.Bool(r.skipCRDs)
	e.Bool(r.skipHooks)
	e.Bool(r.skipTests)
	e.Texts(r.post)
	e.Text(r.strategy)
	e.Span(r.at)
}

func (d *decoder) release() release {
	r := release{name: d.String(), namespace: d.String(), kubeVersion: d.String(), apiVersions: d.Strings()}
	r.defaults, r.layers = d.layers(), d.layers()
	r.skipCRDs, r.skipHooks, r.skipTests, r.post = d.Bool(), d.Bool(), d.Bool(), d.Strings()
	r.strategy, r.at = d.String(), d.Span()
	return r
}

func (e *encoder) layers(list []layer) {
	e.Int(len(list))
	for _, l := range list {
		e.Text(l.file)
		e.Text(l.inChart)
		e.Bool(l.optional)
		e.Text(l.text)
		e.Text(l.target)
		e.Bool(l.str)
		e.Bool(l.literal)
		e.Bool(l.flux)
		e.Text(l.of)
		e.Span(l.at)
	}
}

func (d *decoder) layers() []layer {
	var list []layer
	for range d.Count() {
		list = append(list, layer{file: d.String(), inChart: d.String(), optional: d.Bool(), text: d.String(), target: d.String(),
			str: d.Bool(), literal: d.Bool(), flux: d.Bool(), of: d.String(), at: d.Span()})
	}
	return list
}

func (e *encoder) pairs(m map[string]string) {
	e.Int(len(m))
	for _, k := range sortedKeys(m) {
		e.Text(k)
		e.Text(m[k])
	}
}

func (d *decoder) pairs() map[string]string {
	m := map[string]string{}
	for range d.Count() {
		k := d.String()
		m[k] = d.String()
	}
	return m
}

func (e *encoder) request(r store.Request) {
	e.Text(string(r.Kind))
	e.Text(r.URL)
	e.Text(r.Name)
	e.Text(r.Version)
}

func (d *decoder) request() store.Request {
	return store.Request{Kind: store.Kind(d.String()), URL: d.String(), Name: d.String(), Version: d.String()}
}

func (e *encoder) product(p *product) {
	e.Text(string(p.status))
	e.Text(p.reason)
	e.problems(p.problems)
	e.Texts(p.read)
	e.looks(p.looks)
	e.Int(int(p.unpacked))
	e.Int(len(p.pads))
	for _, pad := range p.pads {
		e.Int(pad.start)
		e.Int(pad.lines)
		e.Text(pad.file)
	}
	e.Int(len(p.texts))
	for _, t := range p.texts {
		e.Text(t.file)
		e.Bool(t.written)
		e.Text(t.text)
		e.Bool(t.taken)
		e.Span(t.at)
		e.Text(t.template)
		e.Int(t.chart)
		e.runs(t.runs)
	}
	e.Int(len(p.charts))
	for _, c := range p.charts {
		e.Text(c.path)
		e.release(c.release)
	}
	e.Int(len(p.tags))
	for _, t := range p.tags {
		e.Text(t.dir)
		e.Text(t.kind)
		e.Text(t.config)
	}
	e.pieces(p.pieces)
	e.Int(len(p.options))
	for _, o := range p.options {
		e.Int(o.piece)
		e.Text(o.key)
		e.refs(o.refs)
	}
	e.Int(len(p.docs))
	for _, doc := range p.docs {
		e.node(doc)
	}
}

func (d *decoder) product() *product {
	p := &product{status: Status(d.String()), reason: d.String()}
	switch p.status {
	case Rendered, Partial, NotRendered:
	default:
		d.Fail()
	}
	p.problems = d.problems()
	p.read, p.looks = d.Strings(), d.looks()
	p.unpacked = int64(d.Int())
	for range d.Count() {
		p.pads = append(p.pads, pad{start: d.Int(), lines: d.Int(), file: d.String()})
	}
	for range d.Count() {
		p.texts = append(p.texts, text{file: d.String(), written: d.Bool(), text: d.String(), taken: d.Bool(), at: d.Span(),
			template: d.String(), chart: d.Int(), runs: d.runs()})
	}
	for range d.Count() {
		p.charts = append(p.charts, chartRelease{path: d.String(), release: d.release()})
	}
	for range d.Count() {
		p.tags = append(p.tags, tag{dir: d.String(), kind: d.String(), config: d.String()})
	}
	p.pieces = d.pieces()
	for range d.Count() {
		p.options = append(p.options, option{piece: d.Int(), key: d.String(), refs: d.refs()})
	}
	for range d.Count() {
		p.docs = append(p.docs, d.node(0))
		if d.Err != nil {
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
		e.Int(-1)
		return
	}
	for i, known := range treeErrors {
		if errors.Is(err, known) {
			e.Int(i)
			return
		}
	}
	e.Int(len(treeErrors))
	e.Text(reason(err))
}

// error reads the error of an operation on a file; nil for none.
func (d *decoder) error(op, name string) error {
	i := d.Int()
	switch {
	case d.Err != nil:
		return d.Err
	case i < 0:
		return nil
	case i < len(treeErrors):
		return &fs.PathError{Op: op, Path: name, Err: treeErrors[i]}
	}
	return &fs.PathError{Op: op, Path: name, Err: errors.New(d.String())}
}

func (e *encoder) info(i fs.FileInfo) {
	e.Text(i.Name())
	e.Int(int(i.Size()))
	e.Int(int(i.Mode()))
}

func (d *decoder) info() fileInfo {
	return fileInfo{name: d.String(), size: int64(d.Int()), mode: fs.FileMode(d.Int())}
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
	e.Text(l.resolved)
	e.info(l.info)
	switch e.Bool(l.known); {
	case !l.known:
	case l.info.IsDir():
		e.entries(l.entries)
	default:
		e.Bytes(l.data)
	}
}

func (d *decoder) look(name string) (l look) {
	if l.err = d.error("open", name); l.err != nil {
		return l
	}
	l.resolved, l.info, l.known = d.String(), d.info(), d.Bool()
	switch {
	case !l.known:
	case l.info.IsDir():
		l.entries = d.entries()
	default:
		l.data = d.Bytes()
	}
	return l
}

func (e *encoder) entries(entries []fs.DirEntry) {
	e.Int(len(entries))
	for _, entry := range entries {
		e.info(fileInfo{name: entry.Name(), mode: entry.Type()})
	}
}

func (d *decoder) entries() []fs.DirEntry {
	entries := make([]fs.DirEntry, d.Count())
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
		e.Bool(true)
		e.Text(name)
		size += len(s.look(e, name).data)
	}
	e.Bool(false)
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
	op, name := d.Byte(), d.String()
	if d.Err != nil {
		return nil, d.Err
	}
	var e encoder
	switch op {
	case askLook:
		s.look(&e, name)
	case askRead:
		data, err := s.tree.files.ReadFile(name)
		e.Buf = make([]byte, 0, len(data)+16)
		if e.error(err); err == nil {
			e.Bytes(data)
			s.sent[name] = data
		}
	case askList:
		entries, err := s.tree.files.ReadDir(name)
		if e.error(err); err == nil {
			e.entries(entries)
		}
	default:
		return nil, fmt.Errorf("%w: it asks for %d", errFrame, op)
	}
	return e.Buf, nil
}

// record notes what the worker says that it has read.
func (s *server) record(names []string, looked []Look) error {
	for _, l := range looked {
		s.tree.looks.Note(l.Name, l.What)
	}
	for _, name := range names {
		data, ok := s.sent[name]
		if !ok {
			return fmt.Errorf("%w: it reads what it was not given", errFrame)
		}
		s.tree.record(name, data)
	}
	return nil
}
