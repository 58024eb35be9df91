{{/*
What templates share. A helper of one part (service or web front) is given its context, which `handslag.each` makes:
root: the chart's own context; name: `registry`, …; full: the name of its objects; it: what the values say of it, with the
defaults filled in.
*/}}

{{- define "handslag.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- default $full .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{/* Makes the object `make` for each of the `services`, or of `all`, the web front among them. */}}
{{- define "handslag.each" -}}
{{- range $name := include "handslag.names" . | splitList " " }}
---
{{ include $.make (include "handslag.part" (dict "root" $.root "name" $name) | fromYaml | merge (dict "root" $.root "name" $name)) }}
{{- end }}
{{- end }}

{{- define "handslag.names" -}}
{{- $names := keys .root.Values.services | sortAlpha -}}
{{- if and (eq .of "all") .root.Values.web.enabled }}{{ $names = append $names "web" }}{{ end -}}
{{- join " " $names -}}
{{- end }}

{{- define "handslag.part" -}}
{{- $own := eq .name "web" | ternary .root.Values.web (get .root.Values.services .name) | default dict -}}
full: {{ include "handslag.fullname" .root }}-{{ .name }}
it:
  {{- mergeOverwrite (deepCopy .root.Values.defaults) (deepCopy $own) | toYaml | nindent 2 }}
{{- end }}

{{/* The producers whose events a service hears. The program knows; queues and policies here must too. */}}
{{- define "handslag.hears" -}}
{{- get (dict "commitments" "registry" "notifications" "registry commitments" "reporting" "registry commitments") .name -}}
{{- end }}

{{/* Labels. Given root and name; name may be that of a part, or `migration`, `check`. */}}
{{- define "handslag.selector" -}}
app.kubernetes.io/name: handslag
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .name }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{- define "handslag.labels" -}}
{{ include "handslag.selector" . }}
app.kubernetes.io/part-of: handslag
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Metadata of an object. Given root, name (empty for what belongs to all) and title, the object's own name. */}}
{{- define "handslag.metadata" -}}
name: {{ .title }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "handslag.labels" . | nindent 2 }}
{{- with .labels }}
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The image of `image` (a part, or `cli`). */}}
{{- define "handslag.image" -}}
{{- $at := list .root.Values.image.registry .root.Values.image.repository .image | compact | join "/" -}}
{{- if .digest }}{{ $at }}@{{ .digest }}{{ else }}{{ $at }}:{{ default .root.Chart.AppVersion .root.Values.image.tag }}{{ end -}}
{{- end }}

{{/* What the pod security standard `restricted` asks of a pod, and more. */}}
{{- define "handslag.podBasics" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile:
    type: RuntimeDefault
{{- end }}

{{- define "handslag.containerBasics" -}}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  privileged: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
volumeMounts:
  - name: files
    mountPath: /etc/handslag
    readOnly: true
  - name: tmp
    mountPath: /tmp
{{- end }}

{{/* The volumes of `handslag.containerBasics`. Given root and `files`: a list of {secret, key, path}. */}}
{{- define "handslag.volumes" -}}
- name: files
  projected:
    defaultMode: 0440
    sources:{{ if not .files }} []{{ end }}
      {{- range .files }}
      - secret:
          name: {{ .secret }}
          items:
            - key: {{ .key }}
              path: {{ .path }}
      {{- end }}
- name: tmp
  emptyDir:
    sizeLimit: 16Mi
{{- end }}

{{/* Variables of a container; empty ones are left out. */}}
{{- define "handslag.env" -}}
{{- range $name, $value := . }}
{{- if ne (toString $value) "" }}
- name: {{ $name }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* Where a password lies. Given what a part says (`own`), what holds for all (`shared`), the name of the secret that the
chart makes of inline passwords (`made`), and the key's default (`name`); answers {secret, key}. */}}
{{- define "handslag.password" -}}
secret: {{ .own.existingSecret | default .shared.existingSecret | default .made }}
key: {{ .own.key | default .name }}
{{- end }}

{{/* The database as the service itself (`as: service`) or the owner of its tables (`as: owner`) enters it. */}}
{{- define "handslag.databaseUser" -}}
{{- $user := default (printf "handslag_%s" .name) .it.database.user -}}
{{- eq .as "owner" | ternary (default (printf "handslag_%s_owner" .name) .it.database.owner.user) $user -}}
{{- end }}

{{- define "handslag.databaseFiles" -}}
{{- $all := .root.Values.postgresql -}}
{{- $owner := eq .as "owner" -}}
{{- $made := printf "%s-postgresql%s" (include "handslag.fullname" .root) (ternary "-owner" "" $owner) -}}
{{- $own := ternary .it.database.owner .it.database $owner -}}
{{- $shared := ternary $all.owner $all $owner -}}
{{- $files := list (include "handslag.password" (dict "own" $own "shared" $shared "made" $made "name" .name) | fromYaml | merge (dict "path" "database-password")) -}}
{{- with $all.authorities }}{{ if .existingSecret }}
{{- $files = append $files (dict "secret" .existingSecret "key" .key "path" "database-ca.crt") -}}
{{- end }}{{ end -}}
{{- toYaml $files -}}
{{- end }}

{{- define "handslag.databaseEnv" -}}
{{- $all := .root.Values.postgresql -}}
{{- $root := empty $all.authorities.existingSecret | ternary "" "&sslrootcert=/etc/handslag/database-ca.crt" -}}
{{- $name := default (printf "handslag_%s" .name) .it.database.name -}}
HANDSLAG_DATABASE_URL: {{ printf "postgres://%s@%s:%v/%s?sslmode=%s%s" (include "handslag.databaseUser" .) $all.host $all.port $name $all.sslMode $root | quote }}
HANDSLAG_DATABASE_PASSWORD_FILE: /etc/handslag/database-password
{{- end }}

{{/* Whether certificates are mounted. Empty means no. */}}
{{- define "handslag.tls" -}}
{{- if has .Values.tls.mode (list "existingSecret" "certManager") }}yes{{ end -}}
{{- end }}

{{- define "handslag.tlsSecret" -}}
{{- get .root.Values.tls.secrets .name | default (printf "%s-%s-tls" (include "handslag.fullname" .root) .name) -}}
{{- end }}

{{- define "handslag.tlsFiles" -}}
{{- $files := list -}}
{{- if include "handslag.tls" .root -}}
{{- $secret := include "handslag.tlsSecret" . -}}
{{- range list "tls.crt" "tls.key" "ca.crt" -}}
{{- $files = append $files (dict "secret" $secret "key" . "path" (printf "tls/%s" .)) -}}
{{- end -}}
{{- end -}}
{{- toYaml $files -}}
{{- end }}

{{/* The address of a service, as the web front and the check call it. */}}
{{- define "handslag.address" -}}
{{- printf "%s://%s-%s:50051" (include "handslag.tls" .root | empty | ternary "http" "https") (include "handslag.fullname" .root) .name -}}
{{- end }}

{{/* Annotations and labels of a mesh, empty in the other modes. */}}
{{- define "handslag.meshAnnotations" -}}
{{- eq .Values.tls.mode "mesh" | ternary .Values.tls.mesh.annotations dict | toYaml -}}
{{- end }}

{{- define "handslag.meshLabels" -}}
{{- eq .Values.tls.mode "mesh" | ternary .Values.tls.mesh.labels dict | toYaml -}}
{{- end }}
