package source

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// OpenRoot opens the folder dir as a root of its own, whatever repository it lies
// in: a checkout, or an unpacked archive that git knows nothing of.
func OpenRoot(dir string) (*Repository, error) {
	root, err := filepath.Abs(dir)
	if err == nil {
		root, err = filepath.EvalSymlinks(root)
	}
	if err != nil {
		return nil, fmt.Errorf("open the folder: %w", err)
	}
	if info, err := os.Stat(root); err != nil {
		return nil, fmt.Errorf("open the folder: %w", err)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("open the folder: %s is a file; name the folder that holds the checkout", dir)
	}
	handle, err := os.OpenRoot(root)
	if err != nil {
		return nil, fmt.Errorf("open the folder: %w", err)
	}
	r := &Repository{MaxFiles: DefaultMaxFiles, root: root, prefix: ".", dir: handle, git: gitOf(root)}
	r.objects = sync.OnceValues(r.openObjects)
	return r, nil
}
