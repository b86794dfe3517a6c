package source

import (
	"strings"
	"testing"
)

func TestIsLFSPointer(t *testing.T) {
	const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
	for text, want := range map[string]bool{
		pointer: true,
		strings.Replace(pointer, "oid", "ext-0-foo sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\noid", 1): true,
		strings.ReplaceAll(pointer, "\n", "\r\n"):           true,
		pointer + strings.Repeat("#", maxPointer):           false,
		"version https://git-lfs.github.com/spec/v1\n":      false,
		"# version https://git-lfs.github.com\noid sha256:": false,
		"": false,
	} {
		if got := IsLFSPointer([]byte(text)); got != want {
			t.Errorf("IsLFSPointer(%q) = %v", text, got)
		}
	}
}
