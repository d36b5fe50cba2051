#!/usr/bin/env bash
# Prints a backup (tar, gzip) of all that a new game master cannot make by itself: the zone and its keys, the ACME
# account and the certificates, and a snapshot of K3s. The backup holds secrets.
set -euo pipefail
umask 077

# One backup at a time: each removes its own snapshot of K3s.
exec 9>/run/lock/shambhala-backup
flock 9
snapshots=/var/lib/rancher/k3s/server/db/snapshots
# On the disk of the snapshots, which may be larger than what is free in memory: a snapshot is moved and not copied.
folder=$(mktemp -d /var/lib/shambhala-backup.XXXXXXXX)
trap 'rm -rf "$folder" "$snapshots"/backup-*' EXIT
paths=()
if [[ -e /etc/bind/certbot.key ]]; then
    # The latest updates are in the journals: write them into the zone files.
    rndc sync -clean >&2
    paths+=(etc/bind/certbot.key var/lib/bind)
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
    newest=$(find "$snapshots" -name 'backup-*' -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2-)
    mkdir -p "$folder/var/lib/shambhala/restore"
    mv "$newest" "$folder/var/lib/shambhala/restore/k3s-snapshot"
    paths+=(-C "$folder" var/lib/shambhala/restore)
fi
tar --create --gzip --exclude '*.jnl' -C / "${paths[@]}"
