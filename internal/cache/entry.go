package cache

import (
	"bytes"
	"compress/flate"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"sync"
)

// An entry on the disk, numbers little-endian:
//
//	0  magic
//	4  format
//	5  encoding
//	6  0, 0
//	8  length of what it holds, 8 bytes
//	16 checksum, 4 bytes: of the 16 bytes before, kind, key and what follows
//	20 what it holds, encoded
//
// The checksum finds what was written in part or changed since, and an entry
// under a name that is not its own. It is no protection against somebody who
// writes to the folder: the folder's mode is that.
const (
	magic      = "sccl"
	format     = 1
	headerSize = 20
)

const (
	plain    = 0
	deflated = 1
)

// compressFrom is the size from which compressing an entry saves a block on the
// disk.
const compressFrom = 4 << 10

// castagnoli is computed by the processor's own instruction. Making the table is
// not free, and a run without a cache needs none.
var castagnoli = sync.OnceValue(func() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) })

func checksum(kind Kind, key Key, head, payload []byte) uint32 {
	t := castagnoli()
	sum := crc32.Update(0, t, head)
	sum = crc32.Update(sum, t, []byte(kind))
	sum = crc32.Update(sum, t, key[:])
	return crc32.Update(sum, t, payload)
}

// encode is an entry as it is written.
func encode(kind Kind, key Key, data []byte) []byte {
	encoding, payload := byte(plain), data
	if compresses(kind) && len(data) >= compressFrom {
		if small := deflate(data); len(small) < len(data)-len(data)/8 {
			encoding, payload = deflated, small
		}
	}
	out := make([]byte, headerSize, headerSize+len(payload))
	copy(out, magic)
	out[4], out[5] = format, encoding
	binary.LittleEndian.PutUint64(out[8:], uint64(len(data)))
	out = append(out, payload...)
	seal(out, kind, key)
	return out
}

// seal puts the checksum into an entry that is otherwise complete.
func seal(entry []byte, kind Kind, key Key) {
	binary.LittleEndian.PutUint32(entry[16:], checksum(kind, key, entry[:16], entry[headerSize:]))
}

// compresses says that entries of a kind are worth being compressed. A run reads
// at most one entry of Runs, on which its whole answer waits, and reading it as it
// is takes a tenth of the time.
func compresses(kind Kind) bool { return kind != Runs }

func deflate(data []byte) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestSpeed)
	if err != nil {
		panic(err) // the level is one
	}
	_, err = w.Write(data)
	if err = errors.Join(err, w.Close()); err != nil {
		panic(err) // a buffer takes everything
	}
	return b.Bytes()
}

// maxDeflate is how many bytes one byte of deflate's can stand for.
const maxDeflate = 1032

// decode is what an entry holds. The result may share the memory of what was
// stored.
func decode(kind Kind, key Key, stored []byte, most int64) ([]byte, error) {
	if len(stored) < headerSize || string(stored[:4]) != magic || stored[4] != format {
		return nil, errors.New("it is none of this format")
	}
	payload := stored[headerSize:]
	if binary.LittleEndian.Uint32(stored[16:]) != checksum(kind, key, stored[:16], payload) {
		return nil, errors.New("it is damaged")
	}
	size := binary.LittleEndian.Uint64(stored[8:])
	if size > uint64(most) {
		return nil, errTooLarge
	}
	switch stored[5] {
	case plain:
		if size != uint64(len(payload)) {
			return nil, errors.New("its length is wrong")
		}
		return payload, nil
	case deflated:
		if size > maxDeflate*uint64(len(payload)) {
			return nil, errors.New("its length is wrong")
		}
		return inflate(payload, int(size))
	default:
		return nil, fmt.Errorf("its encoding %d is not known", stored[5])
	}
}

func inflate(payload []byte, size int) ([]byte, error) {
	r := flate.NewReader(bytes.NewReader(payload))
	data := make([]byte, size)
	if _, err := io.ReadFull(r, data); err != nil {
		return nil, err
	}
	if n, err := r.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		return nil, errors.New("its length is wrong")
	}
	return data, r.Close()
}

// newPrefix begins the name of a file that is being written.
const newPrefix = ".new-"

// replace writes a file of a folder in one step: another process sees all of it or none. It is
// not forced to the disk: the checksum finds what a crash left half written.
func replace(root *os.Root, name string, data []byte) error {
	temporary := newPrefix + rand.Text()
	f, err := root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = root.Rename(temporary, name)
	}
	if err != nil {
		_ = root.Remove(temporary)
	}
	return err
}
