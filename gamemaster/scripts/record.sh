#!/usr/bin/env bash
# One set of records of the zone: made, or put right, and kept so from then on.
# Inputs: zone, name, type, ttl, data (a line each)

zone=$(cat "$INPUTS/zone")
name=$(cat "$INPUTS/name")
type=$(cat "$INPUTS/type")
ttl=$(cat "$INPUTS/ttl")
records=/var/lib/shambhala/records
kept="$records/${name//\*/_wildcard}$type"
# Held against the records' keeper, which would take half of a change for somebody's and put the old answer back.
exec 9>"/run/lock/shambhala-record-$(basename "$kept")"
flock 9
if [[ $type == CNAME ]]; then beside=(A AAAA CAA MX TXT); else beside=(CNAME); fi
for other in "${beside[@]}"; do
    [[ ! -e ${kept%"$type"}$other ]] ||
        fail "$type $name cannot be beside the platform's own $other of that name: a name with a CNAME has nothing else."
done
# Its own records only: asked for anything else, an alias answers with what it leads to.
served() {
    dig +noall +answer +norecurse +time=2 @127.0.0.1 "$name" "$type" |
        awk -v name="$name" -v type="$type" '$1 == name && $4 == type' | sort
}
{
    printf 'server 127.0.0.1\nzone %s\n' "$zone"
    # What somebody else put there goes: bind9 leaves out, without a word, what must not be beside a CNAME (RFC 2136,
    # section 3.4.2.2).
    printf 'update delete %s %s\n' "$name" "$type"
    for other in "${beside[@]}"; do printf 'update delete %s %s\n' "$name" "$other"; done
    while read -r data || [[ -n $data ]]; do
        printf 'update add %s %s %s %s\n' "$name" "$ttl" "$type" "$data"
    done <"$INPUTS/data"
    printf 'send\n'
} >"$INPUTS/update"

# Asked for again, an update would raise the zone's serial for nothing.
if ! cmp -s "$INPUTS/update" "$kept/update" || [[ $(served) != "$(cat "$kept/served" 2>/dev/null)" ]]; then
    # bind9's own session key, so that no secret has to travel. Not nsupdate -l, which tries ::1 first
    # and then sends a broken message.
    nsupdate -k /run/named/session.key "$INPUTS/update" || refused "$zone" "$type $name"
    served >"$INPUTS/served" || fail "bind9 does not answer for $name; read 'journalctl -u named' on the Instance."
    [[ -s $INPUTS/served ]] ||
        fail "bind9 does not serve $type $name: the name has records of another kind, which it cannot be beside."
    before=$(cat "$kept/served" 2>/dev/null || true)
    put_file served "$kept/served" 644 root:root
    put_file update "$kept/update" 644 root:root
    exec 9>&-
    # Who asked just before keeps the old answer for its lifetime. Only after that does this step end, and
    # so does whatever the old answer leads to: what goes in the same update goes after it.
    if [[ -n $before && $before != "$(cat "$kept/served")" ]]; then
        sleep "$(awk 'NR == 1 { print $2 }' <<<"$before")"
    fi
fi
dig +short +norecurse @127.0.0.1 "$name" "$type"
