{{/* Refuses an installation that cannot work, with a sentence for each thing that is missing or at odds. What has a wrong
form is refused by values.schema.json before this is read. */}}
{{- define "handslag.validate" -}}
{{- $v := .Values -}}
{{- $wrong := list -}}
{{- if not $v.postgresql.host }}{{ $wrong = append $wrong "Handslag brings no database: set postgresql.host to the host of your PostgreSQL." }}{{ end -}}
{{- if not $v.rabbitmq.host }}{{ $wrong = append $wrong "Handslag brings no message broker: set rabbitmq.host to the host of your RabbitMQ." }}{{ end -}}
{{- if not $v.identityProvider.issuer }}{{ $wrong = append $wrong "Nobody could call what is not public: set identityProvider.issuer to the `iss` of your identity provider's tokens." }}{{ end -}}
{{- if not (or $v.identityProvider.jwksUrl $v.identityProvider.jwks.existingSecret) }}{{ $wrong = append $wrong "Tokens could not be checked: set identityProvider.jwksUrl to the address of the identity provider's keys, or identityProvider.jwks.existingSecret to a secret with them." }}{{ end -}}
{{- if and $v.identityProvider.jwksUrl $v.identityProvider.jwks.existingSecret }}{{ $wrong = append $wrong "The identity provider's keys come from one place: set identityProvider.jwksUrl or identityProvider.jwks.existingSecret, not both." }}{{ end -}}
{{- $none := dict "database" list "broker" list "owner" list -}}
{{- range $name := include "handslag.names" (dict "root" . "of" "services") | splitList " " -}}
{{- $it := (include "handslag.part" (dict "root" $ "name" $name) | fromYaml).it -}}
{{- if not (or $it.database.existingSecret $v.postgresql.existingSecret $v.postgresql.password) }}{{ $_ := set $none "database" (append $none.database $name) }}{{ end -}}
{{- if not (or $it.broker.existingSecret $v.rabbitmq.existingSecret $v.rabbitmq.password) }}{{ $_ := set $none "broker" (append $none.broker $name) }}{{ end -}}
{{- if not (or $it.database.owner.existingSecret $v.postgresql.owner.existingSecret $v.postgresql.owner.password) }}{{ $_ := set $none "owner" (append $none.owner $name) }}{{ end -}}
{{- end -}}
{{- with $none.database }}{{ $wrong = append $wrong (printf "Passwords for PostgreSQL are missing: set postgresql.existingSecret to a secret with the keys %s, or services.<name>.database.existingSecret." (join ", " .)) }}{{ end -}}
{{- with $none.broker }}{{ $wrong = append $wrong (printf "Passwords for RabbitMQ are missing: set rabbitmq.existingSecret to a secret with the keys %s, or services.<name>.broker.existingSecret." (join ", " .)) }}{{ end -}}
{{- if and $v.rabbitmq.authorities.existingSecret (not $v.rabbitmq.tls) }}{{ $wrong = append $wrong "Authorities of RabbitMQ check nothing without TLS: set rabbitmq.tls to true, and rabbitmq.port to the port that speaks it." }}{{ end -}}
{{- if $v.migrations.enabled }}{{ with $none.owner }}{{ $wrong = append $wrong (printf "Passwords of the roles that migrate the databases are missing: set postgresql.owner.existingSecret to a secret with the keys %s, or services.<name>.database.owner.existingSecret, or migrations.enabled to false if somebody else migrates." (join ", " .)) }}{{ end }}{{ end -}}
{{- if and (eq $v.tls.mode "certManager") (not $v.tls.certManager.issuer) }}{{ $wrong = append $wrong "tls.mode is certManager: set tls.certManager.issuer to the name of the issuer." }}{{ end -}}
{{- if and $v.keda.enabled (not $v.keda.existingSecret) }}{{ $wrong = append $wrong "KEDA must reach RabbitMQ: set keda.existingSecret to a secret with its address under the key `url`." }}{{ end -}}
{{- if and $v.gateway.enabled (not $v.gateway.parentRefs) }}{{ $wrong = append $wrong "gateway.enabled: set gateway.parentRefs to the gateways that the routes belong to." }}{{ end -}}
{{- if and $v.gateway.enabled (include "handslag.tls" .) (not $v.gateway.authoritiesConfigMap) }}{{ $wrong = append $wrong (printf "gateway.enabled with tls.mode %s: set gateway.authoritiesConfigMap to a ConfigMap whose `ca.crt` the gateway checks the services' certificates with." $v.tls.mode) }}{{ end -}}
{{- if and $v.ingress.enabled (not (or $v.ingress.grpc.host $v.ingress.web.host)) }}{{ $wrong = append $wrong "ingress.enabled: set ingress.grpc.host, ingress.web.host, or both." }}{{ end -}}
{{- if and $v.networkPolicy.enabled (or $v.gateway.enabled $v.ingress.enabled) (not $v.networkPolicy.clients) }}{{ $wrong = append $wrong "Nobody could come in: set networkPolicy.clients to the pods of the gateway or ingress controller, or networkPolicy.enabled=false." }}{{ end -}}
{{- range (lookup "apps/v1" "Deployment" .Release.Namespace "").items -}}
{{- $labels := .metadata.labels | default dict -}}
{{- if and (eq (get $labels "app.kubernetes.io/part-of") "handslag") (ne (get $labels "app.kubernetes.io/instance") $.Release.Name) }}{{ $wrong = append $wrong (printf "The release %s runs in the namespace %s already, and two would share queues: install into another namespace, with databases and a virtual host of its own." (get $labels "app.kubernetes.io/instance") $.Release.Namespace) }}{{ end -}}
{{- end -}}
{{- with $wrong | uniq }}{{ fail (printf "\n\n%s\n" (join "\n" .)) }}{{ end -}}
{{- end }}
