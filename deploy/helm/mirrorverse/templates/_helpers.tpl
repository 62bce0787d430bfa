{{- define "mirrorverse.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "mirrorverse.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "mirrorverse.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{ include "mirrorverse.selector" . }}
{{- end -}}

{{- define "mirrorverse.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "mirrorverse.name" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "mirrorverse.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- /* What the daemon and the backfill have in common: everything of a pod's container but its name, command and probes. */ -}}
{{- define "mirrorverse.container" -}}
image: {{ include "mirrorverse.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
env:
  - name: MIRRORVERSE_CONFIG
    value: /etc/mirrorverse/mirrorverse.yaml
  {{- range $name, $value := .Values.env }}
  - name: {{ $name }}
    value: {{ $value | quote }}
  {{- end }}
  {{- if .Values.secret.name }}
  {{- range .Values.secret.variables }}
  - name: {{ . }}_FILE
    value: /run/secrets/mirrorverse/{{ . }}
  {{- end }}
  {{- end }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
resources:
  {{- toYaml .Values.resources | nindent 2 }}
volumeMounts:
  # Whole folders: Kubernetes does not bring changes to a file that is mounted alone.
  - name: config
    mountPath: /etc/mirrorverse
    readOnly: true
  {{- if .Values.secret.name }}
  - name: secret
    mountPath: /run/secrets/mirrorverse
    readOnly: true
  {{- end }}
  - name: tmp
    mountPath: /tmp
{{- end -}}

{{- define "mirrorverse.pod" -}}
serviceAccountName: {{ include "mirrorverse.serviceAccount" . }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 1000
  runAsGroup: 1000
  fsGroup: 1000
  seccompProfile:
    type: RuntimeDefault
# A stop takes 30 seconds at most.
terminationGracePeriodSeconds: 40
volumes:
  - name: config
    configMap:
      name: {{ include "mirrorverse.name" . }}
  {{- if .Values.secret.name }}
  - name: secret
    secret:
      secretName: {{ .Values.secret.name }}
      defaultMode: 0440
  {{- end }}
  - name: tmp
    emptyDir: {}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "mirrorverse.podLabels" -}}
{{- if .Values.workloadIdentity.enabled }}
azure.workload.identity/use: 'true'
{{- end }}
{{- with .Values.podLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}
