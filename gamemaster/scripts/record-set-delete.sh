#!/usr/bin/env bash
# Deletes one record set from the zone. Inputs as for record-set.sh.

zone=$(cat "$INPUTS/zone")
name=$(cat "$INPUTS/name")
type=$(cat "$INPUTS/type")
state="/var/lib/shambhala/records/${name//\*/_wildcard}$type"
# Locks out records-drift-repair, which would put the record set back.
exec 9>"/run/lock/shambhala-record-$(basename "$state")"
flock 9
rm -rf "$state"
printf 'server 127.0.0.1\nzone %s\nupdate delete %s %s\nsend\n' "$zone" "$name" "$type" |
    nsupdate -k /run/named/session.key ||
    fail_update_refused "$zone" "to delete $type $name"
