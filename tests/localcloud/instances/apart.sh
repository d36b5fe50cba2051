#!/usr/bin/env bash
# Runs a command as if on a machine where Docker is installed and does not run.
#
#   unshare --mount --net apart.sh FOLDER COMMAND...
#
# FOLDER takes the place of /var/lib/docker.
set -euo pipefail

folder=$1
shift
mkdir --parents "$folder/docker"
mount -t tmpfs tmpfs /run
mount --bind "$folder/docker" /var/lib/docker
ip link set lo up
exec "$@"
