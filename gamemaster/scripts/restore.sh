#!/usr/bin/env bash
# Puts an archive of backup.sh, on standard input, onto a new host. The roles then find the keys, certificates and data
# there and make none of their own.
set -euo pipefail
umask 077

fail() {
    echo "restore: $1" >&2
    exit 1
}

# How it ended is for the first step to judge.
timeout 300 cloud-init status --wait >/dev/null || (($? != 124)) || fail "the first boot has not ended after 5 minutes."
[[ ! -e /etc/bind/certificates.key && ! -e /var/lib/rancher/k3s/server/token ]] ||
    fail "this host is set up already; restore onto a new one, before its name server is set up."
# Where all of it is going, so that nothing has to be copied once it is unpacked.
folder=/var/lib/shambhala-restore
rm -rf "$folder"
mkdir "$folder"
trap 'rm -rf "$folder"' EXIT
tar --extract --gzip --no-same-owner -C "$folder" ||
    fail "the archive cannot be unpacked, for the reason above; nothing was changed."
[[ -s $folder/etc/bind/certificates.key && -d $folder/var/lib/bind ]] ||
    fail "the archive is none of 'make backup'; nothing was changed."
# bind9's files belong to users that come with its package: its role takes them from here.
saved=$folder/var/lib/shambhala
mkdir -p "$saved/restore"
chmod 755 "$saved"
mv "$folder/var/lib/bind" "$folder/etc/bind/certificates.key" "$saved/restore"
# Without its old password, K3s refuses a node of the same name (https://docs.k3s.io/architecture). K3s's own folder
# comes last: with it the host is set up, and until then a restore that was cut can be begun again.
for path in etc/letsencrypt etc/rancher var/lib/shambhala var/lib/rancher; do
    [[ ! -e $folder/$path ]] || {
        rm -rf "/${path:?}"
        mv -T "$folder/$path" "/$path"
    }
done
echo "restored"
