// Package podsecurity holds the rules about what a pod may do to its node: the
// Pod Security Standards, and the mounts and settings that lead out of a
// container.
package podsecurity

import (
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	corev1 "k8s.io/api/core/v1"
)

// Rules are the rules of this topic.
var Rules = []*lint.Rule{
	agentSandboxUnbounded,
	allowPrivilegeEscalation,
	apparmorProfileMissing,
	apparmorUnconfined,
	automountServiceAccountToken,
	capabilitiesNotDroppedAll,
	capabilityAddedOtherThanNetBindService,
	capabilityBeyondBaseline,
	cloudCredentialHostMount,
	containerRuntimeSocketMount,
	dangerousCapabilityAdded,
	debugImageInWorkload,
	ephemeralContainerInManifest,
	gitRepoVolume,
	gitSyncCommandOverride,
	hostAliases,
	hostFieldInProbeOrLifecycle,
	hostIPC,
	hostNetwork,
	hostPathVolume,
	hostPID,
	hostPort,
	kubernetesDashboardDeployed,
	multipleProcessesInContainer,
	namespacePSSEnforceMissing,
	namespacePSSEnforcePrivileged,
	namespacePSSInvalidLabel,
	namespacePSSNotRestricted,
	netRawCapability,
	persistentVolumeHostPath,
	podSecurityPolicyPermissive,
	privilegedContainer,
	privilegedPort,
	publicWorkloadNotIsolated,
	readOnlyRootFilesystem,
	restrictedVolumeType,
	runAsLowUIDOrGID,
	runAsNonRoot,
	runAsRootGroup,
	runAsUserZero,
	runtimeClassNotSandboxed,
	runtimeSecurityAbsent,
	sccPrivileged,
	schedulesOnControlPlane,
	seccompProfileMissing,
	seccompUnconfined,
	securityContextMissing,
	selinuxOptions,
	sensitiveHostMount,
	sharedProcessNamespace,
	shellInExecProbe,
	sshPortExposed,
	storageClassUnencrypted,
	subpathVolumeMount,
	sudoInEntrypoint,
	sysctlValueInjection,
	tillerDeployed,
	tooManyContainers,
	unmaskedProcMount,
	unmaskedProcMountInUserNamespace,
	unsafeSysctls,
	userNamespaceNotUsed,
	windowsContainerAdministrator,
	windowsHostProcess,
	workloadInSystemNamespace,
	workloadViolatesNamespacePSS,
	writableHostMount,
}

func isTrue(b *bool) bool { return b != nil && *b }

func isFalse(b *bool) bool { return b != nil && !*b }

// onWindows says that the pod runs on Windows nodes, where the settings of the
// Linux kernel mean nothing.
func onWindows(w *manifest.Workload) bool {
	if w.Pod.OS != nil {
		return w.Pod.OS.Name == corev1.Windows
	}
	return w.Pod.NodeSelector[corev1.LabelOSStable] == "windows"
}

// inUserNamespace says that root in the pod is nobody on the node. The Pod
// Security Standards then allow more, from Kubernetes 1.35.
func inUserNamespace(w *manifest.Workload) bool { return isFalse(w.Pod.HostUsers) }

// capabilityName is a capability as the kernel's documentation writes it,
// without the prefix: runtimes accept it in both forms and in any case.
func capabilityName(c corev1.Capability) string {
	return strings.TrimPrefix(strings.ToUpper(string(c)), "CAP_")
}

// capabilityIn is a capability's name in the form in which a pass compares it:
// Pod Security admission takes it as it is written.
func capabilityIn(p *lint.Pass, c corev1.Capability) string {
	if p.Yes("exact") {
		return string(c)
	}
	return capabilityName(c)
}

// added are the capabilities that the container asks for.
func added(c *manifest.Container) []corev1.Capability {
	if caps := c.Security().Capabilities; caps != nil {
		return caps.Add
	}
	return nil
}
