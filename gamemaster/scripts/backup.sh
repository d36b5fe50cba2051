#!/usr/bin/env bash
# Prints an archive (tar, gzip) of all that a new game master cannot make by itself: the zone and its keys,
# the ACME account and the certificates, and what K3s holds. It holds secrets.
set -euo pipefail
umask 077

folder=$(mktemp -d /run/shambhala-backup.XXXXXXXX)
trap 'rm -rf "$folder"' EXIT
paths=()
if [[ -e /etc/bind/certificates.key ]]; then
    # What was updated lately is in the journals: write it into the zones' files.
    rndc sync -clean >&2
    paths+=(etc/bind/certificates.key var/lib/bind)
fi
for path in var/lib/shambhala/records etc/letsencrypt var/lib/rancher/k3s/server/token var/lib/rancher/k3s/server/tls \
    var/lib/rancher/k3s/server/cred etc/rancher/node/password; do
    [[ ! -e /$path ]] || paths+=("$path")
done
((${#paths[@]})) || {
    echo "backup: this host is not set up yet, so there is nothing to save; run 'pulumi up' first." >&2
    exit 1
}
if systemctl is-active --quiet k3s; then
    k3s etcd-snapshot save --name backup >&2
    # Names end in the time, so the last one is the newest.
    newest=$(find /var/lib/rancher/k3s/server/db/snapshots -name 'backup-*' -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2-)
    mkdir -p "$folder/var/lib/shambhala/restore"
    cp "$newest" "$folder/var/lib/shambhala/restore/k3s-snapshot"
    rm -f "$newest"
    paths+=(-C "$folder" var/lib/shambhala/restore)
fi
tar --create --gzip --exclude '*.jnl' -C / "${paths[@]}"
