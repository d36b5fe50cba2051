#!/usr/bin/env bash
# Take one set of records out of the zone. Inputs as for record.sh.
# shellcheck source=common.sh
# shellcheck disable=SC2034
ROLE=record

zone=$(cat "$INPUTS/zone")
name=$(cat "$INPUTS/name")
type=$(cat "$INPUTS/type")
# First, so that nobody puts it back.
rm -rf "/var/lib/shambhala/records/${name//\*/_wildcard}$type"
printf 'server 127.0.0.1\nzone %s\nupdate delete %s %s\nsend\n' "$zone" "$name" "$type" |
    nsupdate -k /run/named/session.key ||
    fail "bind9 refused to remove $type $name."
