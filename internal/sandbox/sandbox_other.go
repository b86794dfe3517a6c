//go:build !linux

package sandbox

import (
	"errors"
	"os"
	"runtime/metrics"
	"time"
)

func program() (string, error) { return os.Executable() }

// CPU is not known here; wall time is the limit.
func (p *Process) CPU() (time.Duration, bool) { return 0, false }

// Resident is not known here; the worker watches itself.
func (p *Process) Resident() (int64, bool) { return 0, false }

// limitMemory lets the worker watch its own memory and end when there is too
// much of it. One large allocation can be quicker than the watch.
func limitMemory(hard int64) error {
	go func() {
		sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
		for range time.Tick(10 * time.Millisecond) {
			metrics.Read(sample)
			if int64(sample[0].Value.Uint64()-sample[1].Value.Uint64()) > hard {
				os.Exit(memoryExit)
			}
		}
	}()
	return errors.New("the system offers no limit that the runtime survives")
}

func seal() error { return errors.New("no system call filter on this system") }
