package cli

import (
	"fmt"
	"runtime/debug"

	"github.com/scantling-dev/scantling/render"
	"github.com/urfave/cli/v2"
)

// Version is set by release builds (-ldflags -X).
var Version string

func version() string {
	if Version != "" {
		return Version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "print the version, and those of the libraries that decide the output",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "verbose", Usage: "say how well this system confines what renders"},
		},
		Action: func(c *cli.Context) error {
			fmt.Fprintf(c.App.Writer, "scantling %s\n", version())
			info, ok := debug.ReadBuildInfo()
			if !ok {
				return nil
			}
			fmt.Fprintf(c.App.Writer, "go %s\n", info.GoVersion)
			for _, m := range info.Deps {
				switch m.Path {
				case "helm.sh/helm/v3", "sigs.k8s.io/kustomize/api", "k8s.io/api":
					fmt.Fprintf(c.App.Writer, "%s %s\n", m.Path, m.Version)
				}
			}
			if c.Bool("verbose") {
				for _, line := range render.Confinement() {
					fmt.Fprintln(c.App.Writer, line)
				}
			}
			fmt.Fprintf(c.App.Writer, "charts are rendered for Kubernetes %s unless told otherwise\n", render.DefaultKubeVersion)
			return nil
		},
	}
}
