#!/usr/bin/env bash
# Puts an archive of backup.sh, on standard input, onto a host that has had its first boot only. The roles then find
# the keys, certificates and data there and make none of their own.
set -euo pipefail
umask 077
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

fail() {
    echo "restore: $1" >&2
    exit 1
}

[[ ! -e /etc/bind/certificates.key && ! -e /var/lib/rancher/k3s/server/token ]] ||
    fail "this host is set up already; restore onto a new one, before its name server is set up."
folder=$(mktemp -d /var/tmp/shambhala-restore.XXXXXXXX)
trap 'rm -rf "$folder"' EXIT
tar --extract --gzip --no-same-owner -C "$folder" || fail "the archive is not whole; nothing was changed."
[[ -d $folder/var/lib/bind ]] || fail "the archive is none of 'python -m gamemaster.backup save'; nothing was changed."

# The files belong to users that come with the package; bind9 itself starts with its role.
{ apt-get -qq -o DPkg::Lock::Timeout=120 update && apt-get -qq -o DPkg::Lock::Timeout=120 install --no-install-recommends bind9; } \
    >"$folder/.apt" 2>&1 || {
    tail -n 5 "$folder/.apt" >&2
    fail "Debian's package bind9 cannot be installed; nothing was changed."
}
systemctl stop named
cp --recursive --preserve=mode,timestamps,links -T "$folder/var/lib/bind" /var/lib/bind
chown -R bind:bind /var/lib/bind
chown root:bind /var/lib/bind /var/lib/bind/keys
chmod 770 /var/lib/bind/keys
for path in etc/letsencrypt var/lib/shambhala var/lib/rancher; do
    [[ ! -e $folder/$path ]] || {
        mkdir -p "/$path"
        cp --recursive --preserve=mode,timestamps,links -T "$folder/$path" "/$path"
    }
done
# Last: with it the host counts as restored.
install -m 640 -o root -g bind "$folder/etc/bind/certificates.key" /etc/bind/certificates.key
echo "restored"
