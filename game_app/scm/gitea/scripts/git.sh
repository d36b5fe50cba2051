#!/bin/sh
# Git for Gitea, whose pages and API run it for whoever asks: no request takes more of the container's memory than this,
# whatever was pushed. A patch of a file that is huge and compresses well would take as much as the file has bytes.
set -eu
# shellcheck disable=SC3045 # BusyBox's shell, which the image has, and Debian's know -d.
ulimit -d "${GIT_MEMORY_KIB:-262144}"
exec git "$@"
