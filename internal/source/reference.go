package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"
)

const maxPackedRefs = 256 << 20

var errNoRef = errors.New("no such reference")

// references reads branches and tags.
type references struct {
	git    *gitFolder
	packed func() (map[string]objectID, error)
}

func newReferences(git *gitFolder) *references {
	r := &references{git: git}
	r.packed = sync.OnceValues(r.readPacked)
	return r
}

// lookup follows a reference to the object that it stands for. errNoRef means
// that there is none.
func (r *references) lookup(name string) (objectID, error) {
	at := name
	for range maxLinks {
		if !safeReference(at) {
			if at == name {
				return objectID{}, errNoRef
			}
			return objectID{}, fmt.Errorf("read the reference %s: it points to %q, which is no reference; mend it with `git symbolic-ref`", name, at)
		}
		text, err := r.read(at)
		if errors.Is(err, errNoRef) {
			return objectID{}, err
		}
		if err != nil {
			return objectID{}, fmt.Errorf("read the reference %s: %w", at, err)
		}
		target, symbolic := strings.CutPrefix(text, "ref:")
		if !symbolic {
			word, _, _ := strings.Cut(strings.Map(blankToSpace, text), " ")
			id, ok := parseID(word)
			if !ok || id == (objectID{}) {
				return id, fmt.Errorf("read the reference %s: it holds no hash; `git fsck` tells more", at)
			}
			return id, nil
		}
		at = strings.TrimSpace(target)
	}
	return objectID{}, fmt.Errorf("read the reference %s: it leads in a circle; mend it with `git symbolic-ref`", name)
}

func blankToSpace(c rune) rune {
	if c == '\n' || c == '\t' || c == '\r' {
		return ' '
	}
	return c
}

// safeReference is git's refname_is_safe: a path below refs, or a name like
// HEAD or FETCH_HEAD.
func safeReference(name string) bool {
	if !strings.HasPrefix(name, "refs/") {
		return name != "" && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == ""
	}
	return path.Clean(name) == name && !strings.ContainsFunc(name, func(c rune) bool { return c < ' ' || c == '\\' || c == ':' || c == 0x7f })
}

// read gives what a reference holds: what lies in a file of its own goes before
// what is packed.
func (r *references) read(name string) (string, error) {
	data, err := readIn(r.folder(name), name, 1<<20)
	if err == nil {
		return string(data), nil
	}
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errFolder) {
		return "", err
	}
	packed, err := r.packed()
	if err != nil {
		return "", err
	}
	if id, ok := packed[name]; ok {
		return id.String(), nil
	}
	return "", errNoRef
}

// folder is where a reference lies: each work tree has some of its own.
func (r *references) folder(name string) *os.Root {
	for _, own := range []string{"refs/bisect/", "refs/worktree/", "refs/rewritten/"} {
		if strings.HasPrefix(name, own) {
			return r.git.own
		}
	}
	if strings.HasPrefix(name, "refs/") {
		return r.git.shared
	}
	return r.git.own
}

func (r *references) readPacked() (map[string]objectID, error) {
	data, err := readIn(r.git.shared, "packed-refs", maxPackedRefs)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	packed := map[string]objectID{}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" || line[0] == '#' || line[0] == '^' { // ^: what the tag before it leads to
			continue
		}
		hash, name, _ := strings.Cut(line, " ")
		id, ok := parseID(hash)
		if !ok || name == "" {
			return nil, errors.New("packed-refs is damaged; `git fsck` tells more")
		}
		packed[name] = id
	}
	return packed, nil
}

// remotesWith gives the references that remotes have for a branch.
func (r *references) remotesWith(branch string) ([]string, error) {
	names, err := namesIn(r.git.shared, "refs/remotes")
	if err != nil {
		return nil, fmt.Errorf("list the remotes: %w", err)
	}
	packed, err := r.packed()
	if err != nil {
		return nil, fmt.Errorf("list the remotes: %w", err)
	}
	remotes := map[string]bool{}
	for _, n := range names {
		remotes[n] = true
	}
	for name := range packed {
		if rest, ok := strings.CutPrefix(name, "refs/remotes/"); ok {
			remote, _, _ := strings.Cut(rest, "/")
			remotes[remote] = true
		}
	}
	var found []string
	for remote := range remotes {
		name := "refs/remotes/" + remote + "/" + branch
		if !safeReference(name) {
			continue
		}
		if _, err := r.read(name); err == nil {
			found = append(found, name)
		} else if !errors.Is(err, errNoRef) {
			return nil, fmt.Errorf("read the reference %s: %w", name, err)
		}
	}
	return found, nil
}
