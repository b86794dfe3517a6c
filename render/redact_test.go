package render

import (
	"strings"
	"testing"

	"github.com/scantling-dev/scantling/internal/manifest"
)

func TestRedact(t *testing.T) {
	tree := newRecorder(nil, manifest.Limits{})
	for name, data := range map[string]string{
		"chart/values.yaml":          "password: FAKE-value-0123\nspaced: some FAKE words: here\nreplicas: 3\nimage: nginx\nurl: https://example.com/FAKE/path\n",
		"chart/values-broken.yaml":   "password: FAKE-broken-0123: x\ntoken = FAKE-token\n",
		"chart/templates/a.yaml":     "image: {{ .Values.password }} nginx\n",
		"overlay/kustomization.yaml": "resources: [missing-base]\nsecretGenerator:\n- name: credentials\n  literals: [user=FAKE-user]\n  FAKE-0-key: x\n  literal: x\npatches:\n- patch: |\n    - {op: replace, path: /data/user, value: FAKE-patched}\n",
		"overlay/secret.yaml":        "apiVersion: v1\nkind: Secret\nmetadata: {name: database, namespace: shop}\nstringData: {password: FAKE-plain}\n",
		"overlay/secret.env":         "PASSWORD=FAKE-env\nFAKE-line\n",
		"overlay/deployment.yaml":    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web-app}\nspec: {replicas: many-of-them}\n",
		"overlay/patch.yaml":         "apiVersion: v1\nkind: Secret\nmetadata: {name: database}\ndata: {password: RkFLRS1wYXRjaGVk}\n",
	} {
		tree.record(name, []byte(data))
	}
	r := newRedactor(tree)
	for in, want := range map[string]string{
		`parsing time "FAKE-value-0123" as "2006"`:                      `parsing time "***" as "2006"`,
		`range can't iterate over FAKE-value-0123`:                      `range can't iterate over ***`,
		`invalid port ":FAKE-value-0123" after host`:                    `invalid port ":***" after host`,
		`the tail E-value-0123`:                                         `the tail ***`,
		`some FAKE words`:                                               `*** *** ***`,
		`illegal base64 RkFLRS12YWx1ZS0wMTIz`:                           `illegal base64 ***`,
		`"a\nFAKE-value-0123\n"`:                                        `"***"`,
		`open overlay/FAKE-user: file does not exist`:                   `open ***: file does not exist`,
		`image nginx is not there`:                                      `image nginx is not there`,
		`json: unknown field "FAKE-0-key"`:                              `json: unknown field "***"`,
		`json: unknown field "literal"`:                                 `json: unknown field "literal"`,
		`no matches for Id Secret.v1.[noGrp]/database.shop`:             `no matches for Id Secret.v1.[noGrp]/database.shop`,
		`replace /data/user FAKE-patched`:                               `replace /data/user ***`,
		`evaluating 'missing-base': no such file 'overlay/nothing.env'`: `evaluating 'missing-base': no such file 'overlay/nothing.env'`,
		`cannot unmarshal string into many-of-them`:                     `cannot unmarshal string into many-of-them`,
		`bad FAKE-broken-0123, FAKE-token, FAKE-env, FAKE-line`:         `bad ***, ***, ***, ***`,
		`template: chart/templates/a.yaml:1:3: <.Values.password>`:      `template: chart/templates/a.yaml:1:3: <.Values.password>`,
	} {
		if got := r.text(in); got != want {
			t.Errorf("%s\ngives %s\nwant  %s", in, got, want)
		}
	}
	p := &product{}
	p.fail(Problem{Class: "render-failed", Message: "choked on FAKE-value-0123"})
	p.miss(Problem{Class: "not-fetched", Message: "nginx 1.2.3 is not here"})
	p.redact(tree)
	if strings.Contains(p.problems[0].Message+p.reason, "FAKE") || p.problems[1].Message != "nginx 1.2.3 is not here" {
		t.Errorf("%+v, %s", p.problems, p.reason)
	}
}
