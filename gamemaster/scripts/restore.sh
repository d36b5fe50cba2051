#!/usr/bin/env bash
# Restores a backup of backup.sh, on standard input, onto a new host. `pulumi up` then finds the keys, certificates and
# data there and makes none of its own.
set -euo pipefail
umask 077

fail() {
    echo "restore: $1" >&2
    exit 1
}

# Only whether the first boot has ended; first-boot.sh judges how.
timeout 300 cloud-init status --wait >/dev/null || (($? != 124)) || fail "the first boot has not ended after 5 minutes."
[[ ! -e /etc/bind/certbot.key && ! -e /var/lib/rancher/k3s/server/token ]] ||
    fail "this host is set up already; restore onto a new one, before its name server is set up."
# On the disk of all targets, so that no file has to be copied after unpacking.
folder=/var/lib/shambhala-restore
rm -rf "$folder"
mkdir "$folder"
trap 'rm -rf "$folder"' EXIT
tar --extract --gzip --no-same-owner -C "$folder" ||
    fail "the archive cannot be unpacked, for the reason above; nothing was changed."
[[ -s $folder/etc/bind/certbot.key && -d $folder/var/lib/bind ]] ||
    fail "the archive is none of 'make backup'; nothing was changed."
# bind9.sh installs these files: their owner comes with bind9's package.
state=$folder/var/lib/shambhala
mkdir -p "$state/restore"
chmod 755 "$state"
mv "$folder/var/lib/bind" "$folder/etc/bind/certbot.key" "$state/restore"
# Without its old password, K3s refuses a node of the same name (https://docs.k3s.io/architecture). K3s's own folder
# comes last: with it the host counts as set up, and until then an interrupted restore can be begun again.
for path in etc/letsencrypt etc/rancher var/lib/shambhala var/lib/rancher; do
    [[ ! -e $folder/$path ]] || {
        rm -rf "/${path:?}"
        mv -T "$folder/$path" "/$path"
    }
done
echo "restored"
