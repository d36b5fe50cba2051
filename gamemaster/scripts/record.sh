#!/usr/bin/env bash
# One set of records of the zone: made, or put right, and kept so from then on.
# Inputs: zone, name, type, ttl, data (a line each)
# shellcheck source=common.sh
# shellcheck disable=SC2034
ROLE=record

zone=$(cat "$INPUTS/zone")
name=$(cat "$INPUTS/name")
type=$(cat "$INPUTS/type")
ttl=$(cat "$INPUTS/ttl")
kept="/var/lib/shambhala/records/${name//\*/_wildcard}$type"
# Held against the records' keeper, which would take half of a change for somebody's and put the old answer back.
exec 9>"/run/lock/shambhala-record-$(basename "$kept")"
flock 9
served() { dig +noall +answer +norecurse +time=2 @127.0.0.1 "$name" "$type" | sort; }
{
    printf 'server 127.0.0.1\nzone %s\nupdate delete %s %s\n' "$zone" "$name" "$type"
    while read -r data || [[ -n $data ]]; do
        printf 'update add %s %s %s %s\n' "$name" "$ttl" "$type" "$data"
    done <"$INPUTS/data"
    printf 'send\n'
} >"$INPUTS/update"

# Asked for again, an update would raise the zone's serial for nothing.
if ! cmp -s "$INPUTS/update" "$kept/update" || [[ $(served) != "$(cat "$kept/served" 2>/dev/null)" ]]; then
    # bind9's own session key, so that no secret has to travel. Not nsupdate -l, which tries ::1 first
    # and then sends a broken message.
    nsupdate -k /run/named/session.key "$INPUTS/update" || fail "bind9 refused $type $name."
    # It leaves out, without a word, what must not be beside a CNAME (RFC 2136, section 3.4.2.2).
    served | awk -v type="$type" '$4 == type { found = 1 } END { exit !found }' ||
        fail "bind9 does not serve $type $name: the name has a CNAME, or other records where it was to get one."
    before=$(cat "$kept/served" 2>/dev/null || true)
    moved=false
    if [[ -n $before ]] && ! cmp -s "$INPUTS/update" "$kept/update"; then moved=true; fi
    served >"$INPUTS/served"
    put_file served "$kept/served" 644 root:root || true
    put_file update "$kept/update" 644 root:root || true
    exec 9>&-
    # Who asked just before keeps the old answer for its lifetime. Only after that does this step end, and
    # so does whatever the old answer leads to: what goes in the same update goes after it.
    if $moved; then sleep "$(awk 'NR == 1 { print $2 }' <<<"$before")"; fi
fi
dig +short +norecurse @127.0.0.1 "$name" "$type"
