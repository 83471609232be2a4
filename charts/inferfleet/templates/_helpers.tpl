{{/* The chart's name, as a label value. */}}
{{- define "inferfleet.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* The base of every object's name; 40 characters leave room for suffixes within 63. */}}
{{- define "inferfleet.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "inferfleet.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "inferfleet.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "inferfleet.selectorLabels" -}}
app.kubernetes.io/name: {{ include "inferfleet.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end -}}

{{- define "inferfleet.labels" -}}
{{ include "inferfleet.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: inferfleet
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "inferfleet.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "inferfleet.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name: name the ServiceAccount that exists, or set serviceAccount.create to true" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "inferfleet.subjects" -}}
- kind: ServiceAccount
  name: {{ include "inferfleet.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}

{{/* A digest wins over the tag: the same name must mean the same bytes. */}}
{{- define "inferfleet.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{- printf "%s@%s" .repository .digest -}}
{{- else -}}
{{- printf "%s:%s" .repository (default $.Chart.AppVersion .tag) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What the Restricted pod security standard asks of a container, and a read-only root besides. */}}
{{- define "inferfleet.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "inferfleet.podSecurityContext" -}}
runAsNonRoot: true
{{- with .Values.runAsUser }}
runAsUser: {{ . }}
runAsGroup: {{ . }}
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/*
The rights over workloads: cluster-wide, or in each watched namespace. Server-side apply creates through PATCH, which
the API server authorises as patch and create.
*/}}
{{- define "inferfleet.workloadRules" -}}
- apiGroups: [inferfleet.dev]
  resources: [inferencedeployments, inferenceroutes]
  verbs: [get, list, watch]
- apiGroups: [inferfleet.dev]
  resources: [inferencedeployments/status, inferenceroutes/status]
  verbs: [patch]
# Where the OwnerReferencesPermissionEnforcement admission plugin runs (OpenShift), a blocking ownerReference needs this.
- apiGroups: [inferfleet.dev]
  resources: [inferencedeployments/finalizers, inferenceroutes/finalizers]
  verbs: [update]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [services]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- if .Values.engines.readPodLogs }}
- apiGroups: [""]
  resources: [pods/log]
  verbs: [get]
{{- end }}
{{- end -}}

{{/*
CEL: is the request made by the operator or by one of Kubernetes' own controllers? The horizontal pod autoscaler is left
out: it may scale an InferenceDeployment, whose replicas the budget bounds, but not the Deployment under it.
*/}}
{{- define "inferfleet.trustedRequest" -}}
request.userInfo.username == 'system:serviceaccount:{{ .Release.Namespace }}:{{ include "inferfleet.serviceAccountName" . }}' ||
{{ include "inferfleet.kubernetesController" . }}
{{- with .Values.admission.exemptGroups }} ||
request.userInfo.groups.exists(group, group in {{ toJson . }})
{{- end }}
{{- end -}}

{{/* CEL: controllers have accounts of their own in kube-system, or share one where they were given no credentials. */}}
{{- define "inferfleet.kubernetesController" -}}
request.userInfo.username in ['system:kube-controller-manager', 'system:kube-scheduler', 'system:cloud-controller-manager'] ||
(request.userInfo.username.startsWith('system:serviceaccount:kube-system:') &&
 request.userInfo.username != 'system:serviceaccount:kube-system:horizontal-pod-autoscaler')
{{- end -}}
