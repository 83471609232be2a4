{{/* The operator's settings: every variable of inferfleet.settings, so that a running pod shows what it was told. */}}
{{- define "inferfleet.environment" -}}
- name: INFERFLEET_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
- name: INFERFLEET_IDENTITY
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: INFERFLEET_LEASE_NAME
  value: {{ .Values.leaderElection.leaseName | quote }}
- name: INFERFLEET_HTTP_PORT
  value: {{ .Values.httpPort | quote }}
- name: INFERFLEET_WATCH_NAMESPACES
  value: {{ join "," .Values.watchNamespaces | quote }}
- name: INFERFLEET_BUDGETS_REQUIRED
  value: {{ .Values.budgets.required | quote }}
- name: INFERFLEET_WORKERS
  value: {{ .Values.workers | quote }}
- name: INFERFLEET_WORKER_IMAGE
  value: {{ default (include "inferfleet.image" .) .Values.batchWorker.image | quote }}
- name: INFERFLEET_HUB_ENABLED
  value: {{ .Values.hub.enabled | quote }}
{{- with .Values.hub.endpoint }}
- name: INFERFLEET_HF_ENDPOINT
  value: {{ . | quote }}
{{- end }}
{{- with .Values.hub.tokenSecretRef }}
- name: INFERFLEET_HF_TOKEN
  valueFrom:
    secretKeyRef: {{- toYaml . | nindent 6 }}
{{- end }}
- name: INFERFLEET_READ_POD_LOGS
  value: {{ .Values.engines.readPodLogs | quote }}
- name: INFERFLEET_SCRAPE_ENGINES
  value: {{ .Values.engines.scrape | quote }}
- name: INFERFLEET_SCRAPE_SECONDS
  value: {{ .Values.engines.scrapeSeconds | quote }}
- name: INFERFLEET_PROMETHEUS_URL
  value: {{ .Values.prometheus.url | quote }}
- name: INFERFLEET_PRICE_MAX_AGE_DAYS
  value: {{ .Values.priceMaxAgeDays | quote }}
- name: INFERFLEET_LOG_FORMAT
  value: {{ .Values.logFormat | quote }}
# The root file system is read-only.
- name: HOME
  value: /tmp
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}
