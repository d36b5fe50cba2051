{{- /* One of cert-manager's Deployments with its account: name, component, image, replicas, args, ports, values. */}}
{{- define "cert-manager.labels" -}}
app: {{ .app }}
app.kubernetes.io/name: {{ .app }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}
{{- define "cert-manager.unprivileged-pod" -}}
securityContext:
  runAsNonRoot: true
  seccompProfile: {type: RuntimeDefault}
{{- end }}
{{- define "cert-manager.unprivileged-container" -}}
securityContext:
  allowPrivilegeEscalation: false
  capabilities: {drop: [ALL]}
  readOnlyRootFilesystem: true
{{- end }}
{{- define "cert-manager.deployment" }}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .name }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .name }}
  labels: {{- include "cert-manager.labels" . | nindent 4 }}
    {{- with .root.Values.global.commonLabels }}{{ toYaml . | nindent 4 }}{{ end }}
spec:
  replicas: {{ .values.replicaCount }}
  selector:
    matchLabels: {{- include "cert-manager.labels" . | nindent 6 }}
  template:
    metadata:
      labels: {{- include "cert-manager.labels" . | nindent 8 }}
        {{- with .values.podLabels }}{{ toYaml . | nindent 8 }}{{ end }}
      {{- if .root.Values.prometheus.enabled }}
      annotations:
        prometheus.io/path: /metrics
        prometheus.io/scrape: "true"
        prometheus.io/port: "9402"
      {{- end }}
    spec:
      serviceAccountName: {{ .name }}
      {{- with .root.Values.global.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      {{- include "cert-manager.unprivileged-pod" . | nindent 6 }}
      containers:
        - name: cert-manager-{{ .component }}
          image: quay.io/jetstack/cert-manager-{{ .component }}:{{ .root.Chart.AppVersion }}
          {{- include "cert-manager.unprivileged-container" . | nindent 10 }}
          args: {{- toYaml .args | nindent 12 }}
          ports: {{- toYaml .ports | nindent 12 }}
          resources: {{- toYaml .values.resources | nindent 12 }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .name }}
  labels: {{- include "cert-manager.labels" . | nindent 4 }}
spec:
  selector: {{- include "cert-manager.labels" . | nindent 4 }}
  ports: {{- toYaml .service | nindent 4 }}
{{- end }}
