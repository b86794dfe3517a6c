package source

import "bytes"

// maxPointer is the most that Git LFS reads of what may be a pointer.
const maxPointer = 1024

// IsLFSPointer says that a file is not the file itself, but what Git LFS has git keep
// of it: the name of content that lies on another server. In a commit and in the
// index every file in Git LFS is one, in the work tree those that were not pulled.
func IsLFSPointer(data []byte) bool {
	if len(data) > maxPointer {
		return false
	}
	for _, spec := range []string{"https://git-lfs.github.com/spec/", "http://git-media.io/v/", "https://hawser.github.com/spec/"} {
		if bytes.HasPrefix(data, []byte("version "+spec)) {
			return bytes.Contains(data, []byte("\noid sha256:"))
		}
	}
	return false
}
