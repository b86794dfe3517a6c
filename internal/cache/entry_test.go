package cache

import (
	"bytes"
	"testing"
)

// FuzzDecode: no bytes make the decoder panic or take more memory than an entry
// may; what was encoded is decoded.
func FuzzDecode(f *testing.F) {
	for _, kind := range []Kind{Runs, Units} {
		f.Add(encode(kind, Key{}, nil))
		f.Add(encode(kind, Key{}, bytes.Repeat([]byte("text "), 2000)))
	}
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, data []byte) {
		const most = 1 << 16
		for _, kind := range []Kind{Runs, Units} {
			if got, err := decode(kind, Key{}, data, most); err == nil && len(got) > most {
				t.Errorf("%d bytes", len(got))
			}
			// What the checksum does not stop.
			sealed := bytes.Clone(data)
			if len(sealed) >= headerSize {
				seal(sealed, kind, Key{})
				if got, err := decode(kind, Key{}, sealed, most); err == nil && len(got) > most {
					t.Errorf("%d bytes of a sealed entry", len(got))
				}
			}
			got, err := decode(kind, Key{}, encode(kind, Key{}, data), int64(len(data)))
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("%d bytes come back as %d, %v", len(data), len(got), err)
			}
		}
	})
}

// TestSealed: a right checksum over wrong numbers is no reason to believe them.
func TestSealed(t *testing.T) {
	const most = 1 << 20
	data := bytes.Repeat([]byte("text "), 2000)
	for _, test := range []struct {
		name string
		kind Kind
		at   int
		to   byte
	}{
		{"format", Runs, 4, format + 1},
		{"encoding", Runs, 5, 7},
		{"plain and shorter", Runs, 8, 1},
		{"plain and longer", Runs, 10, 1},
		{"deflated and shorter", Units, 8, 1},
		{"deflated and longer", Units, 10, 1},
		{"more than fits", Units, 11, 1},
		{"more than there is", Units, 15, 0xff},
		{"plain taken for deflated", Runs, 5, deflated},
	} {
		stored := encode(test.kind, Key{}, data)
		stored[test.at] = test.to
		seal(stored, test.kind, Key{})
		if _, err := decode(test.kind, Key{}, stored, most); err == nil {
			t.Errorf("%s: decoded", test.name)
		}
	}
	if got, err := decode(Units, Key{}, encode(Units, Key{}, data), most); err != nil || !bytes.Equal(got, data) {
		t.Error("the same without a change is not decoded")
	}
}
