#!/usr/bin/env bash
# One set of records of the zone: made, or put right. Inputs: zone, name, type, ttl, data (a line each)
# shellcheck source=common.sh
# shellcheck disable=SC2034
ROLE=record

read -r zone <"$INPUTS/zone"
read -r name <"$INPUTS/name"
read -r type <"$INPUTS/type"
read -r ttl <"$INPUTS/ttl"
{
    # -l speaks to the local bind9 with its own session key, so that no secret has to travel.
    printf 'zone %s\nupdate delete %s %s\n' "$zone" "$name" "$type"
    while read -r data || [[ -n $data ]]; do
        printf 'update add %s %s %s %s\n' "$name" "$ttl" "$type" "$data"
    done <"$INPUTS/data"
    printf 'send\n'
} | nsupdate -l || fail "bind9 refused $type $name."
dig +short +norecurse @127.0.0.1 "$name" "$type"
