#!/usr/bin/env bash
# Wait until the parent zone's own servers lead to this one, and to no other. Prints "delegated".
# Inputs: zone, parent, hosted-by (scaleway or external), name-server, ip, seconds

zone=$(cat "$INPUTS/zone")
parent=$(cat "$INPUTS/parent")
server=$(cat "$INPUTS/name-server")
ip=$(cat "$INPUTS/ip")
seconds=$(cat "$INPUTS/seconds")
install_packages bind9-dnsutils bind9-utils
# Without dig's own remarks, which begin with a semicolon.
ask() { dig +time=3 +tries=1 "$@" 2>/dev/null | grep -v '^;' || true; }

# told ADDRESS NAME TYPE: the records that a server has of a name, or leads to, in small letters, a line each.
told() {
    ask "@$1" +norecurse +noall +answer +authority "$2" "$3" | awk -v name="$2." -v type="$3" '
        tolower($1) == name && $4 == type {
            data = $5
            # A digest may come in pieces.
            for (part = 6; part <= NF; part++) data = data (part > 8 ? "" : " ") $part
            print tolower(data)
        }' | sort -u
}

# ours ALGORITHM...: the zone's own DS records with these digests, in zone-file notation.
ours() {
    ask @127.0.0.1 +norecurse +noall +answer "$zone" DNSKEY | dnssec-dsfromkey "${@/#/-a}" -f - "$zone"
}

# others RECORDS ALLOWED: the first of some lines that is not among others.
others() { grep -vxFf <(printf '%s\n' "$2") <<<"$1" | grep -m 1 . || true; }

# wrong: what the parent zone lacks or has too much, in a few words; nothing when it leads here. Asked of its own servers,
# since resolvers remember for long that a name was not there.
wrong() {
    local parents address name found other asked='' keys
    parents=$(ask +short "$parent" NS)
    [[ -n $parents ]] || {
        echo "no name server of $parent is known to this host's resolver"
        return
    }
    keys=$(ours SHA-256 SHA-384 | awk '{ print tolower($4 " " $5 " " $6 " " $7) }')
    [[ -n $keys ]] || {
        echo "bind9 on this host does not show the keys of $zone"
        return
    }
    for name in $parents; do
        address=$(ask +short "$name" A | tail -n 1)
        [[ -n $address ]] || continue
        asked=$name
        [[ -n $(told "$address" "$parent" SOA) ]] || {
            echo "$name ($address), which is to answer for $parent, does not"
            return
        }
        found=$(told "$address" "$zone" NS)
        grep -qxF "$server." <<<"$found" || {
            echo "$name does not have '$zone. IN NS $server.'"
            return
        }
        other=$(others "$found" "$server.")
        [[ -z $other ]] || {
            echo "$name has '$zone. IN NS $other' besides, which is not this server and has to go"
            return
        }
        found=$(told "$address" "$server" A)
        [[ $found == "$ip" ]] || {
            echo "$name does not have '$server. IN A $ip' alone (but '${found:-nothing}')"
            return
        }
        other=$(others "$(told "$address" "$zone" DS)" "$keys")
        [[ -z $other ]] || {
            echo "$name has '$zone. IN DS $other', which is of no key of this zone and has to go"
            return
        }
    done
    [[ -n $asked ]] || echo "no address of $parent's name servers (${parents//$'\n'/, }) is known to this host's resolver"
}

# advice: what to do about it; the records can be pasted into the zone.
advice() {
    if [[ $(cat "$INPUTS/hosted-by") == scaleway ]]; then
        echo "The program keeps these records at Scaleway: $parent has to be led there by its registrar. Then run \
'pulumi up' again."
    else
        echo "Add these records to $parent, where it is hosted, and none else of these names; then run 'pulumi up' again."
    fi
    printf '%s. 300 IN NS %s.\n%s. 300 IN A %s\n' "$zone" "$server" "$server" "$ip"
    echo "; So that resolvers check the zone's signatures; never without the two above:"
    ours SHA-256 | sed 's/ IN DS / 300 IN DS /'
}

deadline=$((SECONDS + seconds))
said=
while lacks=$(wrong) && [[ -n $lacks ]]; do
    if [[ $lacks != "$said" ]]; then
        said=$lacks
        tell "waiting, since $lacks"
    fi
    left=$((deadline - SECONDS))
    ((left > 0)) || fail "after $seconds seconds, $lacks. $(advice)"
    sleep "$((left < 5 ? left : 5))"
done
echo "delegated"
