package secrets

import (
	"bytes"
	"testing"
)

func TestShows(t *testing.T) {
	for line, want := range map[string]bool{
		"password: hunter2hunter":                                   true,
		`  "apiKey": "0a1b2c3d4e5f",`:                               true,
		"  - db.password=hunter2hunter":                             true,
		"metadata: {annotations: {example.com/api-token: s3cr3t7}}": true,
		"spec: {mode: a, password: s3cr3t-value, url: x}":           true,
		"path: /?token=s3cr3t-value&a=b":                            true,
		"url: https://bot:s3cr3t-value@git.example.org/x":           true,
		"- {name: API_TOKEN, value: s3cr3t-value}":                  true,
		"pin_password: 1234567":                                     true,
		"key: " + "ghp_" + "wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx":   true,

		"privileged: true":                          false,
		"image: registry.example.org/app:1.2.3":     false,
		"password: ${DB_PASSWORD}":                  false,
		"password: {{ .Values.password }}":          false,
		`password: ""`:                              false,
		"password:":                                 false,
		"automountServiceAccountToken: true":        false,
		"secretName: database":                      false,
		"secretKeyRef: {name: db, key: password}":   false,
		"- name: PASSWORD_FILE":                     false,
		"url: https://git.example.org/x":            false,
		"- {name: LOG_LEVEL, value: debug-verbose}": false,
		"": false,
	} {
		if got := Shows([][]byte{[]byte(line)}, 0); got != want {
			t.Errorf("%s: %v", line, got)
		}
	}
	lines := bytes.Split([]byte("- name: DB_PASSWORD\n  value: s3cr3t-value\n- name: LEVEL\n  value: s3cr3t-value\n- value: s3cr3t\n  name: TOKEN"), []byte("\n"))
	for i, want := range []bool{false, true, false, false, true, false} {
		if got := Shows(lines, i); got != want {
			t.Errorf("%s: %v", lines[i], got)
		}
	}
}
