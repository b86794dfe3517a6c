package api

const schemaExamples = `
-- bad-malformed.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  label: {app: web} # want: "metadata" has no field "label": did you mean "labels"?
spec:
  replicas: "3" # want: "spec.replicas" must be a number, not a string
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels:
        app: web
        version: 1.4 # want: must be a string: put it in quotes
    spec:
      containers:
        - name: web
          image: registry.example/web:1.4.2
          privileged: true # want: "spec.template.spec.containers[0]" has no field "privileged": it is a field of "securityContext"
          securityContex: # want: has no field "securityContex": did you mean "securityContext"?
            runAsNonRoot: true
          resources:
            limits: {memory: 1 Gi} # want: must be a quantity such as 100m or 1Gi
          readinessProbe:
            httpGet: {path: /, port: 80.5} # want: must be a whole number
---
# A kind that no rule but this one knows.
apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata:
  name: gvisor
handler: runsc
overheads: {podFixed: {memory: 1Gi}} # want: the object has no field "overheads": did you mean "overhead"?
-- bad-refused.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec: # want: "spec.selector" is missing
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          imagePullPolicy: Sometimes # want: must be one of Always, Never, IfNotPresent
          image: registry.example/web:1.4.2
---
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: log # want: "spec.containers[0].image" is missing
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
spec:
  rules:
    - host: web.example
      http:
        paths:
          - path: / # want: "spec.rules[0].http.paths[0].pathType" is missing
            backend: {service: {name: web, port: {number: 80}}}
-- bad-kind.yaml --
apiVersion: v1 # want: v1 has no kind Deployment: it is in apps/v1
kind: Deployment
metadata:
  name: web
---
apiVersion: v1
kind: Sevice # want: v1 has no kind Sevice: did you mean Service?
metadata:
  name: web
-- bad-version.yaml --
# kubernetes: 1.20
apiVersion: policy/v1 # want: policy/v1 PodDisruptionBudget came with Kubernetes 1.21, and there is none in 1.20
kind: PodDisruptionBudget
metadata:
  name: web
-- bad-pod.yaml --
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  initContainers:
    - name: web
      image: registry.example/setup:1.4.2
  containers:
    - name: web # want: container "web" is there twice
      image: registry.example/web:1.4.2
      env:
        - name: MODE
          value: fast
          valueFrom: {configMapKeyRef: {name: web, key: mode}} # want: variable "MODE" of container "web" has both value and valueFrom
        - name: TOKEN
          valueFrom: {} # want: says not what its value is from
      livenessProbe: # want: the livenessProbe of container "web" asks nothing
        periodSeconds: 5
      readinessProbe:
        httpGet: {path: /, port: 8080}
        tcpSocket: {port: 8080} # want: has httpGet and tcpSocket: a probe has one of them
      resources:
        limits:
          memry: 1Gi # want: limits of "memry", which is no resource: did you mean "memory"?
          example.com/gpu: 1
      volumeMounts:
        - name: data
          mountPath: /data
        - name: date # want: mounts volume "date", which the pod does not have
          mountPath: /date
        - name: tmp
          mountPath: /data # want: container "web" mounts two volumes at "/data"
    - name: Log # want: container name "Log" must consist of
      image: registry.example/log:0.9.0
  volumes:
    - name: data
      emptyDir: {}
      persistentVolumeClaim: {claimName: data} # want: volume "data" has emptyDir and persistentVolumeClaim
    - name: tmp
-- bad-others.yaml --
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  ports:
    - {name: http, port: 80}
    - {port: 443} # want: port 443 has no name
    - {name: http, port: 80, protocol: UDP} # want: port name "http" is there twice
    - {name: more, port: 80} # want: port 80 of TCP is there twice
    - {name: most, port: 70000} # want: port 70000 must be between
---
apiVersion: v1
kind: Service
metadata:
  name: alias
spec: # want: must have an externalName
  type: ExternalName
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: web
data:
  "web config": x # want: key "web config" must consist of
---
apiVersion: v1
kind: Secret
metadata:
  name: web
type: kubernetes.io/tls
data: # want: a Secret of type kubernetes.io/tls must have the key "tls.key"
  tls.crt: ${CERTIFICATE}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: data
spec: # want: the claim has no accessModes
  resources: {requests: {storage: 1Gi}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
spec:
  rules:
    - host: 10.0.0.1 # want: host "10.0.0.1" is an address
      http:
        paths:
          - path: api # want: path "api" must begin with /
            pathType: Prefix
            backend:
              service: {name: web, port: {name: http, number: 80}} # want: has both a name and a number
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: web
spec:
  podSelector:
    matchExpressions:
      - {key: app, operator: In} # want: the requirement on label "app" is not valid
  ingress:
    - from:
        - ipBlock:
            cidr: 10.0.0.0/8
            except:
              - 10.1.0.0/16
              - 192.168.0.0/16 # want: 192.168.0.0/16 does not lie within 10.0.0.0/8
        - ipBlock: {cidr: 10.0.0.0} # want: "10.0.0.0" is no network
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: web
spec:
  minAvailable: 1
  maxUnavailable: 1 # want: minAvailable and maxUnavailable are both set
  selector: {matchLabels: {app: web}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: web
rules:
  - resources: [pods] # want: the rule has no apiGroups
    verbs: [get]
  - nonResourceURLs: [/metrics] # want: a Role can't grant nonResourceURLs
    verbs: [get]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: web
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role # want: a ClusterRoleBinding can't grant a Role
  name: web
subjects:
  - kind: ServiceAccount # want: ServiceAccount "web" has no namespace
    name: web
  - kind: Grup # want: subject "admins" is of kind "Grup"
    name: admins
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: db
spec:
  serviceName: db
  selector: {} # want: the selector is empty
  template:
    metadata: {labels: {app: db}}
    spec:
      containers:
        - name: db
          image: registry.example/db:16.1
          volumeMounts: [{name: data, mountPath: /data}]
  volumeClaimTemplates:
    - metadata: {name: data}
      spec: # want: does not say how much storage
        accessModes: [ReadWriteOnce]
-- bad-empty.yaml --
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector:
    app: web app # want: the selector asks for label "app" with a key or value that no label has
  ports: [{port: 80}]
---
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: "" # want: "spec.containers[0].image" is empty
-- bad-custom.yaml --
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: things.example.com
spec:
  group: example.com
  names: {kind: Thing, plural: things}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              required: [size]
              properties:
                size: {type: integer, minimum: 1}
                mode: {type: string, enum: [fast, slow]}
    - name: v1alpha1
      served: false
      storage: false
      schema: {openAPIV3Schema: {type: object}}
---
apiVersion: example.com/v1
kind: Thing
metadata:
  name: one
spec:
  size: 0 # want: "spec.size" must be at least 1
  mode: quick # want: "spec.mode" must be one of fast, slow
  mod: fast # want: "spec" has no field "mod": did you mean "mode"?
---
apiVersion: example.com/v1
kind: Thing
metadata:
  name: two
spec: # want: "spec.size" is missing
  mode: ${MODE}
---
apiVersion: example.com/v1alpha1 # want: the CustomResourceDefinition of Thing serves v1
kind: Thing
metadata:
  name: three
-- good.yaml --
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  creationTimestamp: null
spec:
  replicas: ${REPLICAS}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: registry.example/web:1.4.2
          volumeMounts: [{name: tmp, mountPath: /tmp}]
      volumes:
        # Without a source it is an emptyDir.
        - name: tmp
status: {}
---
# A custom kind without a definition.
apiVersion: example.com/v1
kind: Thing
metadata:
  name: one
spec:
  any: thing
---
# A kubeconfig is no object of a cluster.
apiVersion: v1
kind: Config
clusters: []
---
# The kind of an add-on whose name Kubernetes has, too.
apiVersion: networking.istio.io/v1
kind: Ingress
metadata:
  name: web
spec: {rulez: []}
-- good-sops.yaml --
apiVersion: v1
kind: Secret
metadata:
  name: web
type: kubernetes.io/tls
data:
  tls.crt: ENC[AES256_GCM,data:aGVsbG8=,iv:eA==,tag:eQ==,type:str]
  tls.key: ENC[AES256_GCM,data:aGVsbG8=,iv:eA==,tag:eQ==,type:str]
sops:
  mac: ENC[AES256_GCM,data:aGVsbG8=,iv:eA==,tag:eQ==,type:str]
  version: 3.9.0
-- good-merged.yaml --
# Flux puts it on top of the object that is there.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: coredns
  namespace: kube-system
  annotations:
    kustomize.toolkit.fluxcd.io/ssa: Merge
spec:
  template:
    spec:
      containers:
        - name: coredns
          resources: {limits: {memory: 256Mi}}
-- good-fragment-malformed.yaml --
# Nothing deploys it, and too much is missing: it is a patch.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
        - name: web
          args: [--verbose]
---
# A template of a tool that is not known here.
apiVersion: v1
kind: Service
metadata:
  name: {{ .Name }}
spec: {{ .Spec }}
-- bad-fragment.yaml --
# unit: reconciled
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec: # want: "spec.selector" is missing
  template:
    spec:
      containers:
        - name: web # want: is missing
          args: [--verbose]
`
