package manifest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestZZCorpus(t *testing.T) {
	root := os.Getenv("ZZC")
	if root == "" {
		t.Skip()
	}
	l := Limits{}.orDefault()
	var files, harm, bytesAll, bytesHarm, refused, dups int
	var ts, tp time.Duration
	filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil
		}
		switch filepath.Ext(p) {
		case ".yaml", ".yml", ".json":
		default:
			return nil
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return nil
		}
		files++
		bytesAll += len(data)
		s := time.Now()
		h := l.survey(data)
		ts += time.Since(s)
		if h.harmless {
			harm++
			bytesHarm += len(data)
		} else if os.Getenv("ZZV") != "" {
			fmt.Println("not proven", p, len(data))
		}
		if _, e := l.Check(data); e != nil {
			refused++
			fmt.Println("refused", p, e)
		}
		s = time.Now()
		_, problems := Parse(data)
		tp += time.Since(s)
		for _, q := range problems {
			if q.Class == DuplicateKey {
				dups++
				fmt.Println("dup", p, q)
			}
		}
		return nil
	})
	fmt.Println(files, "files", harm, "proven", bytesAll>>10, "KiB", bytesHarm>>10, "KiB proven; refused", refused, "dups", dups, "scan", ts, "parse", tp)
}
