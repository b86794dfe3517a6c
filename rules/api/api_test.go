package api

import (
	"testing"

	"github.com/scantling-dev/scantling/lint/linttest"
)

func TestRules(t *testing.T) { linttest.Run(t, Rules) }
