package render

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/scantling-dev/scantling/internal/sandbox"
)

// WorkerCommand is the hidden command that makes the program a worker.
const WorkerCommand = "render-worker"

// Work is a worker's whole life: it renders what it is asked for on one stream
// and answers on the other, until the first ends. It returns the exit code.
func Work(in io.Reader, out io.Writer) int {
	// An interrupt is for the program, which then ends its workers.
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM)
	w := &workerEnd{out: bufio.NewWriterSize(out, 1<<16), answers: make(chan []byte, 1), jobs: make(chan frame, 1)}
	reader := bufio.NewReaderSize(in, 1<<16)
	if err := w.hello(reader); err != nil {
		return 1
	}
	go w.work()
	// What renders can't be stopped: the process ends under it.
	for {
		f, err := readFrame(reader, toWorker)
		if err != nil {
			return 0
		}
		switch f.kind {
		case frameAnswer:
			w.answers <- f.message
		default:
			w.jobs <- f
		}
	}
}

// workerEnd is the worker's end of the pipes.
type workerEnd struct {
	out     *bufio.Writer
	answers chan []byte
	jobs    chan frame
}

// hello reads the limits, gives up all rights and says so.
func (w *workerEnd) hello(r *bufio.Reader) error {
	f, err := readFrame(r, toWorker)
	if err != nil || f.kind != frameHello {
		return errors.Join(err, errFrame)
	}
	d := newDecoder(f.message)
	soft, hard := int64(d.Int()), int64(d.Int())
	if d.Err != nil {
		return d.Err
	}
	muteLibraries()
	// One unit is rendered at a time; the second thread is the collector's.
	runtime.GOMAXPROCS(2)
	// Most units need less than the memory that a worker may keep.
	debug.SetGCPercent(400)
	rights := sandbox.Enter(soft, hard)
	var e encoder
	e.Bool(rights.Closed)
	e.Bool(rights.Memory)
	e.Text(rights.Problem)
	return writeFrame(w.out, frameReady, e.Buf)
}

func (w *workerEnd) work() {
	var b *builder
	for f := range w.jobs {
		d := newDecoder(f.message)
		switch f.kind {
		case frameSettings:
			var err error
			if b, err = d.settings().builder(); err != nil || d.Err != nil {
				panic("the program sends settings that it refused itself")
			}
		case frameJob:
			j := d.job()
			tree := newRecorder(newRemoteTree(w, d), b.limits.YAML)
			warm(j.kind)
			w.send(frameBegun, nil)
			p := b.build(tree, j)
			p.read, p.looks = tree.names(), tree.looks.List()
			var e encoder
			e.product(p)
			w.send(frameDone, e.Buf)
		}
	}
}

func (w *workerEnd) send(kind byte, message []byte) {
	if err := writeFrame(w.out, kind, message); err != nil {
		// Nobody listens: the reader's end comes with it.
		select {}
	}
}

// remoteTree is the tree as a worker sees it: it asks for everything that did not
// come with the job.
type remoteTree struct {
	end   *workerEnd
	looks map[string]look
}

func newRemoteTree(end *workerEnd, d *decoder) *remoteTree {
	t := &remoteTree{end, map[string]look{}}
	for d.Bool() {
		name := d.String()
		t.looks[name] = d.look(name)
	}
	return t
}

func (t *remoteTree) ask(op byte, name string) *decoder {
	var e encoder
	e.Buf = append(e.Buf, op)
	e.Text(name)
	t.end.send(frameAsk, e.Buf)
	return newDecoder(<-t.end.answers)
}

func (t *remoteTree) look(name string) look {
	l, ok := t.looks[name]
	if !ok {
		l = t.ask(askLook, name).look(name)
		t.looks[name] = l
	}
	return l
}

// Open is not offered: what reads from a builder's tree reads whole files.
func (t *remoteTree) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: errors.ErrUnsupported}
}

// folderError says of a folder that was to be read as a file what package source
// says.
type folderError struct{}

func (folderError) Error() string { return "is a folder" }
func (folderError) Unwrap() error { return fs.ErrInvalid }

func (t *remoteTree) ReadFile(name string) ([]byte, error) {
	l := t.look(name)
	switch {
	case l.err != nil:
		return nil, l.err
	case l.info.IsDir():
		return nil, &fs.PathError{Op: "read", Path: name, Err: folderError{}}
	case l.known:
		return l.data, nil
	}
	d := t.ask(askRead, name)
	if err := d.error("open", name); err != nil {
		return nil, err
	}
	return d.Bytes(), d.Err
}

func (t *remoteTree) Stat(name string) (fs.FileInfo, error) {
	l := t.look(name)
	return l.info, l.err
}

func (t *remoteTree) ReadDir(name string) ([]fs.DirEntry, error) {
	if l := t.look(name); l.err != nil || l.known && l.info.IsDir() {
		return l.entries, l.err
	}
	d := t.ask(askList, name)
	if err := d.error("readdir", name); err != nil {
		return nil, err
	}
	return d.entries(), d.Err
}

func (t *remoteTree) Resolve(name string) (string, error) {
	l := t.look(name)
	return l.resolved, l.err
}

// Confinement says in one line each how well this system confines a worker. It
// starts one to find out.
func Confinement() []string {
	w, err := startWorker(workerLimits{soft: 256 << 20, hard: 512 << 20})
	if err != nil {
		return []string{"render worker: can't be started: " + err.Error()}
	}
	defer w.proc.Close()
	say := func(ok bool, yes, no string) string {
		if ok {
			return "render worker: " + yes
		}
		return "render worker: " + no
	}
	lines := []string{
		say(w.rights.Closed, "files, sockets and programs are closed by the kernel", "files, sockets and programs are closed by the program itself, not by the system"),
		say(w.rights.Memory, "memory is limited by the kernel", "memory is watched by the program itself"),
	}
	if w.rights.Problem != "" {
		lines = append(lines, fmt.Sprintf("render worker: %s", w.rights.Problem))
	}
	return lines
}
