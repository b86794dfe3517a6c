package report

import "testing"

func TestRemedy(t *testing.T) {
	for _, c := range []struct{ fix, missing, want string }{
		{"Mend it, or leave it.", "", "mend it, or leave it"},
		{"Mend it. Or leave it.", "", "Mend it. Or leave it."},
		{"RBAC is needed.", "", "RBAC is needed"},
		{"", "", ""},
		{"Set runAsNonRoot to true in the pod.", "securityContext.runAsNonRoot", "add securityContext.runAsNonRoot: set it to true in the pod"},
		{"Set runAsNonRoot to true.", "runAsNonRoot", "add runAsNonRoot: set it to true"},
		{"Set seccompProfile.type to RuntimeDefault.", "securityContext.seccompProfile", "add securityContext.seccompProfile.type: set it to RuntimeDefault"},
		{"Set seccompProfile.type to RuntimeDefault.", "type", "add type: set it to RuntimeDefault"},
		{"Set resources.limits.memory, best to the same as the request.", "limits.memory", "add limits.memory, best to the same as the request"},
		{"Set resources.requests.cpu to what it needs.", "resources.requests.cpu", "add resources.requests.cpu: set it to what it needs"},
		{"Set a.b to x. Then y.", "b", "add b: set it to x. Then y."},
		{"Set other to true.", "runAsNonRoot", "add runAsNonRoot: set other to true"},
		{"Set b.c to true.", "c.b", "add c.b.c: set it to true"},
		{"Write the reference in full.", "image", "add image: write the reference in full"},
		{"Remove the setting.", "readOnly", "remove the setting"},
		{"", "readOnly", "add readOnly"},
	} {
		if got := remedy(c.fix, c.missing); got != c.want {
			t.Errorf("remedy(%q, %q) = %q, want %q", c.fix, c.missing, got, c.want)
		}
	}
}
