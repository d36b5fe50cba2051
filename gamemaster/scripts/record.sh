#!/usr/bin/env bash
# One set of records of the zone: made, or put right. Inputs: zone, name, type, ttl, data (a line each)
# shellcheck source=common.sh
# shellcheck disable=SC2034
ROLE=record

zone=$(cat "$INPUTS/zone")
name=$(cat "$INPUTS/name")
type=$(cat "$INPUTS/type")
ttl=$(cat "$INPUTS/ttl")
{
    # bind9's own session key, so that no secret has to travel. Not nsupdate -l, which tries ::1 first
    # and then sends a broken message.
    printf 'server 127.0.0.1\nzone %s\nupdate delete %s %s\n' "$zone" "$name" "$type"
    while read -r data || [[ -n $data ]]; do
        printf 'update add %s %s %s %s\n' "$name" "$ttl" "$type" "$data"
    done <"$INPUTS/data"
    printf 'send\n'
} | nsupdate -k /run/named/session.key || fail "bind9 refused $type $name."
dig +short +norecurse @127.0.0.1 "$name" "$type"
