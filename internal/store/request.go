// Package store keeps what a repository deploys from elsewhere: packaged charts,
// git repositories and single files, each under the digest of what it holds.
// Reading it needs no network; package fetch fills it.
package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Kind is what is asked for.
type Kind string

// The kinds of what a store keeps.
const (
	// Chart is a packaged Helm chart, of a chart repository over HTTP or of an
	// OCI registry.
	Chart Kind = "chart"
	// Git is a git repository at one revision.
	Git Kind = "git"
	// OCI is an artifact of an OCI registry that holds a folder, as Flux's
	// OCIRepository names it.
	OCI Kind = "oci"
	// File is one file over http or https.
	File Kind = "file"
)

// Request is something from elsewhere, as a repository asks for it. The zero
// Request asks for nothing.
type Request struct {
	Kind Kind
	// URL is the chart repository (https://… or oci://…), the git repository,
	// the OCI artifact (oci://registry/name) or the file. It holds no
	// credentials.
	URL string
	// Name is the chart's name in its repository; else empty. A chart in a
	// registry is URL/Name.
	Name string
	// Version is a chart's version or a range of versions (empty: the newest
	// that is no pre-release), a git revision (branch, tag, commit or "semver:"
	// and a range; empty: the default branch), or an artifact's tag, "semver:"
	// and a range, or digest.
	Version string
}

// ID names a request in the store: 32 hexadecimal digits that are the same
// wherever the same thing is asked for.
func (r Request) ID() string {
	url := strings.TrimSuffix(strings.TrimSuffix(r.URL, "/"), ".git")
	sum := sha256.Sum256([]byte(strings.Join([]string{string(r.Kind), url, r.Name, r.Version}, "\x00")))
	return hex.EncodeToString(sum[:idDigits/2])
}

const idDigits = 32

// String says what is asked for, as a person would: "podinfo 6.5.* of
// https://stefanprodan.github.io/podinfo".
func (r Request) String() string {
	switch {
	case r.Name != "" && r.Version != "":
		return fmt.Sprintf("%s %s of %s", r.Name, r.Version, r.URL)
	case r.Name != "":
		return fmt.Sprintf("%s of %s", r.Name, r.URL)
	case r.Version != "":
		return fmt.Sprintf("%s at %s", r.URL, r.Version)
	}
	return r.URL
}

// MountPoint is the folder under which a renderer sees the store in a
// repository's tree. No repository has a folder of this name.
const MountPoint = ".scantling-store"

// ChartFile is the name of a packaged chart in what is kept for its request, and
// FileName that of a single file.
const (
	ChartFile = "chart.tgz"
	FileName  = "file.yaml"
)

// Mount is where a renderer sees what is kept for a request: a folder that holds
// ChartFile, FileName, or the git repository's or artifact's files. It does not exist when
// nothing is kept.
func (r Request) Mount() string { return MountPoint + "/" + r.ID() }
