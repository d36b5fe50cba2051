#!/usr/bin/env bash
# Puts an archive of backup.sh, on standard input, onto a new host. The roles then find the keys, certificates and data
# there and make none of their own.
set -euo pipefail
umask 077

fail() {
    echo "restore: $1" >&2
    exit 1
}

timeout 300 cloud-init status --wait >/dev/null || fail "the first boot did not end well; read 'cloud-init status --long'."
[[ ! -e /etc/bind/certificates.key && ! -e /var/lib/rancher/k3s/server/token ]] ||
    fail "this host is set up already; restore onto a new one, before its name server is set up."
folder=$(mktemp -d /var/tmp/shambhala-restore.XXXXXXXX)
trap 'rm -rf "$folder"' EXIT
tar --extract --gzip --no-same-owner -C "$folder" || fail "the archive is not whole; nothing was changed."
[[ -s $folder/etc/bind/certificates.key && -d $folder/var/lib/bind ]] ||
    fail "the archive is none of 'python -m gamemaster.backup save'; nothing was changed."

put() { cp --recursive --preserve=mode,timestamps,links -T "$folder/$1" "$2"; }
# bind9's files belong to users that come with its package: its role takes them from here.
install -d -m 755 /var/lib/shambhala
# Without its old password, K3s refuses a node of the same name (https://docs.k3s.io/architecture).
for path in etc/letsencrypt etc/rancher/node var/lib/shambhala var/lib/rancher; do
    [[ ! -e $folder/$path ]] || {
        mkdir -p "/$path"
        put "$path" "/$path"
    }
done
install -d -m 700 /var/lib/shambhala/restore
put var/lib/bind /var/lib/shambhala/restore/bind
put etc/bind/certificates.key /var/lib/shambhala/restore/certificates.key
echo "restored"
