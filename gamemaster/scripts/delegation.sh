#!/usr/bin/env bash
# Wait until the parent zone's own servers lead to this one. Prints "delegated".
# Inputs: zone, parent, name-server, ip, seconds

zone=$(cat "$INPUTS/zone")
parent=$(cat "$INPUTS/parent")
server=$(cat "$INPUTS/name-server")
ip=$(cat "$INPUTS/ip")
seconds=$(cat "$INPUTS/seconds")
install_packages bind9-dnsutils
# Without dig's own remarks, which begin with a semicolon.
ask() { dig +time=3 +tries=1 "$@" 2>/dev/null | grep -v '^;' || true; }

# missing: what the parent zone lacks, in a few words; nothing when it has all. Asked of its own servers, since
# resolvers remember for long that a name was not there.
missing() {
    local parents address found asked=
    parents=$(ask +short "$parent" NS)
    [[ -n $parents ]] || {
        echo "no name server of $parent is known to this host's resolver"
        return
    }
    for name in $parents; do
        address=$(ask +short "$name" A | tail -n 1)
        [[ -n $address ]] || continue
        asked=$name
        found=$(ask "@$address" +norecurse +noall +answer +authority "$zone" NS)
        [[ $found == *"$server."* ]] || {
            echo "$name does not have '$zone. IN NS $server.'"
            return
        }
        found=$(ask "@$address" +norecurse +short "$server" A)
        [[ $found == "$ip" ]] || {
            echo "$name does not have '$server. IN A $ip' (but '${found:-nothing}')"
            return
        }
    done
    [[ -n $asked ]] || echo "no address of $parent's name servers (${parents//$'\n'/, }) is known to this host's resolver"
}

deadline=$((SECONDS + seconds))
told=
while lacks=$(missing) && [[ -n $lacks ]]; do
    if [[ $lacks != "$told" ]]; then
        told=$lacks
        tell "waiting, since $lacks"
    fi
    left=$((deadline - SECONDS))
    ((left > 0)) ||
        fail "after $seconds seconds, $lacks. Add the records of the output 'delegation' to $parent, then run \
'pulumi up' again."
    sleep "$((left < 5 ? left : 5))"
done
echo "delegated"
