#!/usr/bin/env bash
# One record set of the zone, by a dynamic update. records-drift-repair keeps the record set so from then on.
# Inputs: zone, name, type, ttl, data (a line for each record)

zone=$(cat "$INPUTS/zone")
name=$(cat "$INPUTS/name")
type=$(cat "$INPUTS/type")
ttl=$(cat "$INPUTS/ttl")
# The update, and bind9's answer after it, for records-drift-repair.
state="/var/lib/shambhala/records/${name//\*/_wildcard}$type"
# Locks out records-drift-repair, which would take half of a change for drift and put the old record set back.
exec 9>"/run/lock/shambhala-record-$(basename "$state")"
flock 9
if [[ $type == CNAME ]]; then conflicting=(A AAAA CAA MX TXT); else conflicting=(CNAME); fi
for other in "${conflicting[@]}"; do
    [[ ! -e ${state%"$type"}$other ]] ||
        fail "$type $name cannot be beside the platform's own $other of that name: a name with a CNAME has nothing else."
done
# served: the name's own records; bind9 answers a question for an alias with the records of the canonical name too.
served() {
    dig +noall +answer +norecurse +time=2 @127.0.0.1 "$name" "$type" |
        awk -v name="$name" -v type="$type" '$1 == name && $4 == type' | sort
}
{
    printf 'server 127.0.0.1\nzone %s\n' "$zone"
    # Conflicting records that somebody added by hand are deleted: bind9 ignores, without an error, an update that would
    # put a record beside a CNAME (RFC 2136, section 3.4.2.2).
    printf 'update delete %s %s\n' "$name" "$type"
    for other in "${conflicting[@]}"; do printf 'update delete %s %s\n' "$name" "$other"; done
    while read -r data || [[ -n $data ]]; do
        printf 'update add %s %s %s %s\n' "$name" "$ttl" "$type" "$data"
    done <"$INPUTS/data"
    printf 'send\n'
} >"$INPUTS/update"

# Only where something differs: the same update again would raise the zone's serial for nothing.
if ! cmp -s "$INPUTS/update" "$state/update" || [[ $(served) != "$(cat "$state/served" 2>/dev/null)" ]]; then
    # bind9's own session key, so that no secret has to travel. Not nsupdate -l, which tries ::1 first
    # and then sends a broken message.
    nsupdate -k /run/named/session.key "$INPUTS/update" || fail_update_refused "$zone" "$type $name"
    served >"$INPUTS/served" || fail "bind9 does not answer for $name; read 'journalctl -u named' on the Instance."
    [[ -s $INPUTS/served ]] ||
        fail "bind9 does not serve $type $name: the name has records of another type, which it cannot be beside."
    before=$(cat "$state/served" 2>/dev/null || true)
    install_file served "$state/served" 644 root:root
    install_file update "$state/update" 644 root:root
    exec 9>&-
    # Resolvers that asked just before keep the old answer for its TTL. This script ends only after that, and the engine
    # deletes whatever the old answer leads to only after this script.
    if [[ -n $before && $before != "$(cat "$state/served")" ]]; then
        sleep "$(awk 'NR == 1 { print $2 }' <<<"$before")"
    fi
fi
dig +short +norecurse @127.0.0.1 "$name" "$type"
