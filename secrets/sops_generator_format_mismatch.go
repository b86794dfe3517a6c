package secrets

import (
	"path"
	"slices"
	"strings"

	"github.com/scantling-dev/scantling/internal/manifest"
	"github.com/scantling-dev/scantling/lint"
	"github.com/scantling-dev/scantling/secrets/sops"
	"go.yaml.in/yaml/v3"
)

var sopsGeneratorFormatMismatch = &lint.Rule{
	ID:       "sops-generator-format-mismatch",
	Title:    "secretGenerator gives an encrypted file a key of another format",
	Why:      "Flux decrypts what a secretGenerator reads to the format that the key's ending names, whatever the file is called: .yaml, .json (and .dockerconfigjson), .env, .ini, anything else being bytes. A file that SOPS encrypted in another format makes the Kustomization fail, or arrives wrapped in a document that nobody expects.",
	Fix:      "Give the entry a key with the ending of the file's format, such as values.yaml=values.sops.yaml, or encrypt the file anew in the format of the key, with sops encrypt --input-type.",
	Since:    "0.1.0",
	Severity: lint.High,
	Category: lint.Secrets,
	CheckFile: func(p *lint.TreePass) {
		if !isKustomizationName(path.Base(p.File.Name)) || !p.File.Contains("secretGenerator") || !mayBeFlux(p) {
			return
		}
		docs, _ := p.File.Documents()
		for _, doc := range docs {
			for _, g := range manifest.Items(doc, "secretGenerator") {
				checkGeneratorFormats(p, g)
			}
		}
	},
	Examples: sopsGeneratorFormatMismatchExamples,
}

// mayBeFlux says that Flux builds the kustomization, as far as is known. Argo CD
// decrypts nothing, in whatever format.
func mayBeFlux(p *lint.TreePass) bool {
	if p.Tree().Readers == nil {
		return true
	}
	readers := p.Tree().Readers(p.File.Name)
	return len(readers) == 0 || slices.ContainsFunc(readers, func(r lint.Reader) bool { return r.Kind != argoApplicationKind.Kind })
}

func checkGeneratorFormats(p *lint.TreePass, generator *yaml.Node) {
	for _, entry := range manifest.Items(generator, "files") {
		key, file, ok := strings.Cut(entry.Value, "=")
		if !ok {
			file = key
		}
		have, doc := sealedSource(p, file)
		if want := storeOfKey(key); have != noStore && failsAs(want, have, file, doc) {
			p.Report(p.File.Node(entry), generatorKey(generator, "files", path.Base(key)), "Flux decrypts %s to %s, by the key %q, and the file is %s", file, want, path.Base(key), have)
		}
	}
	envs := manifest.Items(generator, "envs")
	if env := manifest.Get(generator, "env"); env != nil {
		envs = append(slices.Clip(envs), env)
	}
	for _, entry := range envs {
		have, _ := sealedSource(p, entry.Value)
		want := storeOfKey(entry.Value)
		switch {
		case have == noStore || have == dotenvStore && (want == dotenvStore || want == binaryStore):
		case have == dotenvStore:
			p.Report(p.File.Node(entry), generatorKey(generator, "envs", entry.Value), "Flux takes %s for %s, by its name, and the file is dotenv", entry.Value, want)
		default:
			p.Report(p.File.Node(entry), generatorKey(generator, "envs", entry.Value), "%s is read as dotenv, and SOPS encrypted it as %s", entry.Value, have)
		}
	}
}

func generatorKey(generator *yaml.Node, field, entry string) string {
	return "secretGenerator[" + manifest.Text(generator, "name") + "]." + field + "[" + entry + "]"
}

// storeOfKey is the store that Flux takes by a key's ending.
func storeOfKey(key string) store {
	if strings.HasSuffix(key, ".dockerconfigjson") {
		return jsonStore
	}
	switch sops.FormatOf(key) {
	case sops.YAML:
		return yamlStore
	case sops.JSON:
		return jsonStore
	case sops.Dotenv:
		return dotenvStore
	case sops.INI:
		return iniStore
	}
	return binaryStore
}

// sealedSource is the store of a file that a generator reads; noStore for one that
// SOPS did not encrypt. doc is its document, where that is YAML or JSON.
func sealedSource(p *lint.TreePass, file string) (have store, doc *yaml.Node) {
	name := path.Join(path.Dir(p.File.Name), file)
	if !p.Tree().Has(name) {
		return noStore, nil
	}
	// Many generators may read one file.
	s := p.Tree().Shared(sealedSourceKey(name), func() any {
		data, err := p.Tree().ReadFile(name)
		if err != nil {
			return sealedSourceRead{}
		}
		have, doc := readStore(data)
		return sealedSourceRead{have, doc}
	}).(sealedSourceRead)
	return s.have, s.doc
}

type sealedSourceKey string

type sealedSourceRead struct {
	have store
	doc  *yaml.Node
}

// readStore tells the envelope of any bytes from other JSON, too: it has one entry.
func readStore(data []byte) (have store, doc *yaml.Node) {
	have = wholeStore(data)
	if have != jsonStore && have != yamlStore {
		return have, nil
	}
	docs, _ := manifest.Parse(data)
	if len(docs) == 0 || docs[0].Kind != yaml.MappingNode {
		return noStore, nil
	}
	doc = docs[0]
	if have == jsonStore && len(doc.Content) == 4 && manifest.Text(doc, "data") != "" {
		have = binaryStore
	}
	return have, doc
}

// failsAs says that Flux fails to make one store of what SOPS wrote in another, or
// makes what nobody meant. YAML and JSON become each other.
func failsAs(want, have store, file string, doc *yaml.Node) bool {
	switch {
	case want == have:
		return false
	case want == binaryStore:
		// The entry "data" of any document is taken for the bytes.
		return doc == nil || manifest.Text(doc, "data") == ""
	case have == binaryStore:
		// JSON that happens to have one entry of this name looks the same.
		return want != jsonStore || !strings.HasSuffix(file, ".json")
	case want == dotenvStore:
		return have == iniStore || hasTopLevel(doc, true)
	case want == iniStore:
		return have == dotenvStore || hasTopLevel(doc, false)
	}
	return false
}

// hasTopLevel says that a document has an entry that is a collection, or one that is
// none.
func hasTopLevel(doc *yaml.Node, collection bool) bool {
	for i := 0; i+1 < len(doc.Content); i += 2 {
		if doc.Content[i].Value != "sops" && (doc.Content[i+1].Kind != yaml.ScalarNode) == collection {
			return true
		}
	}
	return false
}

const sopsGeneratorFormatMismatchExamples = `
-- bad/kustomization.yaml --
resources: []
secretGenerator:
  - name: files
    files:
      - token=config.sops.yaml # want: Flux decrypts config.sops.yaml to binary, by the key "token", and the file is YAML
      - pairs.env=config.sops.yaml # want: to dotenv
      - app.ini=flat.sops.json # want: to INI
      - .dockerconfigjson=registry.encrypted # want: to JSON, by the key ".dockerconfigjson", and the file is binary
      - values.yaml=registry.encrypted # want: to YAML
      - plain.txt=pairs.enc.env # want: and the file is dotenv
      - right.yaml=config.sops.yaml
  - name: pairs
    envs:
      - flat.sops.json # want: flat.sops.json is read as dotenv, and SOPS encrypted it as JSON
      - pairs.yaml # want: Flux takes pairs.yaml for YAML, by its name, and the file is dotenv
-- bad/config.sops.yaml --
db:
  password: ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]
sops:
  mac: ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]
-- bad/flat.sops.json --
{
	"password": "ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]",
	"sops": {
		"mac": "ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]"
	}
}
-- bad/registry.encrypted --
{
	"data": "ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]",
	"sops": {
		"mac": "ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]"
	}
}
-- bad/pairs.enc.env --
PASSWORD=ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]
sops_mac=ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]
-- bad/pairs.yaml --
PASSWORD=ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]
sops_mac=ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]
-- bad/@readers --
kustomization.yaml Application argo
kustomization.yaml Kustomization flux
-- good/kustomization.yaml --
secretGenerator:
  - name: files
    files:
      - config.sops.yaml
      - config.json=config.sops.yaml
      - data.json
      - token=token.encrypted
      - bytes=entry.sops.yaml
      - pairs.env=entry.sops.yaml
      - plain=plain.yaml
      - gone=missing.yaml
      - pairs.yaml=pairs.enc.env
    envs:
      - pairs.enc.env
      - pairs.encrypted
    literals:
      - token=config.sops.yaml
configMapGenerator:
  - name: config
    files:
      - token=config.sops.yaml
-- good/config.sops.yaml --
db:
  password: ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]
sops:
  mac: ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]
-- good/entry.sops.yaml --
data: ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]
sops:
  mac: ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]
-- good/data.json --
{
	"data": "ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]",
	"sops": {
		"mac": "ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]"
	}
}
-- good/token.encrypted --
{
	"data": "ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]",
	"sops": {
		"mac": "ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]"
	}
}
-- good/pairs.enc.env --
PASSWORD=ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]
sops_mac=ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]
-- good/pairs.encrypted --
PASSWORD=ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]
sops_mac=ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]
-- good/plain.yaml --
mac: none
-- good-argo/kustomization.yaml --
secretGenerator:
  - name: files
    files:
      - token=config.sops.yaml
-- good-argo/config.sops.yaml --
db: ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]
sops:
  mac: ENC[AES256_GCM,data:eA==,iv:x,tag:x,type:str]
-- good-argo/@readers --
kustomization.yaml Application argo
`
