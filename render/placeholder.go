package render

import "github.com/scantling-dev/scantling/internal/manifest"

// placeholder stands for a value that is not known offline.
func placeholder(key string) string { return manifest.Placeholder(key) }
