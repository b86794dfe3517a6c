package secrets

import "github.com/scantling-dev/scantling/lint"

var secretAsEnvironmentVariable = &lint.Rule{
	ID:         "secret-as-environment-variable",
	Title:      "Secret is consumed through the environment",
	Why:        "Every process that the container starts inherits the value, and crash reports, debug pages and logs print environments without a thought. A variable also keeps the old value until the pod is restarted.",
	Fix:        "Mount the Secret as a volume and let the program read the file.",
	Since:      "0.1.0",
	Severity:   lint.Info,
	Category:   lint.Secrets,
	Harmless:   true,
	Frameworks: []string{"CIS-1.12:5.4.1", "MITRE:T1552.007"},
	Profile:    lint.All,
	Kinds:      lint.Workloads,
	Check: func(p *lint.Pass) {
		for _, c := range p.Workload().Containers() {
			for i, e := range c.Env {
				if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
					p.Report(c.Path.Child("env").Index(i).Child("valueFrom", "secretKeyRef"),
						"environment variable %q of container %q comes from Secret %q", e.Name, c.Name, e.ValueFrom.SecretKeyRef.Name)
				}
			}
			for i, e := range c.EnvFrom {
				if e.SecretRef != nil {
					p.Report(c.Path.Child("envFrom").Index(i).Child("secretRef"), "container %q takes all of Secret %q as environment variables", c.Name, e.SecretRef.Name)
				}
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      initContainers:
        - name: migrate
          envFrom:
            - secretRef: # want: container "migrate" takes all of Secret "db"
                name: db
      containers:
        - name: web
          env:
            - name: DB_PASSWORD
              valueFrom:
                secretKeyRef: # want: environment variable "DB_PASSWORD" of container "web" comes from Secret "db"
                  name: db
                  key: password
-- good.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
        - name: web
          env:
            - name: DB_PASSWORD_FILE
              value: /run/secrets/db/password
            - name: NODE
              valueFrom:
                fieldRef:
                  fieldPath: spec.nodeName
            - name: LEVEL
              valueFrom:
                configMapKeyRef:
                  name: settings
                  key: level
          envFrom:
            - configMapRef:
                name: settings
          volumeMounts:
            - name: db
              mountPath: /run/secrets/db
      volumes:
        - name: db
          secret:
            secretName: db
`,
}
