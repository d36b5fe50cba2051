#!/usr/bin/env bash
# Builds the Debian 13 image that Instances boot from and imports it into Docker.
#
#   unshare --mount build.sh IMAGE FOLDER MIRROR SECURITY_MIRROR
#
# IMAGE is the image's name and tag; it appears once everything has succeeded. FOLDER holds the file system
# while it is built, is emptied before and after, and must lie on a disk that allows devices and programs.
# In a mount namespace of its own, whatever debootstrap mounts ends with it, even when it is killed.
set -euo pipefail

image=$1
folder=$2
mirror=$3
security_mirror=$4
here=$(dirname -- "$(readlink --canonicalize -- "$0")")
root=$folder/root

export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive

clear_folder() { rm --recursive --force --one-file-system "$folder"; }
clear_folder
trap clear_folder EXIT
mkdir --parents "$folder"

debootstrap --variant=minbase --merged-usr --include=ca-certificates trixie "$root" "$mirror"

rm --force "$root/etc/apt/sources.list"
cat >"$root/etc/apt/sources.list.d/debian.sources" <<SOURCES
Types: deb
URIs: $mirror
Suites: trixie trixie-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: $security_mirror
Suites: trixie-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES

# debootstrap cannot resolve virtual packages, apt can; and apt brings the security updates.
cp /etc/resolv.conf "$root/etc/resolv.conf"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
in_root() { chroot "$root" "$@"; }
echo "I: Installing the packages of a cloud image"
in_root apt-get --quiet update
in_root apt-get --quiet --yes --option Dpkg::Options::=--force-unsafe-io dist-upgrade
mapfile -t packages <"$here/packages.txt"
in_root apt-get --quiet --yes --no-install-recommends --option Dpkg::Options::=--force-unsafe-io install "${packages[@]}"
rm "$root/usr/sbin/policy-rc.d"

cp --recursive --no-target-directory "$here/files" "$root"

# Every Instance has an identity of its own: cloud-init makes its host keys, systemd its machine id.
rm --force "$root"/etc/ssh/ssh_host_*_key "$root"/etc/ssh/ssh_host_*_key.pub
: >"$root/etc/machine-id"
rm --force "$root/var/lib/dbus/machine-id" "$root/etc/hostname" "$root/etc/resolv.conf"

# Nothing may run apt behind the back of whoever configures the Instance; there is no console, no hardware,
# and Docker has configured the network.
in_root systemctl --quiet mask \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
    fstrim.timer console-getty.service getty@tty1.service getty.target \
    systemd-networkd.service systemd-networkd.socket systemd-networkd-wait-online.service \
    systemd-pstore.service dev-hugepages.mount sys-fs-fuse-connections.mount sys-kernel-debug.mount

rm --recursive --force "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/* \
    "$root"/usr/share/doc/* "$root"/usr/share/man/* "$root"/usr/share/locale/*
mkdir --parents "$root/var/log/apt" "$root/var/cache/apt/archives/partial" "$root/var/lib/apt/lists/partial"

echo "I: Importing into Docker"
tar --directory="$root" --create --numeric-owner --xattrs --xattrs-include='*' . | docker import \
    --change 'ENV container=docker' \
    --change 'CMD ["/usr/local/sbin/container-init.sh"]' \
    - "$image"
