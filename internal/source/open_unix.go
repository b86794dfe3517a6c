//go:build unix

package source

import (
	"os"
	"syscall"
)

// Opening a named pipe must not wait for a writer, and what took a file's place
// after it was looked at must not be followed.
const openFlags = os.O_RDONLY | syscall.O_NONBLOCK | syscall.O_NOFOLLOW
