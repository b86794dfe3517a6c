package cache_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/scantling-dev/scantling/internal/cache"
)

// processVariable makes this test program one of those that share a cache.
const processVariable = "CACHE_TEST_PROCESS"

func TestMain(m *testing.M) {
	if n, err := strconv.Atoi(os.Getenv(processVariable)); err == nil {
		os.Exit(share(os.Args[1], n))
	}
	os.Exit(m.Run())
}

// share works on a cache as others do at the same time: short runs that write what
// others write, and trim.
func share(dir string, process int) int {
	t := &testing.T{}
	for run := range 20 {
		once(dir, 1<<18, func(c *cache.Cache) {
			for n := range 10 {
				hammer(t, c, process, run+n)
			}
		})
	}
	if t.Failed() {
		return 1
	}
	return 0
}

func TestProcesses(t *testing.T) {
	program, err := os.Executable()
	check(t, err)
	dir := filepath.Join(t.TempDir(), "cache")
	var all []*exec.Cmd
	for n := range 6 {
		cmd := exec.Command(program, dir)
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", processVariable, n))
		cmd.Stderr = os.Stderr
		check(t, cmd.Start())
		all = append(all, cmd)
	}
	for n, cmd := range all {
		if err := cmd.Wait(); err != nil {
			t.Errorf("process %d: %v", n, err)
		}
	}
	once(dir, 1<<18, func(c *cache.Cache) {
		found := 0
		for n := range 5 {
			if _, ok := c.Get(cache.Units, keyOf(fmt.Sprint("entry ", n))); ok {
				found++
			}
		}
		if found == 0 {
			t.Error("nothing is left")
		}
		s, err := c.Stats()
		check(t, err)
		if s.Entries != found {
			t.Errorf("%d entries, of which %d are whole", s.Entries, found)
		}
	})
}
