package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/scantling-dev/scantling/internal/store"
)

const (
	maxObject  = 256 << 20 // bytes of one object
	maxObjects = 2 << 30   // bytes of all objects of a pack, unpacked
	maxSteps   = 400000    // entries of trees that are walked through
)

// git downloads the files of a repository at one revision, without its history
// where the server allows it. Submodules are left out.
//
// go-git's protocol and storage are used, not its Clone: that takes its client
// from a table of the whole process.
func (f *fetcher) git(ctx context.Context, u *url.URL, version string) (*content, error) {
	dir, err := os.MkdirTemp("", "scantling-git-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s, err := f.session(u)
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.Close() }()
	refs, err := s.AdvertisedReferencesContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing its branches and tags: %w", gitError(err))
	}
	r, err := findRevision(refs, version)
	if err != nil {
		return nil, err
	}
	pack := filepath.Join(dir, "pack")
	if err := r.download(ctx, s, refs, pack); err != nil {
		return nil, fmt.Errorf("downloading it: %w", gitError(err))
	}
	files := filesystem.NewStorage(osfs.New(filepath.Join(dir, "git")), cache.NewObjectLRUDefault())
	defer func() { _ = files.Close() }()
	if err := unpackGit(files, pack); err != nil {
		return nil, fmt.Errorf("unpacking it: %w", err)
	}
	commit, err := commitOf(files, r.hash)
	if err != nil {
		return nil, err
	}
	c := &content{resolved: commit.Hash.String(), from: published(u), insecure: u.Scheme == "http"}
	folder := f.Cache.NewFolder()
	if err := addTree(folder, files, commit); err != nil {
		return nil, err
	}
	c.digest, c.size, err = folder.Done()
	return c, err
}

func (f *fetcher) session(u *url.URL) (transport.UploadPackSession, error) {
	endpoint, err := transport.NewEndpoint(u.String())
	if err != nil {
		return nil, errors.New("its URL can't be read")
	}
	var auth transport.AuthMethod
	if l := f.credentials.machine(u); l != loginNone {
		auth = &githttp.BasicAuth{Username: l.user, Password: l.password}
	}
	return githttp.NewClient(f.network.client()).NewUploadPackSession(endpoint, auth)
}

// gitError is a short error of what go-git makes of a server's answer.
func gitError(err error) error {
	switch {
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed):
		return errors.New("the server wants credentials, or there is no such repository")
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return errors.New("there is no such repository")
	}
	return plain(err)
}

// revision is what to ask a server for.
type revision struct {
	hash plumbing.Hash
	// shallow says that the server gives the revision without its history.
	shallow bool
	// all are the revisions to ask for when the server gives none by its hash.
	all []plumbing.Hash
}

// findRevision finds a branch, tag or commit. A name that is a tag's and a
// branch's is the tag's, as git has it.
func findRevision(refs *packp.AdvRefs, version string) (*revision, error) {
	canShallow := refs.Capabilities.Supports(capability.Shallow)
	if rng, ok := strings.CutPrefix(version, "semver:"); ok {
		var tags []string
		for name := range refs.References {
			if tag, ok := strings.CutPrefix(name, "refs/tags/"); ok {
				tags = append(tags, tag)
			}
		}
		tag, err := newestOf(tags, rng)
		if err != nil {
			return nil, err
		}
		version = "refs/tags/" + tag
	}
	if version == "" {
		if refs.Head == nil {
			return nil, errors.New("it has no default branch")
		}
		return &revision{hash: *refs.Head, shallow: canShallow}, nil
	}
	for _, name := range []string{version, "refs/tags/" + version, "refs/heads/" + version, "refs/" + version} {
		if hash, ok := refs.References[name]; ok {
			return &revision{hash: hash, shallow: canShallow}, nil
		}
	}
	if !plumbing.IsHash(version) {
		if strings.Trim(version, "0123456789abcdef") == "" && len(version) >= 7 {
			return nil, fmt.Errorf("it has no branch or tag %q: write a commit with all its 40 digits", version)
		}
		return nil, fmt.Errorf("it has no branch or tag %q", version)
	}
	r := &revision{hash: plumbing.NewHash(version), shallow: canShallow}
	if refs.Capabilities.Supports(capability.AllowReachableSHA1InWant) || refs.Capabilities.Supports(capability.AllowTipSHA1InWant) {
		return r, nil
	}
	for name, hash := range refs.References {
		if hash == r.hash || refs.Peeled[name] == r.hash {
			r.all = []plumbing.Hash{hash}
			return r, nil
		}
	}
	// Only the history of what the server names can lead to the commit.
	r.shallow = false
	for name, hash := range refs.References {
		if strings.HasPrefix(name, "refs/heads/") || strings.HasPrefix(name, "refs/tags/") {
			r.all = append(r.all, hash)
		}
	}
	return r, nil
}

// download writes the pack that holds a revision to a file.
func (r *revision) download(ctx context.Context, s transport.UploadPackSession, refs *packp.AdvRefs, name string) (err error) {
	req := packp.NewUploadPackRequestFromCapabilities(refs.Capabilities)
	// A thin pack leaves out what the other side is thought to have.
	req.Capabilities.Delete(capability.ThinPack)
	if req.Wants = r.all; len(req.Wants) == 0 {
		req.Wants = []plumbing.Hash{r.hash}
	}
	if r.shallow {
		req.Depth = packp.DepthCommits(1)
		if err := req.Capabilities.Set(capability.Shallow); err != nil {
			return err
		}
	}
	res, err := s.UploadPack(ctx, req)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, res.Close()) }()
	var pack io.Reader = res
	switch {
	case req.Capabilities.Supports(capability.Sideband64k):
		pack = sideband.NewDemuxer(sideband.Sideband64k, res)
	case req.Capabilities.Supports(capability.Sideband):
		pack = sideband.NewDemuxer(sideband.Sideband, res)
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, pack)
	return errors.Join(err, file.Close())
}

// unpackGit reads a pack into a storage, after it was seen to unpack to a
// bounded size: objects are held in memory.
func unpackGit(files *filesystem.Storage, name string) error {
	pack, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = pack.Close() }()
	if err := measure(pack); err != nil {
		return err
	}
	if _, err := pack.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := files.Init(); err != nil {
		return err
	}
	if err := packfile.UpdateObjectStorage(files, pack); err != nil {
		return fmt.Errorf("its pack is damaged: %w", err)
	}
	return nil
}

// measure reads a pack once, and refuses it if an object, or all together,
// would be too large.
func measure(pack io.Reader) error {
	s := packfile.NewScanner(pack)
	_, count, err := s.Header()
	if err != nil {
		return fmt.Errorf("its pack can't be read: %w", err)
	}
	var sum int64
	for range count {
		h, err := s.NextObjectHeader()
		if err != nil {
			return fmt.Errorf("its pack is damaged: %w", err)
		}
		size := h.Length
		var begin prefix
		if size >= 0 && size <= maxObject {
			if _, _, err := s.NextObject(&begin); err != nil {
				return fmt.Errorf("its pack is damaged: %w", err)
			}
		}
		if h.Type == plumbing.OFSDeltaObject || h.Type == plumbing.REFDeltaObject {
			size = max(size, begin.deltaSize())
		}
		if sum += size; size < 0 || size > maxObject || sum > maxObjects {
			return errors.New("its files are too large: one larger than 256 MiB, or more than 2 GiB together")
		}
	}
	return nil
}

// prefix keeps the first bytes that are written to it.
type prefix struct {
	bytes [20]byte
	n     int
}

func (p *prefix) Write(b []byte) (int, error) {
	p.n += copy(p.bytes[p.n:], b)
	return len(b), nil
}

// deltaSize is the size of what a delta makes: the second of the two numbers
// that it begins with. One that can't be read counts as too large.
func (p *prefix) deltaSize() int64 {
	rest := p.bytes[:p.n]
	var size int64
	for range 2 {
		size = 0
		shift := 0
		for {
			if len(rest) == 0 || shift > 56 {
				return maxObjects
			}
			b := rest[0]
			rest = rest[1:]
			size |= int64(b&0x7f) << shift
			if shift += 7; b&0x80 == 0 {
				break
			}
		}
	}
	return size
}

// commitOf is the commit that a hash names, itself or by a tag.
func commitOf(files *filesystem.Storage, hash plumbing.Hash) (*object.Commit, error) {
	for range 5 {
		tag, err := object.GetTag(files, hash)
		if err != nil {
			break
		}
		hash = tag.Target
	}
	c, err := object.GetCommit(files, hash)
	if err != nil {
		return nil, fmt.Errorf("the server has no commit %s", hash)
	}
	return c, nil
}

// addTree adds the files of a commit.
func addTree(folder *store.Folder, files *filesystem.Storage, commit *object.Commit) error {
	tree, err := commit.Tree()
	if err != nil {
		return fmt.Errorf("reading commit %s: %w", commit.Hash, err)
	}
	walker := object.NewTreeWalker(tree, true, nil)
	defer walker.Close()
	for range maxSteps {
		name, entry, err := walker.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading commit %s: %w", commit.Hash, err)
		}
		if err := addBlob(folder, files, name, entry); err != nil {
			return err
		}
	}
	return errors.New("it holds too many files and folders")
}

func addBlob(folder *store.Folder, files *filesystem.Storage, name string, entry object.TreeEntry) error {
	switch entry.Mode {
	case filemode.Regular, filemode.Executable, filemode.Deprecated, filemode.Symlink:
	default:
		return nil
	}
	blob, err := object.GetBlob(files, entry.Hash)
	if err != nil {
		return fmt.Errorf("the server left out %.100q", name)
	}
	r, err := blob.Reader()
	if err != nil {
		return fmt.Errorf("reading %.100q: %w", name, err)
	}
	defer func() { _ = r.Close() }()
	if entry.Mode != filemode.Symlink {
		return folder.File(name, blob.Size, r)
	}
	target, err := io.ReadAll(io.LimitReader(r, 1<<16))
	if err != nil {
		return fmt.Errorf("reading %.100q: %w", name, err)
	}
	return folder.Link(name, string(target))
}
