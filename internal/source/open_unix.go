//go:build unix

package source

import (
	"os"
	"syscall"
)

// Opening a named pipe must not wait for a writer.
const openFlags = os.O_RDONLY | syscall.O_NONBLOCK
