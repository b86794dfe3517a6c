//go:build unix

package cache

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// trusted says why a folder is not to be believed: who else can write to it could
// make the next run find nothing. The superuser can do that anyway.
func trusted(info fs.FileInfo) error {
	if perm := info.Mode().Perm(); perm&0o022 != 0 {
		return fmt.Errorf("others may write to it (mode %04o): remove it, or chmod it to 0700 if you know what is in it", perm)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if ok && stat.Uid != 0 && int(stat.Uid) != os.Geteuid() {
		return fmt.Errorf("it belongs to another user (%d)", stat.Uid)
	}
	return nil
}
