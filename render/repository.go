package render

import "strings"

// repositoryURL brings the URL of a git repository into one form, so that the
// ways to write it compare equal: host and path in lower case, without scheme,
// user, port and ".git". "git@github.com:Org/Repo.git" and
// "ssh://git@github.com/org/repo" are "github.com/org/repo".
func repositoryURL(url string) string {
	url = strings.TrimSpace(url)
	if _, rest, ok := strings.Cut(url, "://"); ok {
		url = rest
		host, tail, _ := strings.Cut(url, "/")
		if i := strings.LastIndex(host, ":"); i >= 0 {
			host = host[:i]
		}
		url = host + "/" + tail
	} else if host, tail, ok := strings.Cut(url, ":"); ok && !strings.Contains(host, "/") {
		url = host + "/" + tail
	}
	if host, tail, ok := strings.Cut(url, "/"); ok {
		url = host[strings.LastIndex(host, "@")+1:] + "/" + tail
	}
	url, _, _ = strings.Cut(url, "?")
	url = strings.TrimSuffix(strings.TrimRight(url, "/"), ".git")
	return strings.ToLower(url)
}
