package workflow

import (
	"github.com/scantling-dev/scantling/internal/manifest"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const tekton = "tekton.dev"

var (
	kindTask        = schema.GroupKind{Group: tekton, Kind: "Task"}
	kindTaskRun     = schema.GroupKind{Group: tekton, Kind: "TaskRun"}
	kindPipeline    = schema.GroupKind{Group: tekton, Kind: "Pipeline"}
	kindPipelineRun = schema.GroupKind{Group: tekton, Kind: "PipelineRun"}
)

// pipelineTasks are the tasks of a pipeline's specification, the last ones
// included.
func pipelineTasks(spec manifest.Value) []manifest.Value {
	return append(spec.Get("tasks").Items(), spec.Get("finally").Items()...)
}
