package cli

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
)

// buildOf identifies what a program was made of, by its file. The linker puts a
// digest of all that it linked near the beginning, so that the head of the file
// tells: equal builds are one, wherever and whenever they were made, as a
// pipeline's are that builds scantling anew each time.
func buildOf(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	head := make([]byte, 64<<10)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", err
	}
	head = head[:n]
	id := fmt.Sprintf("%x %d", sha256.Sum256(head), info.Size())
	// It can be left out (-ldflags=-buildid=). In an ELF file it is a note of the
	// owner Go, elsewhere it is text.
	if !bytes.Contains(head, []byte("\x04\x00\x00\x00Go\x00\x00")) && !bytes.Contains(head, []byte("Go build ID: ")) {
		id += fmt.Sprint(" ", info.ModTime().UnixNano())
	}
	return id, nil
}
