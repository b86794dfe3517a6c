package secrets

import (
	"encoding/json"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"go.yaml.in/yaml/v3"
)

// isClusterSetting says that an entry is the address or a setting that Argo CD keeps
// in a Secret beside, or without, a credential.
func isClusterSetting(secret *yaml.Node, v secretValue) bool {
	labels := manifest.Get(manifest.Get(secret, "metadata"), "labels")
	if manifest.Text(labels, "argocd.argoproj.io/secret-type") == "" {
		return false
	}
	switch v.key {
	case "type", "name", "project", "server", "insecure", "insecureIgnoreHostKey", "enableLfs", "enableOCI", "forceHttpBasicAuth", "noProxy",
		"namespaces", "clusterResources", "shard", "depth", "githubAppID", "githubAppInstallationID", "githubAppEnterpriseBaseUrl", "useAzureWorkloadIdentity":
		return true
	case "url", "proxy":
		return !hasClearURL(v.literal())
	case "config":
		return isClearClusterConfig(v.literal())
	}
	return false
}

// isHarmlessText says that a text is meant to be known, or says nothing: public
// keys, an empty document, access to registries without a credential.
func isHarmlessText(value string) bool {
	switch strings.ToLower(strings.Join(strings.Fields(value), "")) {
	case "{}", "[]", "---", "unused", "notused", "not-used", "not_used", "n/a":
		return true
	}
	return isPublicKeys(value) || isEmptyDockerConfig(value)
}

// isEmptyDockerConfig says that a text is the configuration of a container client
// that names no credential.
func isEmptyDockerConfig(value string) bool {
	if !strings.HasPrefix(value, "{") || !strings.Contains(value, `"auths"`) {
		return false
	}
	var config struct {
		Auths map[string]struct{ Auth, Password, IdentityToken, RegistryToken string }
	}
	if json.Unmarshal([]byte(value), &config) != nil {
		return false
	}
	for _, a := range config.Auths {
		for _, v := range [...]string{a.Auth, a.Password, a.IdentityToken, a.RegistryToken} {
			if Classify(v) == Literal {
				return false
			}
		}
	}
	return true
}

// isClearClusterConfig says that what Argo CD keeps of a cluster names no
// credential: the controller uses its own account, or a program that gets one.
func isClearClusterConfig(value string) bool {
	var config struct {
		Username, Password, BearerToken string
		TLSClientConfig                 struct{ KeyData string }
	}
	if json.Unmarshal([]byte(value), &config) != nil {
		return false
	}
	for _, v := range [...]string{config.Password, config.BearerToken, config.TLSClientConfig.KeyData} {
		if Classify(v) == Literal {
			return false
		}
	}
	return true
}

// isPublicKeys says that the text is public keys as SSH writes them: those of
// hosts that are known, or of users.
func isPublicKeys(value string) bool {
	found := false
	for line := range strings.Lines(value) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0][0] == '#' {
			continue
		}
		if !isPublicKeyLine(fields) {
			return false
		}
		found = true
	}
	return found
}

// isPublicKeyLine says that a line has the type of a key and one that begins as
// all of SSH do. Hosts, or the options of a user, may stand before it.
func isPublicKeyLine(fields []string) bool {
	for i := 0; i+1 < min(len(fields), 4); i++ {
		kind := fields[i]
		if !strings.HasPrefix(kind, "ssh-") && !strings.HasPrefix(kind, "ecdsa-sha2-") && !strings.HasPrefix(kind, "sk-") {
			continue
		}
		key := strings.TrimRight(fields[i+1], "=")
		return strings.HasPrefix(key, "AAAA") && isBase64Text(key)
	}
	return false
}
