package source

import (
	"errors"
	"fmt"
	"strings"
)

// DefaultBase is the revision that a change is compared with when nobody names one:
// the branch that the current one follows, if that is another one, else the default
// branch of its remote, else a local branch called main or master. A branch that
// follows itself at the remote does not tell what its change will be merged into.
func (r *Repository) DefaultBase() (string, error) {
	objs, err := r.objects()
	if err != nil {
		return "", fmt.Errorf("find what to compare with: %w", err)
	}
	branch, err := objs.refs.branch()
	if err != nil {
		return "", fmt.Errorf("find what to compare with: %w", err)
	}
	remote := r.git.config["branch."+branch+".remote"]
	merge, isBranch := strings.CutPrefix(r.git.config["branch."+branch+".merge"], "refs/heads/")
	var candidates []string
	if isBranch && remote != "" && merge != branch {
		if remote == "." {
			candidates = append(candidates, merge)
		} else {
			candidates = append(candidates, remote+"/"+merge)
		}
	}
	if remote == "" || remote == "." {
		remote = "origin"
	}
	for _, name := range []string{"HEAD", "main", "master"} {
		candidates = append(candidates, remote+"/"+name)
	}
	for _, name := range []string{"main", "master"} {
		if name != branch {
			candidates = append(candidates, name)
		}
	}
	for _, name := range candidates {
		if objs.refs.has("refs/remotes/"+name) || objs.refs.has("refs/heads/"+name) {
			return name, nil
		}
	}
	return "", errors.New("nothing says what to compare with: name a branch or a commit, such as main, HEAD~1, or HEAD for what is not committed yet")
}

// branch is the name of the branch that is checked out; empty for none.
func (r *references) branch() (string, error) {
	text, err := r.read("HEAD")
	if err != nil && !errors.Is(err, errNoRef) {
		return "", err
	}
	target, _ := strings.CutPrefix(text, "ref:")
	name, isBranch := strings.CutPrefix(strings.TrimSpace(target), "refs/heads/")
	if !isBranch {
		return "", nil
	}
	return name, nil
}

func (r *references) has(name string) bool {
	_, err := r.lookup(name)
	return err == nil
}
