#!/usr/bin/env bash
# Take one set of records out of the zone. Inputs as for record.sh.

zone=$(cat "$INPUTS/zone")
name=$(cat "$INPUTS/name")
type=$(cat "$INPUTS/type")
kept="/var/lib/shambhala/records/${name//\*/_wildcard}$type"
# Held against the records' keeper, which would put it back.
exec 9>"/run/lock/shambhala-record-$(basename "$kept")"
flock 9
rm -rf "$kept"
printf 'server 127.0.0.1\nzone %s\nupdate delete %s %s\nsend\n' "$zone" "$name" "$type" |
    nsupdate -k /run/named/session.key ||
    refused "$zone" "to remove $type $name"
