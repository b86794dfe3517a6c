package secrets

// tokenFormats are the credentials that begin with a prefix of their provider's.
// Next to each stands who documents it. What is public by design is left out:
// Stripe's pk_, Sentry's DSN, Mapbox's pk., Supabase's anon and publishable keys.
func tokenFormats() []format {
	return append(platformTokens(), serviceTokens()...)
}

// platformTokens are those of clouds, code hosts and what runs clusters.
func platformTokens() []format {
	return []format{
		// docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html: the
		// prefixes; the rest is base32.
		{id: "aws-access-key", name: "AWS access key", literals: []string{"AKIA"}, body: digits | uppers, min: 16, max: 16, check: isBase32, look: lookAWSKey},
		{id: "aws-temporary-key", name: "AWS temporary access key", literals: []string{"ASIA"}, body: digits | uppers, min: 16, max: 16, below: 1, check: isBase32},
		// docs.aws.amazon.com/bedrock/latest/userguide/api-keys.html
		{id: "aws-bedrock-key", name: "Amazon Bedrock API key", literals: []string{"ABSK"}, body: base64Text | equalSigns, min: 109, max: 269},
		// github.blog/2021-04-05-behind-githubs-new-authentication-token-formats:
		// 30 characters and 6 of a CRC-32 in base 62.
		{id: "github-token", name: "GitHub token", literals: []string{"ghp_", "gho_", "ghu_", "ghr_"}, body: alnums, min: 36, max: 76, check: isGitHubToken},
		// docs.github.com, "Generating an installation access token": opaque, or
		// an app's id and a JWT.
		{id: "github-app-token", name: "GitHub App installation token", literals: []string{"ghs_"}, body: words | dots, min: 36, max: 1024, check: isGitHubToken},
		// docs.github.com, "Managing your personal access tokens"
		{id: "github-fine-grained-token", name: "GitHub fine-grained token", literals: []string{"github_pat_"}, body: alnums | underscores, min: 82, max: 82},
		// docs.gitlab.com/security/tokens: the prefixes. Routable tokens end with
		// lengths and a CRC-32 in base 36.
		{id: "gitlab-token", name: "GitLab token", literals: []string{"glpat-", "gldt-", "glrt-", "glrtr-", "glcbt-", "glptt-", "glft-", "glimt-", "glsoat-", "glffct-", "glagent-", "gloas-", "glwt-"}, body: words | dots, min: 20, max: 320, check: isGitLabToken},
		// docs.gitlab.com/runner/register: registration tokens of before 16.0.
		{id: "gitlab-registration-token", name: "GitLab runner registration token", literals: []string{"GR1348941"}, body: words, min: 20, max: 20},
		// cloud.google.com/docs/authentication/api-keys
		{id: "google-api-key", name: "Google API key", literals: []string{"AIza"}, body: words, min: 35, max: 35, below: 1},
		// developers.google.com/identity/protocols/oauth2: client secrets.
		{id: "google-oauth-secret", name: "Google OAuth client secret", literals: []string{"GOCSPX-"}, body: words, min: 28, max: 28},
		// docs.digitalocean.com/reference/api: personal, OAuth and refresh tokens.
		{id: "digitalocean-token", name: "DigitalOcean token", literals: []string{"dop_v1_", "doo_v1_", "dor_v1_"}, body: lowerHex, min: 64, max: 64},
		// developers.cloudflare.com/fundamentals/api/get-started/ca-keys
		{id: "cloudflare-origin-ca-key", name: "Cloudflare Origin CA key", literals: []string{"v1.0-"}, body: lowerHex | dashes, min: 171, max: 171},
		// docs.databricks.com/dev-tools/auth/pat
		{id: "databricks-token", name: "Databricks token", literals: []string{"dapi"}, body: lowerHex | dashes, min: 32, max: 34, check: isDatabricksToken},
		// developer.hashicorp.com/vault/docs/concepts/tokens: service, batch and
		// recovery tokens.
		{id: "vault-token", name: "HashiCorp Vault token", literals: []string{"hvs.", "hvb.", "hvr."}, body: words, min: 24, max: 400, check: isMixed},
		{id: "vault-legacy-token", name: "HashiCorp Vault token", literals: []string{"s."}, body: alnums, min: 24, max: 24, look: lookNear("vault")},
		// docs.docker.com/security/access-tokens
		{id: "docker-hub-token", name: "Docker Hub token", literals: []string{"dckr_pat_", "dckr_oat_"}, body: words, min: 27, max: 32},
		// docs.npmjs.com/about-access-tokens: with a checksum as GitHub's.
		{id: "npm-token", name: "npm token", literals: []string{"npm_"}, body: alnums, min: 36, max: 36, check: isGitHubToken},
		// pypi.org/help/#apitoken: macaroons for pypi.org and test.pypi.org.
		{id: "pypi-token", name: "PyPI token", literals: []string{"pypi-AgEIcHlwaS5vcmc", "pypi-AgENdGVzdC5weXBpLm9yZ"}, body: words, min: 50, max: 1000},
		// guides.rubygems.org/api-key-scopes
		{id: "rubygems-key", name: "RubyGems API key", literals: []string{"rubygems_"}, body: lowerHex, min: 48, max: 48},
		// jfrog.com/help, "Identity and reference tokens"
		{id: "jfrog-api-key", name: "JFrog API key", literals: []string{"AKCp"}, body: alnums, min: 69, max: 69},
		{id: "jfrog-reference-token", name: "JFrog reference token", literals: []string{"cmVmdGtu"}, body: alnums, min: 56, max: 56},
		// fly.io/docs/security/tokens
		{id: "fly-token", name: "Fly.io token", literals: []string{"fo1_"}, body: words, min: 43, max: 43},
		{id: "fly-macaroon", name: "Fly.io token", literals: []string{"fm2_", "fm1r_", "fm1a_"}, body: base64Text | equalSigns, min: 100, max: 2000},
		// www.pulumi.com/docs/administration/access-identity/access-tokens
		{id: "pulumi-token", name: "Pulumi token", literals: []string{"pul-"}, body: lowerHex, min: 40, max: 40},
		// docs.doppler.com/docs/token-formats
		{id: "doppler-token", name: "Doppler token", literals: []string{"dp.pt.", "dp.st.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit."}, body: words | dots, min: 40, max: 90},
		// developer.1password.com/docs/service-accounts, and about the Secret Key.
		{id: "1password-service-account", name: "1Password service account token", literals: []string{"ops_eyJ"}, body: base64Text | words | equalSigns, min: 250, max: 2000},
		{id: "1password-secret-key", name: "1Password Secret Key", literals: []string{"A3-"}, body: digits | uppers | dashes, min: 36, max: 37, check: isOnePasswordKey},
		// tailscale.com/kb/1277/key-prefixes
		{id: "tailscale-key", name: "Tailscale key", literals: []string{"tskey-auth-", "tskey-api-", "tskey-client-", "tskey-scim-", "tskey-webhook-"}, body: alnums | dashes, min: 20, max: 100},
		// docs.redhat.com, OpenShift: an OAuth token of a user.
		{id: "openshift-token", name: "OpenShift token", literals: []string{"sha256~"}, body: words, min: 43, max: 43},
		// ranchermanager.docs.rancher.com/reference-guides/user-settings/api-keys
		{id: "rancher-token", name: "Rancher token", literals: []string{"token-", "kubeconfig-u-", "kubeconfig-user-"}, look: lookRancherToken},
		// docs.planetscale.com, "Service tokens"
		{id: "planetscale-token", name: "PlanetScale token", literals: []string{"pscale_tkn_", "pscale_pw_", "pscale_oauth_"}, body: words | dots | equalSigns, min: 32, max: 64},
		// supabase.com/docs/guides/api/api-keys
		{id: "supabase-token", name: "Supabase token", literals: []string{"sbp_"}, body: lowerHex, min: 40, max: 40},
		{id: "supabase-secret-key", name: "Supabase secret key", literals: []string{"sb_secret_"}, body: words, min: 31, max: 40},
		// docs.netlify.com/api/get-started
		{id: "netlify-token", name: "Netlify token", literals: []string{"nfp_"}, body: alnums, min: 36, max: 40},
		// devcenter.heroku.com/articles/authentication
		{id: "heroku-token", name: "Heroku token", literals: []string{"HRKU-"}, body: words, min: 36, max: 60},
		// buildkite.com/docs/apis/managing-api-tokens
		{id: "buildkite-token", name: "Buildkite token", literals: []string{"bkua_"}, body: lowerHex, min: 40, max: 40},
		// circleci.com/docs/managing-api-tokens
		{id: "circleci-token", name: "CircleCI token", literals: []string{"CCIPAT_", "CCIPRJ_"}, body: words, min: 40, max: 80},
	}
}

// serviceTokens are those of what applications use.
func serviceTokens() []format {
	return []format{
		// api.slack.com/concepts/token-types
		{id: "slack-token", name: "Slack token", literals: []string{"xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxo-", "xoxe-", "xoxe.xoxp-", "xoxe.xoxb-", "xoxc-"}, body: alnums | dashes, min: 20, max: 300, check: isSlackToken},
		{id: "slack-app-token", name: "Slack app-level token", literals: []string{"xapp-"}, body: alnums | dashes, min: 40, max: 200, check: isSlackToken},
		// docs.stripe.com/keys: secret and restricted keys, and those of the sandbox.
		{id: "stripe-key", name: "Stripe secret key", literals: []string{"sk_live_", "rk_live_"}, body: alnums, min: 20, max: 250},
		{id: "stripe-test-key", name: "Stripe test key", literals: []string{"sk_test_", "rk_test_"}, body: alnums, min: 20, max: 250, below: 3},
		// docs.stripe.com/webhooks/signature, docs.svix.com
		{id: "webhook-signing-secret", name: "webhook signing secret", literals: []string{"whsec_"}, body: base64Text | equalSigns, min: 24, max: 80, below: 1, check: isMixed},
		// docs.sendgrid.com, "API keys": 22 and 43 characters.
		{id: "sendgrid-key", name: "SendGrid API key", literals: []string{"SG."}, body: words | dots, min: 66, max: 66, check: hasDotAt22},
		// documentation.mailgun.com, "API authentication"
		{id: "mailgun-key", name: "Mailgun API key", literals: []string{"key-"}, body: lowerHex, min: 32, max: 32, look: lookNear("mailgun")},
		// developers.brevo.com
		{id: "brevo-key", name: "Brevo API key", literals: []string{"xkeysib-"}, body: alnums | dashes, min: 81, max: 81},
		// www.twilio.com/docs/iam/api-keys: the key's name; its secret stands near.
		{id: "twilio-key", name: "Twilio API key", literals: []string{"SK"}, body: lowerHex, min: 32, max: 32, below: 1, look: lookNear("twilio")},
		// platform.openai.com: keys hold the word OpenAI in base64.
		{id: "openai-key", name: "OpenAI API key", literals: []string{"T3BlbkFJ"}, look: lookOpenAIKey},
		// docs.anthropic.com, "API overview" and "Admin API"
		{id: "anthropic-key", name: "Anthropic API key", literals: []string{"sk-ant-"}, body: words, min: 80, max: 130},
		// openrouter.ai/docs, "Authentication"
		{id: "openrouter-key", name: "OpenRouter API key", literals: []string{"sk-or-v1-"}, body: lowerHex, min: 64, max: 64},
		// huggingface.co/docs/hub/security-tokens
		{id: "huggingface-token", name: "Hugging Face token", literals: []string{"hf_"}, body: alnums, min: 34, max: 40, check: isMixedCase},
		// console.groq.com/docs, replicate.com/docs, docs.x.ai, docs.perplexity.ai
		{id: "groq-key", name: "Groq API key", literals: []string{"gsk_"}, body: alnums, min: 52, max: 52},
		{id: "replicate-token", name: "Replicate token", literals: []string{"r8_"}, body: alnums, min: 37, max: 37},
		{id: "xai-key", name: "xAI API key", literals: []string{"xai-"}, body: alnums, min: 80, max: 80},
		{id: "perplexity-key", name: "Perplexity API key", literals: []string{"pplx-"}, body: alnums, min: 48, max: 48},
		// grafana.com/docs/grafana/latest/administration/service-accounts: 32
		// characters and a CRC-32; Grafana Cloud's are JSON in base64.
		{id: "grafana-token", name: "Grafana service account token", literals: []string{"glsa_"}, body: alnums | underscores, min: 41, max: 41, check: isGrafanaToken},
		{id: "grafana-cloud-token", name: "Grafana Cloud token", literals: []string{"glc_eyJ"}, body: base64Text | equalSigns, min: 40, max: 400},
		// docs.newrelic.com/docs/apis/intro-apis/new-relic-api-keys
		{id: "newrelic-key", name: "New Relic user key", literals: []string{"NRAK-"}, body: digits | uppers, min: 27, max: 27},
		// docs.datadoghq.com/account_management/api-app-keys: hexadecimal, so known
		// by the name alone.
		{id: "datadog-key", name: "Datadog key", literals: []string{"DD_API_KEY", "DD_APP_KEY", "DATADOG_API_KEY", "DATADOG_APP_KEY", "datadog_api_key", "datadog_app_key"}, look: lookDatadogKey},
		// docs.sentry.io/account/auth-tokens; the DSN is public.
		{id: "sentry-token", name: "Sentry auth token", literals: []string{"sntrys_eyJ"}, body: base64Text | underscores | equalSigns, min: 60, max: 500},
		{id: "sentry-user-token", name: "Sentry user auth token", literals: []string{"sntryu_"}, body: lowerHex, min: 64, max: 64},
		// docs.dynatrace.com, "Access tokens": a public part and a secret one.
		{id: "dynatrace-token", name: "Dynatrace token", literals: []string{"dt0c01.", "dt0s01.", "dt0s16."}, body: digits | uppers | dots, min: 89, max: 89},
		// docs.sonarsource.com, "Managing your tokens"
		{id: "sonar-token", name: "SonarQube token", literals: []string{"sqp_", "squ_", "sqa_"}, body: lowerHex, min: 40, max: 40},
		// linear.app/developers
		{id: "linear-key", name: "Linear API key", literals: []string{"lin_api_", "lin_oauth_"}, body: alnums, min: 40, max: 64},
		// support.atlassian.com, "API tokens": they end with a CRC-32.
		{id: "atlassian-token", name: "Atlassian API token", literals: []string{"ATATT3", "ATCTT3"}, body: words | equalSigns, min: 60, max: 400, check: isAtlassianToken},
		{id: "bitbucket-app-password", name: "Bitbucket app password", literals: []string{"ATBB"}, body: alnums, min: 32, max: 32, check: isMixedCase},
		// developers.notion.com, learning.postman.com, www.figma.com/developers,
		// airtable.com/developers
		{id: "notion-token", name: "Notion token", literals: []string{"ntn_"}, body: alnums, min: 40, max: 60},
		{id: "postman-key", name: "Postman API key", literals: []string{"PMAK-"}, body: lowerHex | dashes, min: 59, max: 59},
		{id: "figma-token", name: "Figma token", literals: []string{"figd_"}, body: words, min: 38, max: 60},
		{id: "contentful-token", name: "Contentful token", literals: []string{"CFPAT-"}, body: words, min: 43, max: 43},
		// shopify.dev/docs/apps/build/authentication-authorization/access-tokens
		{id: "shopify-token", name: "Shopify token", literals: []string{"shpat_", "shpca_", "shppa_", "shpss_"}, body: anyHex, min: 32, max: 32},
		// developer.squareup.com/docs/build-basics/access-tokens
		{id: "square-secret", name: "Square OAuth secret", literals: []string{"sq0csp-"}, body: words, min: 43, max: 43},
		{id: "square-token", name: "Square access token", literals: []string{"sq0atp-"}, body: words, min: 22, max: 22},
		// docs.mapbox.com/accounts/guides/tokens: sk. is secret, pk. is public.
		{id: "mapbox-secret-token", name: "Mapbox secret token", literals: []string{"sk.eyJ"}, body: words | dots, min: 60, max: 300},
	}
}
