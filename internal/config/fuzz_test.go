package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// FuzzConfig holds that a configuration is either read or refused with errors
// that have a place, the same way twice.
func FuzzConfig(f *testing.F) {
	for _, text := range []string{
		"version: 1\nfail-on: medium\nexclude: [ \"vendor/**\" ]\nrules:\n  host-path: {severity: low}\n  image-registry: {enabled: false, options: {registries: ghcr.io}}\n",
		"kubernetes: {version: 1.30, api-versions: [example.com/v1/Widget]}\nhelm: {values: [\"env/*.yaml\"]}\n",
		"limits: {depth: 300, file-size: 20MiB, render-timeout: 8s}\n", "limits:\n  depth: -1\n  file-size: 1e9GiB\n  dept: 3\n",
		"a: &a [*a]\n", "rules: &r {host-path: on, <<: {internal: off}}\n", "? [a]\n: b\n", "fail-on: none\n---\na\n", "exclude: [null, '{', /a]\n",
	} {
		f.Add([]byte(text))
	}
	names, err := filepath.Glob("../../testdata/*/.scantling.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	rules := testRules()
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse(data, rules)
		again, errAgain := Parse(data, rules)
		if !reflect.DeepEqual(c, again) || !reflect.DeepEqual(err, errAgain) {
			t.Error("read twice, it is not the same")
		}
		if (c == nil) == (err == nil) {
			t.Fatalf("%v and %v", c, err)
		}
		if err == nil {
			return
		}
		for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
			var fault *Error
			if !errors.As(e, &fault) || fault.Line < 1 || fault.Column < 1 || fault.Message == "" || len(fault.Message) > 500 || strings.ContainsAny(fault.Message, "\n\x1b") {
				t.Errorf("a bad error: %q", e.Error())
			}
		}
	})
}
