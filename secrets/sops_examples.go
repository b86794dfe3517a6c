package secrets

// What the examples of the rules on SOPS are made of: a ciphertext, another one, and
// a sops block without a selector.
const (
	sopsCipher = `ENC[AES256_GCM,data:p673w7dSzK0z,iv:YY4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:hV1ngpT6XcUQkOlsYQoV6Q==,type:str]`
	sopsOther  = `ENC[AES256_GCM,data:0Tn8dSzK0z4=,iv:aa4Zzqh5wKIPcZ3QOEp9M0IkGkEmzbWuPtbXfb0WPjk=,tag:kV1ngpT6XcUQkOlsYQoV6Q==,type:str]`
	sopsMAC    = `ENC[AES256_GCM,data:xyDBcIdjZRJpp6Y9nJMl4KHQzvZ+T2I6Sl4YB6A0MZs=,iv:9T0O8Zl0Rv6cSL5wrUBZEY7lCrWfJZ2GVaOBpRwTB1A=,tag:fhDpJPdr9bE0sVFEtNw3ug==,type:str]`
	sopsMeta   = `    age:
        - recipient: age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
          enc: none
    lastmodified: "2026-03-01T10:00:00Z"
    mac: ` + sopsMAC + `
    version: 3.10.2
`
	sopsEnvMeta = `sops_age__list_0__map_recipient=age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw
sops_age__list_0__map_enc=none
sops_lastmodified=2026-03-01T10:00:00Z
sops_mac=` + sopsMAC + `
sops_version=3.10.2
`
)
