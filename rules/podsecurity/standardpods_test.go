package podsecurity

import (
	"fmt"
	"reflect"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// generator makes a pod of bytes: all fields that the checks of Pod Security
// look at, with values that they allow, values that they refuse, and texts that
// nobody thought of. Without bytes it makes a pod that sets nothing.
type generator struct {
	data []byte
	// usual is how many values of a byte stand for the first choice.
	usual int
}

// edges are pods that few bytes make: what a check of one version refuses in a pod
// that keeps to all others.
func edges() []*corev1.Pod {
	var pods []*corev1.Pod
	pod := func(change func(*corev1.PodSpec, *corev1.SecurityContext)) {
		c := corev1.Container{Name: "c0", Image: "registry.example/c0:1.0.0", SecurityContext: &corev1.SecurityContext{
			RunAsNonRoot: new(true), AllowPrivilegeEscalation: new(false),
			Capabilities:   &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		}}
		p := &corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: metav1.ObjectMeta{Name: "edge"}, Spec: corev1.PodSpec{Containers: []corev1.Container{c}}}
		change(&p.Spec, c.SecurityContext)
		pods = append(pods, p)
	}
	pod(func(*corev1.PodSpec, *corev1.SecurityContext) {})
	for _, kind := range []string{"container_engine_t", "container_kvm_t", "spc_t"} {
		pod(func(_ *corev1.PodSpec, c *corev1.SecurityContext) {
			c.SELinuxOptions = &corev1.SELinuxOptions{Type: kind}
		})
	}
	for _, system := range []corev1.OSName{corev1.Linux, corev1.Windows} {
		for _, users := range []*bool{nil, new(false)} {
			for _, change := range []func(*corev1.SecurityContext){
				func(c *corev1.SecurityContext) { c.AllowPrivilegeEscalation = nil },
				func(c *corev1.SecurityContext) { c.Capabilities = nil },
				func(c *corev1.SecurityContext) { c.Capabilities.Add = []corev1.Capability{"CHOWN"} },
				func(c *corev1.SecurityContext) { c.SeccompProfile = nil },
				func(c *corev1.SecurityContext) { c.RunAsUser = new(int64(0)) },
				func(c *corev1.SecurityContext) { c.RunAsNonRoot = nil },
				func(c *corev1.SecurityContext) { c.ProcMount = new(corev1.UnmaskedProcMount) },
			} {
				pod(func(s *corev1.PodSpec, c *corev1.SecurityContext) {
					s.OS, s.HostUsers = &corev1.PodOS{Name: system}, users
					change(c)
				})
			}
		}
	}
	return pods
}

func (g *generator) next() int {
	if len(g.data) == 0 {
		return 0
	}
	b := g.data[0]
	g.data = g.data[1:]
	return int(b)
}

// pick is one of some choices, most often the first.
func pick[T any](g *generator, choices ...T) T {
	b := g.next()
	if b < g.usual {
		return choices[0]
	}
	return choices[b%len(choices)]
}

// maybe is nil or what make gives.
func maybe[T any](g *generator, first bool, make func() *T) *T {
	if pick(g, first, true, false) {
		return make()
	}
	return nil
}

func (g *generator) truth(first *bool) *bool {
	yes, no := true, false
	return pick(g, first, nil, &yes, &no)
}

// text is one of some texts, or one that the bytes spell.
func (g *generator) text(choices ...string) string {
	s := pick(g, append(choices, "\x00")...)
	if s != "\x00" {
		return s
	}
	var b strings.Builder
	for range g.next() % 6 {
		// No variables: of what is filled in later the rules say nothing.
		if c := 32 + g.next()%95; c != '$' {
			b.WriteByte(byte(c))
		}
	}
	return b.String()
}

func (g *generator) pod() *corev1.Pod {
	g.usual = g.next()
	p := &corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: metav1.ObjectMeta{Name: "test", Annotations: map[string]string{}}}
	compliant := pick(g, false, true)
	for range g.next() % 3 {
		key := pick(g, "example.com/note", "container.apparmor.security.beta.kubernetes.io/c0", "container.apparmor.security.beta.kubernetes.io/other",
			"seccomp.security.alpha.kubernetes.io/pod", "container.seccomp.security.alpha.kubernetes.io/c0", "container.seccomp.security.alpha.kubernetes.io/other")
		p.Annotations[key] = g.text("runtime/default", "docker/default", "localhost/a", "unconfined", "", "runtime/defaults")
	}
	s := &p.Spec
	s.HostNetwork, s.HostPID, s.HostIPC = pick(g, false, true), pick(g, false, true), pick(g, false, true)
	s.HostUsers = g.truth(nil)
	s.OS = pick(g, nil, &corev1.PodOS{Name: corev1.Linux}, &corev1.PodOS{Name: corev1.Windows}, &corev1.PodOS{Name: "plan9"})
	s.NodeSelector = pick(g, nil, map[string]string{corev1.LabelOSStable: "windows"})
	s.SecurityContext = maybe(g, compliant, func() *corev1.PodSecurityContext { return g.podSecurity(compliant) })
	for i := range g.next() % 3 {
		s.Volumes = append(s.Volumes, g.volume(fmt.Sprintf("v%d", i)))
	}
	for range g.next() % 2 {
		s.InitContainers = append(s.InitContainers, g.container("i0", compliant))
		s.InitContainers[0].RestartPolicy = pick(g, nil, new(corev1.ContainerRestartPolicyAlways))
	}
	for i := range 1 + g.next()%2 {
		s.Containers = append(s.Containers, g.container(fmt.Sprintf("c%d", i), compliant))
	}
	for range g.next() % 2 {
		s.EphemeralContainers = append(s.EphemeralContainers, corev1.EphemeralContainer{EphemeralContainerCommon: corev1.EphemeralContainerCommon(g.container("e0", compliant))})
	}
	return p
}

// wrapped is an object that makes the pod, or the pod.
func (g *generator) wrapped(p *corev1.Pod) any {
	template := map[string]any{"metadata": map[string]any{"annotations": p.Annotations}, "spec": p.Spec}
	object := func(version, kind string, spec map[string]any) any {
		return map[string]any{"apiVersion": version, "kind": kind, "metadata": map[string]any{"name": "test"}, "spec": spec}
	}
	switch g.next() % 4 {
	case 1:
		return object("apps/v1", "Deployment", map[string]any{"template": template})
	case 2:
		return object("batch/v1", "CronJob", map[string]any{"jobTemplate": map[string]any{"spec": map[string]any{"template": template}}})
	case 3:
		return object("argoproj.io/v1alpha1", "Rollout", map[string]any{"template": template})
	}
	return p
}

func (g *generator) podSecurity(compliant bool) *corev1.PodSecurityContext {
	c := g.security(compliant)
	s := &corev1.PodSecurityContext{
		RunAsNonRoot: c.RunAsNonRoot, RunAsUser: c.RunAsUser, SeccompProfile: c.SeccompProfile,
		AppArmorProfile: c.AppArmorProfile, SELinuxOptions: c.SELinuxOptions, WindowsOptions: c.WindowsOptions,
	}
	for range g.next() % 3 {
		s.Sysctls = append(s.Sysctls, corev1.Sysctl{Value: "1", Name: g.text("kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_local_reserved_ports",
			"net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
			"net.ipv4.tcp_slow_start_after_idle", "net.ipv4.tcp_notsent_lowat", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start",
			"kernel.msgmax", "net/ipv4/tcp_syncookies")})
	}
	return s
}

// security is a container's security context.
func (g *generator) security(compliant bool) *corev1.SecurityContext {
	var first *bool
	var escalation *bool
	seccomp := []string{"Unconfined", "RuntimeDefault", "Localhost", "runtime/default", ""}
	if compliant {
		first, escalation = new(true), new(false)
		seccomp[0], seccomp[1] = seccomp[1], seccomp[0]
	}
	return &corev1.SecurityContext{
		RunAsNonRoot:             g.truth(first),
		Privileged:               g.truth(nil),
		AllowPrivilegeEscalation: g.truth(escalation),
		RunAsUser:                pick(g, nil, new(int64(1000)), new(int64(0)), new(int64(-1))),
		ProcMount: maybe(g, false, func() *corev1.ProcMountType {
			return new(corev1.ProcMountType(g.text("Default", "Unmasked", "default", "")))
		}),
		Capabilities: maybe(g, compliant, func() *corev1.Capabilities {
			return &corev1.Capabilities{
				Drop: g.capabilities(compliant, "ALL", "all", "CAP_ALL", "NET_RAW"),
				Add:  g.capabilities(false, "NET_BIND_SERVICE", "CHOWN", "CAP_CHOWN", "net_bind_service", "SYS_ADMIN", "NET_RAW", "SETPCAP", "ALL", "sys_module"),
			}
		}),
		SeccompProfile: maybe(g, compliant, func() *corev1.SeccompProfile {
			return &corev1.SeccompProfile{Type: corev1.SeccompProfileType(g.text(seccomp...))}
		}),
		AppArmorProfile: maybe(g, false, func() *corev1.AppArmorProfile {
			return &corev1.AppArmorProfile{Type: corev1.AppArmorProfileType(g.text("RuntimeDefault", "Localhost", "Unconfined", "unconfined", ""))}
		}),
		SELinuxOptions: maybe(g, false, func() *corev1.SELinuxOptions {
			return &corev1.SELinuxOptions{
				Type: g.text("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t", "spc_t"),
				User: g.text("", "system_u"), Role: g.text("", "system_r"), Level: g.text("", "s0"),
			}
		}),
		WindowsOptions: maybe(g, false, func() *corev1.WindowsSecurityContextOptions {
			return &corev1.WindowsSecurityContextOptions{HostProcess: g.truth(nil)}
		}),
	}
}

func (g *generator) capabilities(one bool, names ...string) []corev1.Capability {
	n := g.next() % 3
	if one {
		n++
	}
	var list []corev1.Capability
	for range n {
		list = append(list, corev1.Capability(g.text(names...)))
	}
	return list
}

func (g *generator) volume(name string) corev1.Volume {
	v := corev1.Volume{Name: name}
	if g.next() < g.usual {
		v.EmptyDir = &corev1.EmptyDirVolumeSource{}
		return v
	}
	// None, or one: the API server refuses more.
	sources := reflect.ValueOf(&v.VolumeSource).Elem()
	if i := g.next() % (sources.NumField() + 1); i < sources.NumField() {
		sources.Field(i).Set(reflect.New(sources.Field(i).Type().Elem()))
	}
	if v.HostPath != nil {
		v.HostPath.Path = g.text("/srv", "/etc", "/", "/var/run/docker.sock", "/root/.aws", "/etc/ssl/certs", "relative", "")
	}
	return v
}

func (g *generator) container(name string, compliant bool) corev1.Container {
	c := corev1.Container{Name: name, Image: "registry.example/" + name + ":1.0.0"}
	c.SecurityContext = maybe(g, compliant, func() *corev1.SecurityContext { return g.security(compliant) })
	for i := range g.next() % 2 {
		c.Ports = append(c.Ports, corev1.ContainerPort{ContainerPort: int32(8080 + i), HostPort: pick(g, int32(0), 80, 8080)})
	}
	for range g.next() % 2 {
		c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: "v0", MountPath: "/v", ReadOnly: pick(g, false, true)})
	}
	probe := func() *corev1.Probe { return &corev1.Probe{ProbeHandler: g.handler()} }
	c.LivenessProbe, c.ReadinessProbe, c.StartupProbe = maybe(g, false, probe), maybe(g, false, probe), maybe(g, false, probe)
	c.Lifecycle = maybe(g, false, func() *corev1.Lifecycle {
		hook := func() *corev1.LifecycleHandler {
			h := g.handler()
			return &corev1.LifecycleHandler{HTTPGet: h.HTTPGet, TCPSocket: h.TCPSocket}
		}
		return &corev1.Lifecycle{PostStart: maybe(g, false, hook), PreStop: maybe(g, false, hook)}
	})
	return c
}

func (g *generator) handler() corev1.ProbeHandler {
	host := func() string { return g.text("", "127.0.0.1", "::1", "localhost", "169.254.169.254", "example.com") }
	return corev1.ProbeHandler{
		HTTPGet:   maybe(g, true, func() *corev1.HTTPGetAction { return &corev1.HTTPGetAction{Host: host()} }),
		TCPSocket: maybe(g, false, func() *corev1.TCPSocketAction { return &corev1.TCPSocketAction{Host: host()} }),
	}
}
