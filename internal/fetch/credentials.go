package fetch

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
	"helm.sh/helm/v3/pkg/helmpath"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
)

// login is a user's name and password at one host.
type login struct{ user, password string }

var loginNone login

// credentials are what the user's helm, docker and git have. They are read when
// the first source needs them.
type credentialsOf struct {
	repositories func() []helmRepository
	registries   func() credentials.Store
	machines     func() map[string]login
}

func newCredentials() *credentialsOf {
	return &credentialsOf{
		repositories: sync.OnceValue(helmRepositories),
		registries:   sync.OnceValue(registryLogins),
		machines:     sync.OnceValue(netrc),
	}
}

// repository is the login of a chart repository: helm's own, as helm repo add
// wrote it.
func (c *credentialsOf) repository(u *url.URL) login {
	for _, e := range c.repositories() {
		if strings.TrimSuffix(e.URL, "/") == strings.TrimSuffix(u.String(), "/") {
			return login{e.Username, e.Password}
		}
	}
	return loginNone
}

// machine is the login of a host that git knows from netrc. It is not sent over
// http.
func (c *credentialsOf) machine(u *url.URL) login {
	if u.Scheme != "https" {
		return loginNone
	}
	return c.machines()[u.Hostname()]
}

// registry is the login of a registry. A helper program that does not work
// leaves the registry to be asked without one.
func (c *credentialsOf) registry(ctx context.Context, host string) (auth.Credential, error) {
	s := c.registries()
	if s == nil {
		return auth.EmptyCredential, nil
	}
	cred, err := credentials.Credential(s)(ctx, host)
	if err != nil {
		return auth.EmptyCredential, nil
	}
	return cred, nil
}

// helmRepository is what is needed of an entry of helm's repositories.yaml.
type helmRepository struct {
	URL      string `yaml:"url"`
	Username string `yaml:"username"`
	Password string `yaml:"password"`
}

func helmRepositories() []helmRepository {
	data, err := os.ReadFile(setting("HELM_REPOSITORY_CONFIG", "repositories.yaml"))
	if err != nil {
		return nil
	}
	var f struct {
		Repositories []helmRepository `yaml:"repositories"`
	}
	if yaml.Unmarshal(data, &f) != nil {
		return nil
	}
	return f.Repositories
}

// registryLogins are helm's, then docker's.
func registryLogins() credentials.Store {
	var stores []credentials.Store
	if s, err := credentials.NewStore(setting("HELM_REGISTRY_CONFIG", "registry/config.json"), credentials.StoreOptions{}); err == nil {
		stores = append(stores, s)
	}
	if s, err := credentials.NewStoreFromDocker(credentials.StoreOptions{}); err == nil {
		stores = append(stores, s)
	}
	if len(stores) == 0 {
		return nil
	}
	return credentials.NewStoreWithFallbacks(stores[0], stores[1:]...)
}

func setting(variable, name string) string {
	if v := os.Getenv(variable); v != "" {
		return v
	}
	return helmpath.ConfigPath(name)
}

// netrc reads the file that curl and git read: NETRC, or .netrc at home. Its
// default entry is left out, since the host is not the user's to choose here.
func netrc() map[string]login {
	name := os.Getenv("NETRC")
	if home, err := os.UserHomeDir(); name == "" && err == nil {
		name = filepath.Join(home, ".netrc")
	}
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) || err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	found := map[string]login{}
	words := bufio.NewScanner(f)
	words.Split(bufio.ScanWords)
	host := ""
	for words.Scan() {
		word := words.Text()
		switch word {
		case "default":
			host = ""
			continue
		case "machine", "login", "password", "account":
		default:
			continue
		}
		if !words.Scan() {
			break
		}
		l := found[host]
		switch word {
		case "machine":
			host = words.Text()
			continue
		case "login":
			l.user = words.Text()
		case "password":
			l.password = words.Text()
		}
		if host != "" {
			found[host] = l
		}
	}
	return found
}
