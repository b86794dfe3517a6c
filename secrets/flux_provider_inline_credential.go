package secrets

import (
	"strings"

	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var fluxProviderInlineCredential = &lint.Rule{
	ID:         "flux-provider-inline-credential",
	Title:      "Notification provider keeps a credential inline",
	Why:        "Who has the address of a webhook may write to the channel, or start the pipeline, that it belongs to. In spec.address it stands in the repository, and everyone who may get Providers reads it in the cluster.",
	Fix:        "Put the address into an encrypted Secret under the key address and name that in spec.secretRef; then make a new webhook, because the old one stays in the history.",
	Since:      "0.1.0",
	Severity:   lint.High,
	Category:   lint.Secrets,
	Frameworks: []string{"MITRE:T1552.001"},
	Kinds:      []schema.GroupKind{{Group: "notification.toolkit.fluxcd.io", Kind: "Provider"}},
	Written:    true,
	Supersedes: []string{"url-embedded-credentials", "known-credential-pattern"},
	Check: func(p *lint.Pass) {
		address := p.Object.Value("spec", "address")
		if sops.Read(p.Object.Node).Valid() || !hasInlineCredential(address.Text()) {
			return
		}
		p.Report(address.Path, "address of Provider %q holds a credential", p.Object.Name)
	},
	Examples: `
-- bad.yaml --
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {name: slack, namespace: flux-system}
spec:
  type: slack
  address: https://hooks.` + `slack.com/services/T01ABCDEF/B01ABCDEF/a8Fk20Lmzq91Xy7PsT43vbnQ # want: address of Provider "slack" holds a credential
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {name: discord, namespace: flux-system}
spec:
  type: discord
  address: https://discord.com/api/` + `webhooks/1042/a8Fk20Lmzq91Xy7PsT43vbnQdd09 # want
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {name: teams, namespace: flux-system}
spec:
  type: msteams
  address: https://prod-1.westeurope.logic.azure.com/workflows/1/triggers/manual/paths/invoke?api-version=2016-06-01&sig=a8Fk20Lmzq91Xy7PsT43vbnQ # want
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {name: chat, namespace: flux-system}
spec:
  type: googlechat
  address: https://chat.googleapis.com/v1/spaces/AAA/messages?key=abc&token=a8Fk20Lmzq91Xy7 # want
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {name: userinfo, namespace: flux-system}
spec:
  type: generic
  address: https://flux:hunter2-pw@hooks.corp/ # want
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {name: hub, namespace: flux-system}
spec:
  type: azureeventhub
  address: Endpoint=sb://hub.servicebus.windows.net/;SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=a8Fk20Lmzq91Xy7PsT43;EntityPath=flux # want
-- good.yaml --
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {name: slack, namespace: flux-system}
spec:
  type: slack
  channel: general
  secretRef: {name: slack-url}
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {name: substituted, namespace: flux-system}
spec:
  type: slack
  address: https://hooks.slack.com/services/${SLACK_WEBHOOK}
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {name: documented, namespace: flux-system}
spec:
  type: slack
  address: https://hooks.slack.com/services/YOUR/SLACK/WEBHOOK
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {name: bot, namespace: flux-system}
spec:
  type: slack
  address: https://slack.com/api/chat.postMessage
  secretRef: {name: slack-bot-token}
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {name: github, namespace: flux-system}
spec:
  type: github
  address: https://github.com/org/repo
  secretRef: {name: github-token}
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {name: alertmanager, namespace: flux-system}
spec:
  type: alertmanager
  address: http://alertmanager.monitoring:9093/api/v2/alerts/?cluster=prod
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {name: generic, namespace: flux-system}
spec:
  type: generic
  address: https://hooks.corp/deploy?token=${TOKEN}&tokenType=bearer
---
apiVersion: example.com/v1
kind: Provider
metadata: {name: other}
spec:
  address: https://flux:hunter2-pw@hooks.corp/
`,
}

// webhookMarks are parts of addresses behind which the credential stands.
var webhookMarks = [...]string{
	"://hooks.slack.com/services/", "://hooks.slack.com/workflows/", "://hooks.slack.com/triggers/",
	"://discord.com/api/webhooks/", "://discordapp.com/api/webhooks/",
	".webhook.office.com/", "://outlook.office.com/webhook/", "://api.telegram.org/bot",
	"://webhooks.mongodb-realm.com/", "://open.larksuite.com/open-apis/bot/v2/hook/", "://open.feishu.cn/open-apis/bot/v2/hook/",
}

// hasInlineCredential says that the address of a webhook is, or holds, a
// credential in clear.
func hasInlineCredential(address string) bool {
	if hasClearURL(address) {
		return true
	}
	for _, mark := range webhookMarks {
		if _, rest, ok := strings.Cut(address, mark); ok {
			return isWebhookToken(rest)
		}
	}
	_, query, _ := strings.Cut(address, "?")
	if !strings.Contains(address, "?") {
		query = address
	}
	for _, p := range findPairs(query, false) {
		if (CredentialName(p.name) || p.name == "sig" || p.name == "SharedAccessKey") && Classify(p.value) == Literal && !isSetting(p.value) {
			return true
		}
	}
	return false
}

// isWebhookToken says that the end of a webhook's address is a token, and not what
// documentation writes in its place.
func isWebhookToken(path string) bool {
	token := path[strings.LastIndexByte(strings.TrimRight(path, "/"), '/')+1:]
	if referencesIn(path) || len(token) < 8 || Classify(token) != Literal {
		return false
	}
	return strings.ContainsAny(token, "0123456789") || token != strings.ToUpper(token) && token != strings.ToLower(token)
}

// referencesIn says that something else fills in a part of the text.
func referencesIn(v string) bool {
	for i := range len(v) {
		if n, _, _ := referenceAt(v[i:]); n > 0 {
			return true
		}
	}
	return false
}
