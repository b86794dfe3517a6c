package secrets

import (
	"path"

	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
)

// survey is what a tree holds of SOPS, read once for all rules.
type survey struct {
	// files are those that SOPS encrypted, or that hold a part of what it writes,
	// by name.
	files map[string]*sops.File
	// configs are the names of the files of creation rules, sorted.
	configs []string
}

type surveyKey struct{}

func surveyOf(t *lint.Tree) *survey {
	return t.Shared(surveyKey{}, func() any {
		s := &survey{files: map[string]*sops.File{}}
		for _, name := range t.Files {
			if path.Base(name) == sops.ConfigName {
				s.configs = append(s.configs, name)
				continue
			}
			data, err := t.ReadFile(name)
			if err != nil || !sops.MayHold(data) {
				continue
			}
			if f := sops.ReadFile(name, data); f != nil {
				s.files[name] = f
			}
		}
		return s
	}).(*survey)
}

type sopsFileKey struct{}

// sopsFileOf is the pass's file as SOPS wrote it, read once for all rules; nil if it
// holds nothing of SOPS.
func sopsFileOf(p *lint.TreePass) *sops.File {
	if !sops.MayHold(p.File.Data) || path.Base(p.File.Name) == sops.ConfigName {
		return nil
	}
	return p.File.Shared(sopsFileKey{}, func() any {
		return sops.ReadFile(p.File.Name, p.File.Data)
	}).(*sops.File)
}
