package fetch

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/scantling-dev/scantling/internal/store"
)

// maxUnpacked bounds what an archive unpacks to, what is skipped included: 2 GiB.
const maxUnpacked = 2 << 30

// unpack adds what a packed folder holds. One entry that leads out of it refuses
// the whole.
func unpack(folder *store.Folder, packed io.Reader) error {
	z, err := gzip.NewReader(packed)
	if err != nil {
		return errors.New("it is not packed with gzip")
	}
	limited := &io.LimitedReader{R: z, N: maxUnpacked}
	t := tar.NewReader(limited)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if limited.N <= 0 {
			return fmt.Errorf("it unpacks to more than %d GiB", maxUnpacked>>30)
		}
		if err != nil {
			return errors.New("it is no whole tar archive")
		}
		if err := unpackEntry(folder, h, t); err != nil {
			return err
		}
	}
}

func unpackEntry(folder *store.Folder, h *tar.Header, content io.Reader) error {
	name := path.Clean(strings.TrimSuffix(h.Name, "/"))
	if h.Typeflag == tar.TypeXGlobalHeader || name == "." {
		return nil
	}
	if !fs.ValidPath(name) {
		return fmt.Errorf("its entry %.100q leads out of it", h.Name)
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return nil
	case tar.TypeReg:
		return folder.File(name, h.Size, content)
	case tar.TypeSymlink:
		target := path.Join(path.Dir(name), h.Linkname)
		if path.IsAbs(h.Linkname) || !fs.ValidPath(target) {
			return fmt.Errorf("its symlink %.100q leads out of it", h.Name)
		}
		return folder.Link(name, h.Linkname)
	}
	return fmt.Errorf("its entry %.100q is neither a file, a folder nor a symlink", h.Name)
}
