package podsecurity

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// exposure is what a path of the node gives away. Exactly one rule speaks for a
// volume: the most specific one.
type exposure int

const (
	plainPath exposure = iota
	sensitivePath
	cloudCredentials
	runtimeSocket
)

// exposureOf ranks a path of the node.
func exposureOf(name string) exposure {
	switch {
	case isRuntimeSocket(name):
		return runtimeSocket
	case isCloudCredential(name):
		return cloudCredentials
	case isSensitive(name):
		return sensitivePath
	}
	return plainPath
}

// hostPath is a hostPath volume of a pod.
type hostPath struct {
	*corev1.Volume
	// Node is the path on the node, cleaned.
	Node string
	// Path leads to the volume's hostPath.path.
	Path *field.Path
}

// hostPaths are the hostPath volumes of a pod.
func hostPaths(w *manifest.Workload) []hostPath {
	var found []hostPath
	for i := range w.Pod.Volumes {
		v := &w.Pod.Volumes[i]
		if v.HostPath == nil {
			continue
		}
		found = append(found, hostPath{v, cleanNodePath(v.HostPath.Path), w.Path.Child("volumes").Index(i).Child("hostPath", "path")})
	}
	return found
}

// cleanNodePath is the path in one form: /var/run is a link to /run on every
// node of today.
func cleanNodePath(name string) string {
	name = path.Clean(name)
	if under(name, "/var/run") {
		name = strings.TrimPrefix(name, "/var")
	}
	return name
}

// under says that a path is dir or lies under it.
func under(name, dir string) bool {
	return name == dir || dir == "/" || strings.HasPrefix(name, dir+"/")
}

func underAny(name string, dirs []string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool { return under(name, path.Clean(dir)) })
}

var runtimeSockets = []string{
	"containerd.sock", "cri-dockerd.sock", "crio.sock", "docker.sock", "dockershim.sock", "podman.sock",
}

// runtimeSocketFolders hold one of the sockets. The root folder does, too, but
// sensitive-host-mount has more to say about that.
var runtimeSocketFolders = []string{
	"/run",
	"/run/containerd",
	"/run/crio",
	"/run/docker", "/run/docker/containerd",
	"/run/k0s", "/run/k0s/containerd",
	"/run/k3s", "/run/k3s/containerd",
	"/run/podman",
	"/var/snap/microk8s/common/run",
}

func isRuntimeSocket(name string) bool {
	if pipe, ok := strings.CutPrefix(strings.ReplaceAll(name, `\`, "/"), "//./pipe/"); ok {
		return strings.HasPrefix(pipe, "docker_engine") || strings.HasPrefix(pipe, "containerd")
	}
	return slices.Contains(runtimeSockets, path.Base(name)) || slices.Contains(runtimeSocketFolders, name)
}

var cloudCredentialPaths = []string{
	"/etc/gcp",
	"/etc/kubernetes/azure.json",
	"/root/.aws",
	"/root/.azure",
	"/root/.config/gcloud",
	"/var/lib/cloud",
}

func isCloudCredential(name string) bool {
	// A person's home folder holds the same as root's.
	if rest, ok := strings.CutPrefix(name, "/home/"); ok {
		if _, inHome, ok := strings.Cut(rest, "/"); ok {
			name = "/root/" + inHome
		}
	}
	return underAny(name, cloudCredentialPaths)
}

var sensitivePaths = []string{
	"/bin",
	"/boot",
	"/dev",
	"/etc",
	"/lib",
	"/lib64",
	"/proc",
	"/root",
	"/sbin",
	"/sys",
	"/usr",
	"/var/lib/containerd",
	"/var/lib/containers",
	"/var/lib/docker",
	"/var/lib/etcd",
	"/var/lib/kubelet",
	"/var/lib/rancher/k3s/agent",
	"/var/lib/rancher/k3s/server",
	"/var/lib/rancher/rke2/agent",
	"/var/lib/rancher/rke2/server",
	"/var/spool/cron",
}

// harmlessPaths lie in sensitive folders but tell nothing that a container may
// not know. Only reading them is harmless: writable-host-mount looks at that.
var harmlessPaths = []string{
	"/etc/ca-certificates",
	"/etc/localtime",
	"/etc/machine-id",
	"/etc/os-release",
	"/etc/pki/ca-trust",
	"/etc/pki/tls/certs",
	"/etc/ssl/certs",
	"/etc/timezone",
	"/lib/modules",
	"/usr/lib/modules",
	"/usr/lib/os-release",
	"/usr/local/share/ca-certificates",
	"/usr/share/ca-certificates",
	"/usr/share/zoneinfo",
	"/usr/src",
}

func isSensitive(name string) bool {
	if underAny(name, harmlessPaths) {
		return false
	}
	// A folder above a sensitive one exposes it just as well.
	return slices.ContainsFunc(sensitivePaths, func(s string) bool { return under(name, s) || under(s, name) })
}

func absolutePath(s string) error {
	if !path.IsAbs(s) {
		return fmt.Errorf("%q is not an absolute path", s)
	}
	return nil
}
