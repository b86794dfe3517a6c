package secrets

import (
	"fmt"
	"strings"
	"testing"
)

// manifests is a text such as repositories hold: workloads, configuration with
// embedded files, digests, certificates and ciphertext, no credential.
func manifests(size int) []byte {
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, `---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-%[1]d
  namespace: shop
  labels: {app.kubernetes.io/name: web, app.kubernetes.io/instance: web-%[1]d}
spec:
  replicas: 3
  selector:
    matchLabels:
      app: web-%[1]d
  template:
    metadata:
      annotations:
        checksum/config: %064[1]x
    spec:
      containers:
        - name: web
          image: ghcr.io/shop/web:1.%[1]d.0@sha256:%064[1]x
          args: ["--listen=0.0.0.0:8080", "--database=postgres://app:$(PASSWORD)@db:5432/app"]
          env:
            - name: AWS_SECRET_ACCESS_KEY
              valueFrom: {secretKeyRef: {name: web, key: secret-key}}
          resources:
            limits: {cpu: 500m, memory: 256Mi}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
---
apiVersion: v1
kind: Secret
metadata:
  name: web-%[1]d
stringData:
  password: ENC[AES256_GCM,data:p673w7dSzK0z,iv:YY4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:str]
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: web-%[1]d
data:
  application.properties: |
    # the user's token is asked for; see https://docs.example.com/token
    server.port=8080
    spring.datasource.url=jdbc:postgresql://db:5432/app
  ca.crt: |
    -----BEGIN CERTIFICATE-----
    MIIBhTCCASugAwIBAgIQIRi6zePL6mKjOipn+dNuaTAKBggqhkjOPQQDAjASMRAw
    DgYDVQQKEwdBY21lIENvMB4XDTE3MTAyMDE5NDMwNloXDTE4MTAyMDE5NDMwNlow
    -----END CERTIFICATE-----
`, i)
	}
	return []byte(b.String())
}

func BenchmarkPatterns(b *testing.B) {
	data := manifests(4 << 20)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if hits := scanText(data); len(hits) > 0 {
			b.Fatalf("a manifest without credentials gives %d, such as a %s", len(hits), hits[0].name)
		}
	}
}

// BenchmarkPatternsBase64 is a text that is base64 of text throughout.
func BenchmarkPatternsBase64(b *testing.B) {
	data := []byte(encodeLines(manifests(1 << 20)))
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		scanText(data)
	}
}

// BenchmarkPatternsHostile is a text that is nothing but beginnings of
// credentials.
func BenchmarkPatternsHostile(b *testing.B) {
	for _, start := range [...]string{"-----BEGIN PRIVATE " + "KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj", "eyJhbGciOiJIUzI1NiJ9.", "AKIA ", "ghp_ ", "AGE-SECRET-KEY-1", "T3BlbkFJ", "key-0f1e2d3c4b5a69788796a5b4c3d2e1f0 ", "\"auth\":\"", "  a: |\n", "A3-", "PuTTY-User-Key-File-2Private-Lines: "} {
		b.Run(strings.Trim(start[:min(len(start), 12)], "-\" :|\n"), func(b *testing.B) {
			data := []byte(strings.Repeat(start, (1<<20)/len(start)))
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				scanText(data)
			}
		})
	}
}
