#!/usr/bin/env bash
# bind9, authoritative name server of the game's zone. Prints the zone, then its DS records, a line each.
# Inputs: zone (its name), named.conf.options, named.conf.local, zone.db (first content), placeholder.key,
# records-drift-repair (program), records-drift-repair.service, records-drift-repair.timer

zone=$(cat "$INPUTS/zone")
database="/var/lib/bind/$zone.db"
install_packages bind9 bind9-utils bind9-dnsutils
install -d -m 770 -o root -g bind /var/lib/bind/keys
# On a new host after `make restore`: take the zone and the keys from the backup.
backup=/var/lib/shambhala/restore
if [[ -e $backup/certbot.key ]]; then
    systemctl stop named
    cp --recursive --preserve=mode,timestamps -T "$backup/bind" /var/lib/bind
    chown -R bind:bind /var/lib/bind
    chown root:bind /var/lib/bind /var/lib/bind/keys
    chmod 770 /var/lib/bind/keys
    install -m 640 -o root -g bind "$backup/certbot.key" /etc/bind/certbot.key
    # Last, so that the next run begins again where this one was interrupted.
    rm -rf "$backup/bind" "$backup/certbot.key"
fi
if [[ ! -s /etc/bind/certbot.key ]]; then
    tsig-keygen -a hmac-sha512 certbot >"$INPUTS/certbot.key"
    install_file certbot.key /etc/bind/certbot.key 640 root:bind
fi
install -d -m 750 -o root -g bind /etc/bind/boards

# The new configuration is checked beside the running one: a bad one never replaces what works.
candidate=$(mktemp -d /etc/bind/.candidate.XXXXXXXX)
TEMPORARY+=("$candidate")
install_file placeholder.key /etc/bind/boards/0.key 640 root:bind
cat "$INPUTS/named.conf.options" "$INPUTS/named.conf.local" >"$candidate/named.conf"
named-checkconf "$candidate/named.conf" >&2 ||
    fail "bind9 would not accept its configuration; the running configuration was left alone."
named-checkzone -q "$zone" "$INPUTS/zone.db" ||
    fail "the zone $zone would not load; the running zone was left alone."

install_file named.conf.options /etc/bind/named.conf.options 644 root:bind named
install_file named.conf.local /etc/bind/named.conf.local 644 root:bind named
# Only if there is none: bind9 writes the dynamic records into the zone's file.
[[ -e $database ]] || install_file zone.db "$database" 644 bind:bind named
# A bind9 that does not run reads all of its configuration when it starts.
! systemctl is-active --quiet named || reload_if_pending named rndc reconfig
enable_and_start named.service
clear_pending named

# records-drift-repair starts a zone that does not load any more from these two files.
install_file zone /var/lib/shambhala/zone 644 root:root
install_file zone.db /var/lib/shambhala/zone.db 644 root:root
install_file records-drift-repair /usr/local/libexec/shambhala/records-drift-repair 755 root:root
unit=shambhala-records-drift-repair
install_file records-drift-repair.service "/etc/systemd/system/$unit.service" 644 root:root systemd
install_file records-drift-repair.timer "/etc/systemd/system/$unit.timer" 644 root:root systemd
reload_if_pending systemd systemctl daemon-reload
enable_and_start "$unit.timer"

[[ -n $(dig +short +norecurse +time=2 @127.0.0.1 "$zone" SOA) ]] || systemctl start "$unit.service" || true
# bind9 signs the zone as soon as it has made the keys.
for _ in $(seq 100); do
    keys=$(dig +noall +answer +norecurse +time=1 +tries=1 @127.0.0.1 "$zone" DNSKEY || true)
    if [[ $keys == *DNSKEY* ]]; then
        echo "$zone"
        echo "$keys" | dnssec-dsfromkey -2 -f - "$zone"
        exit 0
    fi
    sleep 0.2
done
fail "bind9 does not answer for $zone; read 'journalctl -u named' on the Instance."
