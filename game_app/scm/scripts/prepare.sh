#!/bin/sh
# Before Gitea starts: its database, its administrator, and a fresh token of his in /token, which goes with the pod.
# The administrator's password is a random one that nobody knows: he has no use for it.
set -eu

gitea="${GITEA:-gitea}"
"$gitea" migrate >/dev/null
if ! "$gitea" admin user list --admin | awk '{ print $2 }' | grep -qx operator; then
    "$gitea" admin user create --admin --username operator --email operator@players.invalid \
        --random-password --must-change-password=false >/dev/null
fi
umask 077
said="$("$gitea" admin user generate-access-token --username operator --raw --scopes all \
    --token-name "setup-$(date -u +%Y%m%dT%H%M%SZ)-$$")"
# What Gitea may have to say of other things comes before.
printf '%s\n' "$said" | tail -n 1 | grep -E '^[0-9a-f]{40}$' >"${TOKEN:-/token}/token"
