{{- /* The part of cert-manager's own schemas that concerns ACME by dynamic update, and certificates; nothing beside it
is taken. Source: https://cert-manager.io/docs/reference/api-docs/ */}}
{{- define "cert-manager.issuer" -}}
selfSigned: {type: object}
acme:
  type: object
  required: [server, privateKeySecretRef]
  properties:
    server: {type: string}
    email: {type: string}
    caBundle: {type: string, format: byte}
    preferredChain: {type: string}
    privateKeySecretRef: {{- include "cert-manager.secret" . | nindent 6 }}
    solvers:
      type: array
      items:
        type: object
        properties:
          dns01:
            type: object
            properties:
              cnameStrategy: {type: string, enum: [None, Follow]}
              rfc2136:
                type: object
                required: [nameserver]
                properties:
                  nameserver: {type: string}
                  protocol: {type: string, enum: [TCP, UDP]}
                  tsigAlgorithm: {type: string}
                  tsigKeyName: {type: string}
                  tsigSecretSecretRef: {{- include "cert-manager.secret" . | nindent 20 }}
{{- end }}
{{- define "cert-manager.secret" -}}
type: object
required: [name]
properties:
  name: {type: string}
  key: {type: string}
{{- end }}
{{- define "cert-manager.certificate" -}}
secretName: {type: string}
commonName: {type: string}
dnsNames: {type: array, items: {type: string}}
duration: {type: string}
renewBefore: {type: string}
renewBeforePercentage: {type: integer}
revisionHistoryLimit: {type: integer}
usages: {type: array, items: {type: string}}
privateKey:
  type: object
  properties:
    algorithm: {type: string, enum: [RSA, ECDSA, Ed25519]}
    size: {type: integer}
    encoding: {type: string, enum: [PKCS1, PKCS8]}
    rotationPolicy: {type: string, enum: [Never, Always]}
issuerRef:
  type: object
  required: [name]
  properties:
    name: {type: string}
    kind: {type: string}
    group: {type: string}
{{- end }}
