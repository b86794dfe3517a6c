package workflow

import (
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/cluster"
	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const argo = "argoproj.io"

// workflows are the kinds that hold the specification of an Argo Workflow.
var workflows = []schema.GroupKind{
	{Group: argo, Kind: "Workflow"},
	{Group: argo, Kind: "WorkflowTemplate"},
	{Group: argo, Kind: "ClusterWorkflowTemplate"},
	{Group: argo, Kind: "CronWorkflow"},
}

var kindConfigMap = schema.GroupKind{Kind: "ConfigMap"}

// workflowSpec is the specification of the workflow that an object holds.
func workflowSpec(o *manifest.Object) manifest.Value {
	if o.GVK.Kind == "CronWorkflow" {
		return o.Value("spec", "workflowSpec")
	}
	return o.Value("spec")
}

// runs says that an object says itself how its pods run. What another template
// is named for runs as that one says, and a template without an entrypoint is
// only a library for others.
func runs(spec manifest.Value) bool {
	return spec.Written() && !spec.Get("workflowTemplateRef").Written() && spec.Get("entrypoint").Written()
}

// podTemplates are those of a workflow's templates that run a pod.
func podTemplates(spec manifest.Value) []manifest.Value {
	return slices.DeleteFunc(spec.Get("templates").Items(), func(t manifest.Value) bool {
		return !slices.ContainsFunc([]string{"container", "containerSet", "script", "resource", "data", "http", "plugin"}, func(kind string) bool { return t.Get(kind).Written() })
	})
}

// byDefault says that the configuration of the controller sets a field for all
// workflows: https://argo-workflows.readthedocs.io/en/latest/default-workflow-specs/.
func byDefault(p *lint.Pass, o *manifest.Object, fields ...string) bool {
	return slices.ContainsFunc(cluster.Of(p).Kind("", kindConfigMap.Kind), func(c *manifest.Object) bool {
		if !strings.HasSuffix(c.Name, "workflow-controller-configmap") || !p.Together(o, c) {
			return false
		}
		text := c.Value("data", "workflowDefaults").Text() + c.Value("data", "mainContainer").Text() + c.Value("data", "config").Text()
		return slices.ContainsFunc(fields, func(field string) bool { return strings.Contains(text, field) })
	})
}
