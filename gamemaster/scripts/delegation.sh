#!/usr/bin/env bash
# Delegation: waits until the parent zone's own servers lead to this name server, and to no other. Prints "delegated".
# Inputs: zone, parent, hosted-by (scaleway or external), name-server, ip, seconds

zone=$(cat "$INPUTS/zone")
parent=$(cat "$INPUTS/parent")
server=$(cat "$INPUTS/name-server")
ip=$(cat "$INPUTS/ip")
seconds=$(cat "$INPUTS/seconds")
install_packages bind9-dnsutils bind9-utils
# ask ARGUMENT...: dig without its remarks, which begin with a semicolon.
ask() { dig +time=3 +tries=1 "$@" 2>/dev/null | grep -v '^;' || true; }

# records ADDRESS NAME TYPE: the records of a name, or its delegation, at one server; in small letters, a line each.
records() {
    ask "@$1" +norecurse +noall +answer +authority "$2" "$3" | awk -v name="$2." -v type="$3" '
        tolower($1) == name && $4 == type {
            data = $5
            # dig may print a digest in several pieces.
            for (part = 6; part <= NF; part++) data = data (part > 8 ? "" : " ") $part
            print tolower(data)
        }' | sort -u
}

# own_ds ALGORITHM...: the zone's own DS records with these digest algorithms, in zone-file notation.
own_ds() {
    ask @127.0.0.1 +norecurse +noall +answer "$zone" DNSKEY | dnssec-dsfromkey "${@/#/-a}" -f - "$zone"
}

# first_other LINES ALLOWED: the first line that is not among the allowed ones.
first_other() { grep -vxFf <(printf '%s\n' "$2") <<<"$1" | grep -m 1 . || true; }

# problem: what is missing or wrong in the parent zone, in a few words; nothing if the parent zone leads here. Its own
# servers are asked, since resolvers keep for long that a name did not exist.
problem() {
    local parents address name found other asked='' ds
    parents=$(ask +short "$parent" NS)
    [[ -n $parents ]] || {
        echo "no name server of $parent is known to this host's resolver"
        return
    }
    ds=$(own_ds SHA-256 SHA-384 | awk '{ print tolower($4 " " $5 " " $6 " " $7) }')
    [[ -n $ds ]] || {
        echo "bind9 on this host does not show the keys of $zone"
        return
    }
    for name in $parents; do
        address=$(ask +short "$name" A | tail -n 1)
        [[ -n $address ]] || continue
        asked=$name
        [[ -n $(records "$address" "$parent" SOA) ]] || {
            echo "$name ($address), which is to answer for $parent, does not"
            return
        }
        found=$(records "$address" "$zone" NS)
        grep -qxF "$server." <<<"$found" || {
            echo "$name does not have '$zone. IN NS $server.'"
            return
        }
        other=$(first_other "$found" "$server.")
        [[ -z $other ]] || {
            echo "$name has '$zone. IN NS $other' besides, which is not this server and has to go"
            return
        }
        found=$(records "$address" "$server" A)
        [[ $found == "$ip" ]] || {
            echo "$name does not have '$server. IN A $ip' alone (but '${found:-nothing}')"
            return
        }
        other=$(first_other "$(records "$address" "$zone" DS)" "$ds")
        [[ -z $other ]] || {
            echo "$name has '$zone. IN DS $other', which is of no key of this zone and has to go"
            return
        }
    done
    [[ -n $asked ]] || echo "no address of $parent's name servers (${parents//$'\n'/, }) is known to this host's resolver"
}

# advice: the next step for the operator; the records can be pasted into the parent zone.
advice() {
    if [[ $(cat "$INPUTS/hosted-by") == scaleway ]]; then
        echo "The program keeps these records at Scaleway: the registrar of $parent has to delegate $parent there. Then \
run 'pulumi up' again."
    else
        echo "Add these records to $parent, where it is hosted, and no others of these names; then run 'pulumi up' again."
    fi
    printf '%s. 300 IN NS %s.\n%s. 300 IN A %s\n' "$zone" "$server" "$server" "$ip"
    echo "; So that resolvers check the zone's signatures; never without the two above:"
    own_ds SHA-256 | sed 's/ IN DS / 300 IN DS /'
}

deadline=$((SECONDS + seconds))
reported=
while found=$(problem) && [[ -n $found ]]; do
    if [[ $found != "$reported" ]]; then
        reported=$found
        report "waiting, since $found"
    fi
    left=$((deadline - SECONDS))
    ((left > 0)) || fail "after $seconds seconds, $found. $(advice)"
    sleep "$((left < 5 ? left : 5))"
done
echo "delegated"
