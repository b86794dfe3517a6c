package source

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var configCases = []string{
	"", "[core]\n\tbare = false\n", "[core]bare=false", "[Core]\nBare\n", "[a] x=1\n[a] x=2\n", "[a \"Sub.Sec\"]\nx = y\n", "[a \"q\\\"u\\\\o\\te\"]\nx = y\n",
	"[a.B]\nx=1\n", "[a]\r\nx = 1\r\n", "\ufeff[a]\nx = 1\n", "[a]\nx = \"  b  \"  \n", "[a]\nx = b  c # d\n", "[a]\nx = \"b # c\" ; d\n", "[a]\nx = b\\\n  c\n",
	"[a]\nx = \\t\\n\\b\\\\\\\"\n", "[a]\nx = \"b\\\nc\"\n", "[a]\nx=\n", "[a]\nx\t=\t\ty\n", "# c\n; d\n[a] # e\nx=1", "[a]x = 1 [b]\ny=2\n", "[a]\n x-y = 1\n", "[a]\nx1=1\n",
	"[a]\nx = b\"c\"d\n", "[a]\nx = \"\"\n", "[a]\nx = b\"\"\n", "[ a]\nx=1\n", "[a]]\n", "[a \"b\"]x=1\n[a \"b\"]y\n", "[a\t\"b\"]\nx=1\n", "[extensions]\n\tworktreeConfig = true\n",
	"[a]\nx=\\q\n", "[a\n]\nx=1\n", "[a]\n1x=1\n", "[a]\nx_y=1\n", "[a]\nx y\n", "[a]\nx=\"b\n", "[a \"b]\nx=1\n", "[a \"b\" ]\nx=1\n", "x\n", "[a]\nx = b\\", "[a]\nx = b \\\n\n", "[a]\nx",
	"[a]\nx # c\n", "[a \"\"]\nx=1\n", "[include]\n\tpath = /dev/zero\n", "[a]\rx=1\n", "[a]\nx=1\ry=2\n", "[a", "[a \"b\\", "[a]\n\vx=1\n", "[a]\nx=ü\n", "[ü]\nx=1\n",
}

func TestGitConfigLikeGit(t *testing.T) {
	dir := tempDir(t)
	name := filepath.Join(dir, "config")
	good := 0
	for _, text := range configCases {
		write(t, dir, map[string]string{"config": text})
		out, wantErr := gitTry(t, dir, nil, nil, "config", "-z", "--list", "--no-includes", "--file", name)
		want := gitConfig{}
		for item := range strings.SplitSeq(strings.TrimSuffix(out, "\x00"), "\x00") {
			if key, value, ok := strings.Cut(item, "\n"); ok {
				want[key] = value
			} else if key != "" {
				want[key] = "true"
			}
		}
		got, err := parseGitConfig([]byte(text))
		if (err != nil) != (wantErr != nil) || err == nil && !maps.Equal(got, want) {
			t.Errorf("%q gives %q, %v, and git has %q, %v", text, got, err, want, wantErr)
		}
		if err == nil {
			good++
		}
	}
	if good < 20 || good > len(configCases)-10 {
		t.Errorf("%d of %d cases are well-formed: they say little", good, len(configCases))
	}
}

func FuzzGitConfig(f *testing.F) {
	for _, c := range configCases {
		f.Add([]byte(c))
	}
	dir := newRepo(f, sample)
	git(f, dir, "remote", "add", "origin", "https://example.org/x.git")
	data, err := os.ReadFile(filepath.Join(dir, ".git/config"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		config, err := parseGitConfig(data)
		if err != nil {
			return
		}
		for key, value := range config {
			if len(key)+len(value) > len(data)+len(".true") || strings.ContainsRune(key, '\n') {
				t.Errorf("%q = %q", key, value)
			}
		}
		config.unreadable()
	})
}
