#!/usr/bin/env bash
# bind9 as the authority of the game's zone.
# Inputs: zone (its name), named.conf.options, named.conf.local, zone.db (seed), update.key
# shellcheck source=common.sh
# shellcheck disable=SC2034
ROLE=name-server

zone=$(cat "$INPUTS/zone")
database="/var/lib/bind/$zone.db"
install_packages bind9 bind9-utils bind9-dnsutils

# The new configuration is checked beside the running one: a bad one never replaces what works.
candidate=$(mktemp -d /etc/bind/.candidate.XXXXXXXX)
trap 'rm -rf "$INPUTS" "$candidate"' EXIT
chgrp bind "$candidate"
chmod 750 "$candidate"
install -m 640 -g bind "$INPUTS/named.conf.options" "$INPUTS/named.conf.local" "$INPUTS/update.key" "$candidate"
sed -e "s|/etc/bind/update.key|$candidate/update.key|" -i "$candidate/named.conf.local"
cat "$candidate/named.conf.options" "$candidate/named.conf.local" >"$candidate/named.conf"
named-checkconf "$candidate/named.conf" >&2 ||
    fail "bind9 would not accept its configuration; the one that runs was left alone."
named-checkzone -q "$zone" "$INPUTS/zone.db" ||
    fail "the zone $zone would not load; the one that runs was left alone."

changed=false
put_file named.conf.options /etc/bind/named.conf.options 644 root:bind && changed=true
put_file update.key /etc/bind/update.key 640 root:bind && changed=true
put_file named.conf.local /etc/bind/named.conf.local 644 root:bind && changed=true
# Once it has been loaded, the zone's file belongs to bind9, which writes the dynamic records into it.
if [[ ! -e $database ]]; then
    install -m 644 -o bind -g bind "$INPUTS/zone.db" "$database"
    changed=true
fi

if ! systemctl is-active --quiet named; then
    systemctl enable --now --quiet named
elif $changed; then
    rndc reload >&2
fi

for _ in $(seq 50); do
    if [[ -n $(dig +short +norecurse +time=1 +tries=1 @127.0.0.1 "$zone" SOA) ]]; then
        echo "$zone"
        exit 0
    fi
    sleep 0.2
done
fail "bind9 does not answer for $zone; read 'journalctl -u named' on the Instance."
