package render_test

import (
	"context"
	"testing"

	"github.com/scantling-dev/scantling/internal/source"
	"github.com/scantling-dev/scantling/render"
)

// BenchmarkRender renders every unit of the sample repository.
func BenchmarkRender(b *testing.B) {
	repo, err := source.Open("../testdata/sample")
	if err != nil {
		b.Fatal(err)
	}
	want := func(u *render.Unit) bool { return u.Concerns(repo.Prefix()) }
	for b.Loop() {
		r, err := render.New(repo.Worktree(), render.Options{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := r.Run(context.Background(), want, func(*render.Result) {}, nil); err != nil {
			b.Fatal(err)
		}
	}
}
