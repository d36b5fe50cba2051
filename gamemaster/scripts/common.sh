#!/usr/bin/env bash
# What every role shares. The inputs arrive as one JSON document on standard input; each becomes a
# file in $INPUTS, in memory and readable by root only, gone when the script ends.
set -euo pipefail
umask 077
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

INPUTS=$(mktemp -d /run/shambhala.XXXXXXXX)
trap 'rm -rf "$INPUTS"' EXIT
python3 -c '
import json, pathlib, sys
for name, text in json.load(sys.stdin)["inputs"].items():
    pathlib.Path(sys.argv[1], name).write_text(text)
' "$INPUTS"

# fail WHAT: end the role with one sentence an operator can act on.
fail() {
    printf '%s: %s\n' "${ROLE:-step}" "$1" >&2
    exit 1
}

# install_packages PACKAGE...: from Debian, only what is missing; waits while somebody else holds apt.
install_packages() {
    local missing=()
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    apt-get -qq -o DPkg::Lock::Timeout=120 update ||
        fail "Debian's package list cannot be read; check sources:debian and the Instance's way out."
    apt-get -qq -o DPkg::Lock::Timeout=120 install --no-install-recommends "${missing[@]}" >/dev/null ||
        fail "Debian's packages ${missing[*]} cannot be installed; see the lines above, then run 'pulumi up' again."
}

# put_file INPUT TARGET MODE OWNER: write a file only if it differs; true when it was written.
put_file() {
    if cmp -s "$INPUTS/$1" "$2"; then
        return 1
    fi
    install -D -m "$3" -o "${4%%:*}" -g "${4##*:}" "$INPUTS/$1" "$2.new"
    mv -f "$2.new" "$2"
}
