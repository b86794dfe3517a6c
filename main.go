// Scantling renders what a GitOps repository deploys and lints it.
package main

import (
	"os"

	"github.com/scantling-dev/scantling/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args, os.Stdout, os.Stderr))
}
