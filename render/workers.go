package render

import (
	"bufio"
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scantling-dev/scantling/internal/limits"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/internal/sandbox"
)

// Workers are processes that render. They are started when there is something
// to render, and one is not used again after a unit that ended it.
type Workers struct {
	limits limits.Limits
	count  int
	idle   chan *worker
	unused chan struct{} // one for each worker that may be started
	// starting is how many are being started before they are needed.
	starting atomic.Int32
	// alone is held by a unit that needs the memory of all workers, and shared
	// by the others.
	alone  sync.RWMutex
	budget budget
	// hopeless are the charts and kustomizations that ended a worker.
	hopeless sync.Map
}

// maxWorkers is how many workers there are at most, however many processors: the
// memory is shared among them.
const maxWorkers = 4

// NewWorkers makes up to n workers, 0 meaning one for each processor. None is
// started before it is needed. Close ends them.
func NewWorkers(n int, l limits.Limits) *Workers {
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	n = min(n, maxWorkers)
	ws := &Workers{limits: l, count: n, idle: make(chan *worker, n), unused: make(chan struct{}, n), budget: newBudget(l.RenderTimeout)}
	for range n {
		ws.unused <- struct{}{}
	}
	return ws
}

// Close ends the workers. Nothing may be rendered meanwhile.
func (ws *Workers) Close() {
	for range ws.count {
		select {
		case <-ws.unused:
		case w := <-ws.idle:
			w.proc.Close()
		}
	}
}

// ready starts workers for so many units in the background, while the program
// still looks for what to render.
func (ws *Workers) ready(units int) {
	for range min(units, ws.count) {
		select {
		case <-ws.unused:
		default:
			return
		}
		ws.starting.Add(1)
		go func() {
			defer ws.starting.Add(-1)
			// What prevents it is met again when a worker is needed.
			if w, err := startWorker(ws.workerLimits(ws.count)); err == nil {
				ws.idle <- w
			} else {
				ws.unused <- struct{}{}
			}
		}()
	}
}

// acquire waits for a worker, and starts one while there are fewer than there
// may be.
func (ws *Workers) acquire(ctx context.Context) (*worker, error) {
	unused := ws.unused
	if ws.starting.Load() > 0 {
		// One is about to be there: a moment's wait is quicker than a start.
		unused = nil
	}
	for {
		select {
		case w := <-ws.idle:
			return w, nil
		default:
		}
		select {
		case w := <-ws.idle:
			return w, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
			unused = ws.unused
		case <-unused:
			w, err := startWorker(ws.workerLimits(ws.count))
			if err != nil {
				ws.unused <- struct{}{}
				return nil, &errNoWorker{err}
			}
			return w, nil
		}
	}
}

// discard ends a worker that is of no more use.
func (ws *Workers) discard(w *worker) {
	w.proc.Close()
	ws.unused <- struct{}{}
}

// budget is the time that units which run into their limit have in all, so that
// many of them end, too.
type budget struct {
	full, least time.Duration

	mu   sync.Mutex
	left time.Duration
}

// newBudget shares one and a half times what a unit may take; when it is used
// up, an eightieth of that is left to each, five times what most need.
func newBudget(timeout time.Duration) budget {
	return budget{full: timeout, least: timeout / 80, left: timeout * 3 / 2}
}

// allowance is how long a unit may take at this moment.
func (b *budget) allowance() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(b.least, min(b.full, b.left))
}

// spent says that the time for units that run into the limit is used up.
func (b *budget) spent() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.left == 0
}

func (b *budget) take(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = max(0, b.left-d)
}

// worker is the program's end of one worker.
type worker struct {
	proc     *sandbox.Process
	in       *bufio.Writer
	out      *bufio.Reader
	rights   sandbox.Rights
	settings *settings
}

type workerLimits struct{ soft, hard int64 }

func startWorker(l workerLimits) (*worker, error) {
	proc, err := sandbox.Start(WorkerCommand)
	if err != nil {
		return nil, err
	}
	w := &worker{proc: proc, in: bufio.NewWriterSize(proc.In, 1<<16), out: bufio.NewReaderSize(proc.Out, 1<<16)}
	var e encoder
	e.Int(int(l.soft))
	e.Int(int(l.hard))
	err = writeFrame(w.in, frameHello, e.Buf)
	var f frame
	if err == nil {
		f, err = readFrame(w.out, fromWorker)
	}
	if err == nil && f.kind != frameReady {
		err = errFrame
	}
	if err != nil {
		proc.Close()
		return nil, fmt.Errorf("starting a render worker: %w", err)
	}
	d := newDecoder(f.message)
	w.rights = sandbox.Rights{Closed: d.Bool(), Memory: d.Bool(), Problem: d.String()}
	return w, nil
}

// errNoWorker says that units can't be rendered in processes of their own here.
type errNoWorker struct{ err error }

func (e *errNoWorker) Error() string {
	return e.err.Error() + "; --no-worker renders in this process, without protection from input that is made to harm"
}

func (e *errNoWorker) Unwrap() error { return e.err }

// build has a worker build a unit. The error is a failure to do so at all; what
// is wrong with the unit is among the problems of the product.
func (ws *Workers) build(ctx context.Context, s *settings, tree *recorder, j job) (*product, error) {
	key := string(j.kind) + j.path
	if _, hopeless := ws.hopeless.Load(key); hopeless && ws.budget.spent() {
		// The same chart with other values: not worth another worker.
		p := &product{}
		p.fail(ws.death(j, tree, tooLittleTime))
		return p, nil
	}
	p, why, err := ws.together(ctx, s, tree, j)
	if err == nil && why == tooMuchMemory && ws.count > 1 && !ws.budget.spent() {
		// The worker had its share of the memory only. That it is not enough
		// says nothing of the unit: by itself it may have all.
		p, why, err = ws.byItself(ctx, s, tree, j)
	}
	if err != nil || why == finished {
		return p, err
	}
	ws.hopeless.Store(key, true)
	p = &product{killed: true}
	p.fail(ws.death(j, tree, why))
	return p, nil
}

func (ws *Workers) together(ctx context.Context, s *settings, tree *recorder, j job) (*product, ending, error) {
	ws.alone.RLock()
	defer ws.alone.RUnlock()
	w, err := ws.acquire(ctx)
	if err != nil {
		return nil, died, err
	}
	p, why, err := ws.run(ctx, w, s, tree, j, 1)
	if err != nil || why != finished {
		ws.discard(w)
		return nil, why, err
	}
	ws.idle <- w
	return p, finished, nil
}

func (ws *Workers) byItself(ctx context.Context, s *settings, tree *recorder, j job) (*product, ending, error) {
	ws.alone.Lock()
	defer ws.alone.Unlock()
	for range ws.count {
		// None of the others works; what they hold is needed here.
		select {
		case w := <-ws.idle:
			ws.discard(w)
		default:
		}
	}
	w, err := startWorker(ws.workerLimits(1))
	if err != nil {
		return nil, died, &errNoWorker{err}
	}
	// It keeps its memory no longer than needed.
	defer w.proc.Close()
	return ws.run(ctx, w, s, tree, j, ws.count)
}

// workerLimits are those of one of n workers that share the memory. The
// collector aims at two thirds; the kernel refuses what is more than all, so that one
// huge allocation is met before it is made.
func (ws *Workers) workerLimits(n int) workerLimits {
	return workerLimits{soft: ws.limits.WorkerMemory / int64(n) * 2 / 3, hard: ws.limits.WorkerMemory}
}

// ending is how a unit's rendering ended.
type ending int

const (
	finished ending = iota
	tooMuchTime
	tooLittleTime // the time of the run was used up by others
	tooMuchMemory
	tooMuchStack
	died
)

// patience is how many times its processor time a unit may take by the clock. A
// worker has nothing to wait for, so that only a busy machine makes it take
// longer; and where processor time is not known, the clock counts as such.
const patience = 10

// tick is how often a worker is looked at. At full speed a process takes some 20
// MiB of new memory in this time.
const tick = 10 * time.Millisecond

// watch ends a worker that takes too long, or more than the memory of so many
// workers, and says why. The time counts from begun, when the worker begins to
// read the unit, and it counts for all the workers that it keeps waiting.
func (ws *Workers) watch(ctx context.Context, w *worker, workers int, begun, done <-chan struct{}) ending {
	memory := ws.limits.WorkerMemory / int64(ws.count) * int64(workers) * 5 / 6
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	start, started := time.Now(), false
	var cpu time.Duration
	used := func() time.Duration {
		if now, ok := w.proc.CPU(); ok {
			return now - cpu
		}
		return time.Since(start)
	}
	why := finished
	for why == finished {
		select {
		case <-done:
			return finished
		case <-ctx.Done():
			why = died
		case <-begun:
			start, started = time.Now(), true
			cpu, _ = w.proc.CPU()
		case <-ticker.C:
			allowed := ws.budget.allowance()
			resident, ok := w.proc.Resident()
			switch {
			case ok && resident > memory:
				why = tooMuchMemory
			case started && used() > allowed && allowed < ws.budget.full:
				why = tooLittleTime
			case started && used() > allowed, time.Since(start) > patience*ws.budget.full:
				why = tooMuchTime
			}
		}
	}
	if started {
		ws.budget.take(used() * time.Duration(workers))
	}
	w.proc.Kill()
	return why
}

// run has one worker build a unit, with the memory of so many workers.
func (ws *Workers) run(ctx context.Context, w *worker, s *settings, tree *recorder, j job, workers int) (*product, ending, error) {
	begun, done, ended := make(chan struct{}, 1), make(chan struct{}), make(chan ending, 1)
	go func() { ended <- ws.watch(ctx, w, workers, begun, done) }()
	p, err := w.converse(s, tree, j, begun)
	close(done)
	why := <-ended
	if ctx.Err() != nil {
		return nil, died, ctx.Err()
	}
	switch {
	case err == nil && why == finished:
		return p, finished, nil
	case why != finished:
		return nil, why, nil
	}
	w.proc.Kill()
	switch w.proc.Wait() {
	case sandbox.StackOverflow:
		return nil, tooMuchStack, nil
	case sandbox.OutOfMemory:
		return nil, tooMuchMemory, nil
	}
	return nil, died, nil
}

// converse sends a job to a worker and answers what it asks until it is done.
func (w *worker) converse(s *settings, tree *recorder, j job, begun chan<- struct{}) (*product, error) {
	if w.settings != s {
		var e encoder
		e.settings(s)
		if err := writeFrame(w.in, frameSettings, e.Buf); err != nil {
			return nil, err
		}
		w.settings = s
	}
	serve := newServer(tree)
	var e encoder
	e.job(j)
	serve.push(&e, j.expect)
	if err := writeFrame(w.in, frameJob, e.Buf); err != nil {
		return nil, err
	}
	for {
		f, err := readFrame(w.out, fromWorker)
		if err != nil {
			return nil, err
		}
		switch f.kind {
		case frameBegun:
			select {
			case begun <- struct{}{}:
			default:
			}
		case frameAsk:
			message, err := serve.answer(f.message)
			if err != nil {
				return nil, err
			}
			if err := writeFrame(w.in, frameAnswer, message); err != nil {
				return nil, err
			}
		case frameDone:
			d := newDecoder(f.message)
			p := d.product()
			if d.Err != nil {
				return nil, d.Err
			}
			return p, serve.record(p.read, p.looks)
		default:
			return nil, errFrame
		}
	}
}

// death says why a unit ended its worker.
func (ws *Workers) death(j job, tree *recorder, why ending) Problem {
	p := Problem{At: manifest.Span{File: j.mainFile(tree)}}
	what := "the kustomization"
	if j.kind == Helm {
		what = "the chart"
	}
	switch why {
	case tooMuchTime:
		p.Class, p.Fix = "limit-time", limits.Raise("render-timeout")
		p.Message = fmt.Sprintf("rendering %s took more than %s and was stopped", what, ws.budget.full)
	case tooLittleTime:
		p.Class, p.Fix = "limit-time", limits.Raise("render-timeout")
		p.Message = fmt.Sprintf("rendering %s was stopped early: others that ran into the limit of %s have used up the time for such", what, ws.budget.full)
	case tooMuchMemory:
		p.Class, p.Fix = "limit-memory", limits.Raise("worker-memory")
		p.Message = fmt.Sprintf("rendering %s took more memory than %d MiB and was stopped", what, ws.limits.WorkerMemory>>20)
	case tooMuchStack:
		p.Class = "limit-memory"
		p.Message = fmt.Sprintf("rendering %s recurses without end and was stopped", what)
		if j.kind == Helm {
			p.Class = "template-recursion"
			p.Message = "the chart's templates call each other, or a value contains itself, without end"
		}
	default:
		p.Class = "render-failed"
		p.Message = fmt.Sprintf("rendering %s ended the process that did it", what)
	}
	return p
}
