// Package wire writes values as bytes and reads them again: what crosses the pipe
// to a render worker, and what is kept between runs. A number is a varint, a text
// its length and its bytes. Whoever reads trusts nothing of it.
package wire

import (
	"encoding/binary"
	"errors"
	"unsafe"
)

// Encoder writes values one behind the other. The zero Encoder is empty.
type Encoder struct {
	// Buf is what was written.
	Buf []byte
}

// Int writes a number.
func (e *Encoder) Int(n int) { e.Buf = binary.AppendVarint(e.Buf, int64(n)) }

// Bool writes one byte, 0 or 1.
func (e *Encoder) Bool(b bool) {
	if b {
		e.Buf = append(e.Buf, 1)
	} else {
		e.Buf = append(e.Buf, 0)
	}
}

// Text writes a text.
func (e *Encoder) Text(s string) {
	e.Int(len(s))
	e.Buf = append(e.Buf, s...)
}

// Bytes writes what String and Bytes of a Decoder read.
func (e *Encoder) Bytes(b []byte) {
	e.Int(len(b))
	e.Buf = append(e.Buf, b...)
}

// Texts writes a list of texts.
func (e *Encoder) Texts(list []string) {
	e.Int(len(list))
	for _, s := range list {
		e.Text(s)
	}
}

// ErrMessage says that a message is not what an encoder wrote.
var ErrMessage = errors.New("a message can't be read")

// Decoder reads what an Encoder wrote. After the first fault it gives zeros.
type Decoder struct {
	// Err is the first fault; nil for none.
	Err error

	buf  []byte
	text string // the same bytes
	at   int
}

// NewDecoder takes a message, which must not be changed afterwards: the texts
// that are read are parts of it.
func NewDecoder(message []byte) Decoder {
	return Decoder{buf: message, text: unsafe.String(unsafe.SliceData(message), len(message))}
}

// Fail notes that what was read makes no sense.
func (d *Decoder) Fail() { d.Err = ErrMessage }

// Done says that all was read, without a fault.
func (d *Decoder) Done() bool { return d.Err == nil && d.at == len(d.buf) }

// Int reads a number.
func (d *Decoder) Int() int {
	if d.Err != nil {
		return 0
	}
	n, size := binary.Varint(d.buf[d.at:])
	if size <= 0 || int64(int(n)) != n {
		d.Fail()
		return 0
	}
	d.at += size
	return int(n)
}

// Count reads how many things follow, each of at least one byte.
func (d *Decoder) Count() int {
	n := d.Int()
	if n < 0 || n > len(d.buf)-d.at {
		d.Fail()
		return 0
	}
	return n
}

// Byte reads one byte.
func (d *Decoder) Byte() byte {
	if d.Err != nil || d.at >= len(d.buf) {
		d.Fail()
		return 0
	}
	d.at++
	return d.buf[d.at-1]
}

// Bool reads a byte that is 0 for false.
func (d *Decoder) Bool() bool { return d.Byte() != 0 }

// String reads a text.
func (d *Decoder) String() string {
	n := d.Count()
	d.at += n
	return d.text[d.at-n : d.at]
}

// Bytes reads bytes.
func (d *Decoder) Bytes() []byte {
	n := d.Count()
	d.at += n
	return d.buf[d.at-n : d.at : d.at]
}

// Strings reads a list of texts.
func (d *Decoder) Strings() []string {
	list := make([]string, d.Count())
	for i := range list {
		list[i] = d.String()
	}
	return list
}
