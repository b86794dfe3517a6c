package secrets

import "github.com/scantling-dev/scantling/lint"

var secretInCommandArgs = &lint.Rule{
	ID:         "secret-in-command-args",
	Title:      "Credential is passed on the command line",
	Why:        "The value stands in the repository, and every process on the node, every crash report and everyone who may look at pods sees the command line.",
	Fix:        "Put the value in an encrypted Secret and let the program read it from a mounted file, or from a variable as $(NAME); then replace the value, because the old one stays in the history.",
	Since:      "0.1.0",
	Severity:   lint.High,
	Category:   lint.Secrets,
	Frameworks: []string{"MITRE:T1552.001"},
	Kinds:      lint.Workloads,
	Written:    true,
	Check: func(p *lint.Pass) {
		for _, c := range p.Workload().Containers() {
			for _, f := range clearFlags(commandLine(c)) {
				p.ReportInside(p.Rule.Severity, f.path, lint.Inside{Key: f.name, Word: f.name, Line: f.line},
					"container %q passes a literal for %q on its command line", c.Name, f.name)
			}
		}
	},
	Examples: `
-- bad.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      command:
        - app
        - --db-password=hunter2-pw # want: container "web" passes a literal for "db-password"
        - --api-key
        - hunter2-key # want: "api-key"
      args:
        - -Dspring.datasource.password=hunter2-pw # want
        - --set
        - auth.password=hunter2-pw # want
        - --from-literal=token=hunter2-pw # want
    - name: shell
      command: [sh, -c]
      args:
        - |
          set -e
          PGPASSWORD="hunter2-pw" psql -h db # want: container "shell" passes a literal for "PGPASSWORD"
          mysql -uroot -phunter2-pw shop < dump.sql # want: "-p"
          if ! redis-cli -h db -a hunter2-pw ping; then exit 1; fi # want: "-a"
          curl -sf -u admin:hunter2-pw https://api.corp/x # want: "-u"
          curl -H 'Authorization: Bearer hunter2-token-1' https://api.corp/x # want: "Authorization"
          sshpass -p hunter2-pw ssh app@corp # want
          docker login -u app -p hunter2-pw registry.corp # want
          su app -c "mysqladmin -phunter2-pw status" # want
    - name: client
      command: [mysqldump, -uroot, -phunter2-pw, shop] # want: "-p"
    - name: cache
      args: [--requirepass, hunter2-pw] # want: "requirepass"
    - name: probe
      command: [curl, --user, "admin:hunter2-pw", http://web] # want: "--user"
-- good.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      command: [app, serve, token, list]
      args:
        - --db-password=$(DB_PASSWORD)
        - --password-file=/run/secrets/db
        - --token-ttl=1h
        - --token
        - --verbose
        - --secret-name=my-secret
        - --default-tls-secret=web/tls
        - --enable-token-auth
        - always
        - --token-auth=false
        - --authorization-token=https://login.corp/x
        - --credentials=/etc/app/creds.json
        - --password=
        - --password
        - ${PASSWORD}
    - name: shell
      command: [sh, -c]
      args:
        - |
          export TOKEN=$(cat /run/token)
          # PASSWORD=commented
          app --password "$DB_PASSWORD" --token="${TOKEN}" | tee log
          app --password && echo done
          PASSWORD=$1 run
          mkdir -p hunter2-dir && read -p hunter2-prompt answer
          mysql -p -h db shop; mysql -p"$MYSQL_PASSWORD" -P3306
          redis-cli -a "$REDIS_PASSWORD" ping
          curl -u "$USER:$PASSWORD" https://api.corp/x
          curl -u admin https://api.corp/x
          curl -H "Authorization: Bearer $(cat /run/token)" -H 'Accept: text/plain' https://api.corp/x
          docker run -p 8080:80 web
          docker login -u app --password-stdin registry.corp
          test "$TOKEN" = expected || exit 1
    - name: client
      command: [mysqldump, -uroot, -p$(MYSQL_PASSWORD), shop]
    - name: cache
      args: [--requirepass, $(REDIS_PASSWORD), --masterauth, ""]
`,
}
