#!/bin/sh
# Init container of Gitea: makes the database, the administrator and a new token of the administrator in /token, which
# is removed with the pod. The administrator's password is random and unknown: only the token is used.
set -eu

configured() {
    "${GITEA:-gitea}" --config "${GITEA_CONFIG:?names app.ini}" "$@"
}

configured migrate >/dev/null
if ! configured admin user list --admin | awk '{ print $2 }' | grep -qx operator; then
    configured admin user create --admin --username operator --email operator@players.invalid \
        --random-password --must-change-password=false >/dev/null
fi
umask 077
said="$(configured admin user generate-access-token --username operator --raw --scopes all \
    --token-name "setup-$(date -u +%Y%m%dT%H%M%SZ)-$$")"
# Gitea's log may have lines before it and after it.
if ! printf '%s\n' "$said" | grep -xE '[0-9a-f]{40}' >"${TOKEN:-/token}/token"; then
    echo "Gitea made no token for its administrator." >&2
    exit 1
fi
