{{- define "common.labels" }}
chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
service: {{ .Release.Service }}
{{- end }}
