#!/usr/bin/env bash
# Installs Docker and debootstrap from Debian's own packages, whether or not systemd runs here.
#
#   install-docker.sh
set -euo pipefail

export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive

packages=(docker.io debootstrap debian-archive-keyring ca-certificates iptables)

# Without systemd the package would start the daemon as nobody's child; whoever starts it must know its pid.
policy=/usr/sbin/policy-rc.d
if [[ ! -d /run/systemd/system && ! -e $policy ]]; then
    trap 'rm --force "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

apt-get --quiet update

# From Debian 13 on, the client is a package of its own.
if apt-cache show docker-cli >/dev/null 2>&1; then
    packages+=(docker-cli)
fi
# Where the kernel has AppArmor on, the daemon loads a profile with its parser.
if [[ $(cat /sys/module/apparmor/parameters/enabled 2>/dev/null) == Y ]]; then
    packages+=(apparmor)
fi

apt-get --quiet --yes --no-install-recommends install "${packages[@]}"
