#!/usr/bin/env bash
# bind9 as the authority of the game's zone. Prints the zone, then its DS records, a line each.
# Inputs: zone (its name), named.conf.options, named.conf.local, zone.db (seed), boards.key (no key),
# keep-records (program), keep-records.service, keep-records.timer

zone=$(cat "$INPUTS/zone")
database="/var/lib/bind/$zone.db"
install_packages bind9 bind9-utils bind9-dnsutils
install -d -m 770 -o root -g bind /var/lib/bind/keys
# On a new host after `make restore`: go on with the zone and the keys that were saved.
saved=/var/lib/shambhala/restore
if [[ -e $saved/certificates.key ]]; then
    systemctl stop named
    cp --recursive --preserve=mode,timestamps -T "$saved/bind" /var/lib/bind
    chown -R bind:bind /var/lib/bind
    chown root:bind /var/lib/bind /var/lib/bind/keys
    chmod 770 /var/lib/bind/keys
    install -m 640 -o root -g bind "$saved/certificates.key" /etc/bind/certificates.key
    # Last, so that a role that was cut here begins it again.
    rm -rf "$saved/bind" "$saved/certificates.key"
fi
if [[ ! -s /etc/bind/certificates.key ]]; then
    tsig-keygen -a hmac-sha512 certificates >"$INPUTS/certificates.key"
    put_file certificates.key /etc/bind/certificates.key 640 root:bind
fi
install -d -m 750 -o root -g bind /etc/bind/boards

# The new configuration is checked beside the running one: a bad one never replaces what works.
candidate=$(mktemp -d /etc/bind/.candidate.XXXXXXXX)
CANDIDATES+=("$candidate")
put_file boards.key /etc/bind/boards/0.key 640 root:bind
cat "$INPUTS/named.conf.options" "$INPUTS/named.conf.local" >"$candidate/named.conf"
named-checkconf "$candidate/named.conf" >&2 ||
    fail "bind9 would not accept its configuration; the one that runs was left alone."
named-checkzone -q "$zone" "$INPUTS/zone.db" ||
    fail "the zone $zone would not load; the one that runs was left alone."

put_file named.conf.options /etc/bind/named.conf.options 644 root:bind named
put_file named.conf.local /etc/bind/named.conf.local 644 root:bind named
# Once it has been loaded, the zone's file belongs to bind9, which writes the dynamic records into it.
[[ -e $database ]] || put_file zone.db "$database" 644 bind:bind named
# Only if it runs: when it starts, it reads everything.
! systemctl is-active --quiet named || take_over named rndc reconfig
start_unit named.service
not_due named

# What the keeper needs to begin a zone anew that does not load any more.
put_file zone /var/lib/shambhala/zone 644 root:root
put_file zone.db /var/lib/shambhala/zone.db 644 root:root
put_file keep-records /usr/local/libexec/shambhala/keep-records 755 root:root
put_file keep-records.service /etc/systemd/system/shambhala-keep-records.service 644 root:root systemd
put_file keep-records.timer /etc/systemd/system/shambhala-keep-records.timer 644 root:root systemd
take_over systemd systemctl daemon-reload
start_unit shambhala-keep-records.timer

[[ -n $(dig +short +norecurse +time=2 @127.0.0.1 "$zone" SOA) ]] || systemctl start shambhala-keep-records.service || true
# Signed as soon as it has its keys.
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
