#!/usr/bin/env bash
# Take one set of records out of the zone. Inputs as for record.sh.
# shellcheck source=common.sh
# shellcheck disable=SC2034
ROLE=record

read -r zone <"$INPUTS/zone"
read -r name <"$INPUTS/name"
read -r type <"$INPUTS/type"
printf 'zone %s\nupdate delete %s %s\nsend\n' "$zone" "$name" "$type" | nsupdate -l ||
    fail "bind9 refused to remove $type $name."
