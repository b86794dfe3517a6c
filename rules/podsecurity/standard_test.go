package podsecurity

import (
	"fmt"
	"go/build"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	yamlv3 "go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"
)

// rulesOf are the rules that speak for a check of Pod Security admission.
var rulesOf = map[policy.CheckID][]string{
	"allowPrivilegeEscalation": {"allow-privilege-escalation"},
	"appArmorProfile":          {"apparmor-unconfined"},
	"capabilities_baseline":    {"capability-beyond-baseline", "dangerous-capability-added"},
	"capabilities_restricted": {
		"capabilities-not-dropped-all", "capability-added-other-than-net-bind-service", "capability-beyond-baseline", "dangerous-capability-added",
	},
	"hostNamespaces": {"host-ipc", "host-network", "host-pid"},
	"hostPathVolumes": {
		"cloud-credential-host-mount", "container-runtime-socket-mount", "host-path-volume", "sensitive-host-mount", "writable-host-mount",
	},
	// In a pod that has all ports of its node, host-network speaks for them.
	"hostPorts":                  {"host-network", "host-port"},
	"hostProbesAndHostLifecycle": {"host-field-in-probe-or-lifecycle"},
	"privileged":                 {"privileged-container"},
	"procMount":                  {"unmasked-proc-mount"},
	"procMount_restricted":       {"unmasked-proc-mount", "unmasked-proc-mount-in-user-namespace"},
	"restrictedVolumes": {
		"cloud-credential-host-mount", "container-runtime-socket-mount", "git-repo-volume", "host-path-volume",
		"restricted-volume-type", "sensitive-host-mount", "writable-host-mount",
	},
	"runAsNonRoot":              {"run-as-non-root"},
	"runAsUser":                 {"run-as-user-zero"},
	"seLinuxOptions":            {"selinux-options"},
	"seccompProfile_baseline":   {"seccomp-unconfined"},
	"seccompProfile_restricted": {"seccomp-profile-missing", "seccomp-unconfined"},
	"sysctls":                   {"unsafe-sysctls"},
	"windowsHostProcess":        {"windows-host-process"},
}

var levels = map[api.Level]lint.Profile{api.LevelBaseline: lint.PSSBaseline, api.LevelRestricted: lint.PSSRestricted}

// judge compares what the rules say of pods with what Pod Security admission
// says.
type judge struct {
	evaluator policy.Evaluator
	// alone has an evaluator for each check by itself.
	alone   map[policy.CheckID]policy.Evaluator
	linters map[api.Level]*lint.Linter
	// violates has only the rule that looks at the namespace.
	violates *lint.Linter
}

func newJudge(t testing.TB) *judge {
	t.Helper()
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	j := &judge{evaluator, map[policy.CheckID]policy.Evaluator{}, map[api.Level]*lint.Linter{}, nil}
	for _, c := range policy.DefaultChecks() {
		if j.alone[c.ID], err = policy.NewEvaluator([]policy.Check{c}, nil); err != nil {
			t.Fatal(err)
		}
	}
	for level, profile := range levels {
		if j.linters[level], err = lint.NewLinter(Rules, lint.Selection{Profiles: []lint.Profile{profile}}); err != nil {
			t.Fatal(err)
		}
	}
	if j.violates, err = lint.NewLinter([]*lint.Rule{workloadViolatesNamespacePSS}, lint.Selection{}); err != nil {
		t.Fatal(err)
	}
	return j
}

// refusals are the results of the evaluator that refuse a pod.
func (j *judge) refusals(level api.Level, minor int, pod *corev1.Pod) []policy.CheckResult {
	results := j.evaluator.EvaluatePod(api.LevelVersion{Level: level, Version: api.MajorMinorVersion(1, minor)}, &pod.ObjectMeta, admitted(&pod.Spec))
	return slices.DeleteFunc(results, func(r policy.CheckResult) bool { return r.Allowed })
}

// compare reports where the rules and the evaluator differ on a pod, which the
// object holds, at one level and target version.
func (j *judge) compare(t *testing.T, name string, level api.Level, minor int, o *manifest.Object, pod *corev1.Pod) {
	t.Helper()
	place := fmt.Sprintf("%s at %s 1.%d", name, level, minor)
	unit := lint.Unit{ID: "test", Kube: version.MajorMinor(1, uint(minor))}
	fired := map[string]bool{}
	for _, f := range j.linters[level].Object(o, unit) {
		fired[f.Rule] = true
	}
	refused := len(j.refusals(level, minor, pod)) > 0
	if baseline := len(j.refusals(api.LevelBaseline, minor, pod)) > 0; level == api.LevelRestricted && baseline && !refused {
		// Restricted holds all of Baseline. The evaluator forgets that for what
		// the API server refuses anyway: settings of Linux on a Windows pod.
		if pod.Spec.OS == nil || pod.Spec.OS.Name != corev1.Windows {
			t.Errorf("%s: Baseline refuses what Restricted allows", place)
		}
		refused = true
	}
	if refused != (len(fired) > 0) {
		t.Errorf("%s: refused is %v, and these rules report: %v", place, refused, fired)
	}
	// Every check by itself, those that others override included.
	because := map[string]bool{}
	for _, c := range policy.DefaultChecks() {
		why := j.fails(c, minor, pod)
		if c.Level == api.LevelRestricted && level == api.LevelBaseline || why == "" {
			continue
		}
		if !slices.ContainsFunc(rulesOf[c.ID], func(id string) bool { return fired[id] }) {
			t.Errorf("%s: no rule speaks for %s: %s", place, c.ID, why)
		}
		for _, id := range rulesOf[c.ID] {
			because[id] = true
		}
	}
	for id := range fired {
		if !because[id] {
			t.Errorf("%s: %s reports what no check refuses", place, id)
		}
	}
	j.compareNamespace(t, place, level, minor, o, pod)
}

// fails is why a check refuses a pod; empty when it does not.
func (j *judge) fails(c policy.Check, minor int, pod *corev1.Pod) string {
	var reasons []string
	for _, r := range j.alone[c.ID].EvaluatePod(api.LevelVersion{Level: c.Level, Version: api.MajorMinorVersion(1, minor)}, &pod.ObjectMeta, admitted(&pod.Spec)) {
		if !r.Allowed {
			reasons = append(reasons, r.ForbiddenReason+" "+r.ForbiddenDetail)
		}
	}
	return strings.Join(reasons, "; ")
}

// compareNamespace puts the pod into a namespace that enforces the level.
func (j *judge) compareNamespace(t *testing.T, place string, level api.Level, minor int, o *manifest.Object, pod *corev1.Pod) {
	t.Helper()
	namespace := &manifest.Object{GVK: corev1.SchemeGroupVersion.WithKind("Namespace"), Name: "test", Node: &yamlv3.Node{}}
	labels := map[string]map[string]map[string]string{"metadata": {"labels": {
		api.EnforceLevelLabel: string(level), api.EnforceVersionLabel: fmt.Sprintf("v1.%d", minor),
	}}}
	if err := namespace.Node.Encode(labels); err != nil {
		t.Fatal(err)
	}
	o.Namespace = "test"
	findings := j.violates.Cluster(&lint.Cluster{Objects: []*manifest.Object{namespace, o}, Unit: func(*manifest.Object) lint.Unit {
		return lint.Unit{ID: "test", Kube: version.MajorMinor(1, 99)}
	}})
	if refusals := j.refusals(level, minor, pod); len(findings) != len(refusals) {
		t.Errorf("%s: %d checks refuse the pod, %d findings say so: %v, %v", place, len(refusals), len(findings), refusals, findings)
	}
}

func objectOf(t *testing.T, text []byte) *manifest.Object {
	t.Helper()
	docs, problems := manifest.Parse(text)
	if len(problems) > 0 || len(docs) != 1 {
		t.Fatalf("%d documents, %v:\n%s", len(docs), problems, text)
	}
	objects := manifest.Objects(docs[0], manifest.Origin{Span: manifest.Span{File: "pod.yaml"}}, nil)
	if len(objects) != 1 {
		t.Fatalf("%d objects:\n%s", len(objects), text)
	}
	return objects[0]
}

// A rule for pods that covers the Pod Security Standards speaks for one of their
// checks, and there is no check that no rule speaks for.
func TestEveryCheckHasRules(t *testing.T) {
	named := map[string]bool{}
	for _, c := range policy.DefaultChecks() {
		if len(rulesOf[c.ID]) == 0 {
			t.Errorf("no rule speaks for the check %s", c.ID)
		}
		for _, id := range rulesOf[c.ID] {
			named[id] = true
		}
	}
	for _, r := range Rules {
		if len(r.Kinds) == len(lint.Workloads) && slices.ContainsFunc(r.Frameworks, func(f string) bool { return strings.HasPrefix(f, "PSS:") }) != named[r.ID] {
			t.Errorf("%s covers the Pod Security Standards, or speaks for one of their checks, but not both", r.ID)
		}
	}
}

// The pods that the test package of Pod Security admission comes with, each at
// every level and version.
func TestStandardFixtures(t *testing.T) {
	at, err := build.Import("k8s.io/pod-security-admission/test", ".", build.FindOnly)
	if err != nil {
		t.Fatal(err)
	}
	j := newJudge(t)
	type known struct {
		object *manifest.Object
		pod    *corev1.Pod
	}
	pods := map[string]known{}
	newest, files := 0, 0
	err = fs.WalkDir(os.DirFS(filepath.Join(at.Dir, "testdata")), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || path.Ext(name) != ".yaml" {
			return err
		}
		text, err := os.ReadFile(filepath.Join(at.Dir, "testdata", filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		files++
		p, ok := pods[string(text)]
		if !ok {
			p = known{objectOf(t, text), &corev1.Pod{}}
			if err := yaml.UnmarshalStrict(text, p.pod); err != nil {
				return err
			}
			pods[string(text)] = p
		}
		// restricted/v1.25/fail/privileged0.yaml
		part := strings.Split(name, "/")
		level := api.Level(part[0])
		minor, err := strconv.Atoi(strings.TrimPrefix(part[1], "v1."))
		if err != nil {
			return err
		}
		newest = max(newest, minor)
		findings := j.linters[level].Object(p.object, lint.Unit{Kube: version.MajorMinor(1, uint(minor))})
		if (len(findings) > 0) != (part[2] == "fail") {
			t.Errorf("%s: %d findings", name, len(findings))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 4000 || newest < 37 {
		t.Fatalf("%d fixtures, the newest for 1.%d: some are missing", files, newest)
	}
	minors := versions()
	for _, p := range pods {
		for level := range levels {
			for _, minor := range minors {
				j.compare(t, p.pod.Name, level, minor, p.object, p.pod)
			}
		}
	}
}

// versions are the minor versions in which a check changes, and those before.
func versions() []int {
	var minors []int
	for _, c := range policy.DefaultChecks() {
		for _, v := range c.Versions {
			minors = append(minors, v.MinimumVersion.Minor(), max(v.MinimumVersion.Minor()-1, 0))
		}
	}
	slices.Sort(minors)
	return slices.Compact(minors)
}

// FuzzStandard compares the rules with the evaluator on pods that are made of
// the fuzzer's bytes.
func FuzzStandard(f *testing.F) {
	f.Add(uint8(37), []byte{})
	for _, seed := range seeds() {
		f.Add(seed[0], seed[1:])
	}
	j := newJudge(f)
	f.Fuzz(func(t *testing.T, minor uint8, data []byte) {
		g := &generator{data: data}
		pod := g.pod()
		text, err := yaml.Marshal(g.wrapped(pod))
		if err != nil {
			t.Fatal(err)
		}
		o := objectOf(t, text)
		if errs := o.SchemaErrors(); len(errs) > 0 {
			t.Fatalf("%v:\n%s", errs, text)
		}
		for level := range levels {
			j.compare(t, "pod", level, int(minor%40), o, pod)
		}
		if t.Failed() {
			t.Logf("%s", text)
		}
	})
}

// seeds are bytes to make pods of, the same in every run.
func seeds() [][]byte {
	random := rand.New(rand.NewPCG(1, 2))
	all := make([][]byte, 400)
	for i := range all {
		all[i] = make([]byte, 1+random.IntN(400))
		for k := range all[i] {
			all[i][k] = byte(random.Uint32())
		}
	}
	return all
}

// Pods of the seeds, and those at the edges, at every level and version; there
// are some that each check refuses, and some that it allows.
func TestStandardPods(t *testing.T) {
	j := newJudge(t)
	pods := edges()
	refused, allowed := map[policy.CheckID]int{}, map[policy.CheckID]int{}
	for i, seed := range seeds() {
		pod := (&generator{data: seed[1:]}).pod()
		if i < 150 {
			pods = append(pods, pod)
		}
		for _, c := range policy.DefaultChecks() {
			if j.fails(c, 37, pod) != "" {
				refused[c.ID]++
			} else {
				allowed[c.ID]++
			}
		}
	}
	for id := range rulesOf {
		if refused[id] < 5 || allowed[id] < 5 {
			t.Errorf("%s refuses %d of the seeds' pods and allows %d: too few to try the rules on", id, refused[id], allowed[id])
		}
	}
	minors := versions()
	for i, pod := range pods {
		text, err := yaml.Marshal(pod)
		if err != nil {
			t.Fatal(err)
		}
		o := objectOf(t, text)
		for level := range levels {
			for _, minor := range minors {
				j.compare(t, fmt.Sprintf("pod %d", i), level, minor, o, pod)
			}
		}
	}
}
