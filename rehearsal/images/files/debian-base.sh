#!/usr/bin/env bash
# Makes the layer that all images from Debian's packages share, as a Docker image.
#
#   unshare --mount debian-base.sh IMAGE FOLDER MIRROR SECURITY_MIRROR
#
# IMAGE is the image's name and tag; it appears once everything has succeeded. FOLDER holds the file system while it is
# built, is emptied before and after, and must lie on a disk that allows devices and programs.
set -euo pipefail

image=$1
folder=$2
mirror=$3
security_mirror=$4
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
# No documents, as in Debian's own images for containers; and no daemon starts while it is installed.
cat >"$root/etc/dpkg/dpkg.cfg.d/slim" <<'SLIM'
path-exclude /usr/share/doc/*
path-exclude /usr/share/man/*
path-exclude /usr/share/locale/*
SLIM
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
rm --recursive --force "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/* \
    "$root"/usr/share/doc/* "$root"/usr/share/man/* "$root"/usr/share/locale/*
mkdir --parents "$root/var/cache/apt/archives/partial" "$root/var/lib/apt/lists/partial" "$root/var/log/apt"

echo "I: Importing into Docker"
tar --directory="$root" --create --numeric-owner --xattrs --xattrs-include='*' . | docker import - "$image"
