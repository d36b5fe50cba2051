#!/usr/bin/env bash
# Puts right what somebody has changed by hand: the zone's file where it does not load any more, and every record of the
# platform. Each of these lies in a folder of /var/lib/shambhala/records: `served` is what bind9 answers while it is right,
# `update` makes it so.
set -euo pipefail
shopt -s nullglob

zone=$(cat /var/lib/shambhala/zone)
database="/var/lib/bind/$zone.db"
served() { dig +short +norecurse +time=2 +tries=1 @127.0.0.1 "$zone" SOA | grep -qv '^;'; }
if systemctl is-active --quiet named && ! served && ! named-checkzone -j -q "$zone" "$database"; then
    echo "$zone does not load, as when its file was changed by hand: it begins anew, with all records of the platform. What" \
        "was there lies in $database.broken."
    for file in "$database" "$database.jnl"; do [[ ! -e $file ]] || mv -f "$file" "$file.broken"; done
    install -m 644 -o bind -g bind /var/lib/shambhala/zone.db "$database"
    rndc reload "$zone"
    for _ in {1..50}; do ! served || break; sleep 0.2; done
fi

left=0
for folder in /var/lib/shambhala/records/*/; do
    # Not while a step writes it: half of a change looks like somebody's.
    exec 9>"/run/lock/shambhala-record-$(basename "$folder")"
    flock 9
    [[ -s $folder/served && -s $folder/update ]] || continue
    # shellcheck disable=SC2034
    read -r name _ _ type _ <"$folder/served"
    # An alias answers with what it leads to, so that an address in its place shows too.
    now=$(dig +noall +answer +norecurse +time=2 @127.0.0.1 "$name" "$type" | sort) || {
        left=1
        continue
    }
    [[ $now != "$(cat "$folder/served")" ]] || continue
    echo "$type $name was changed by hand: putting it right"
    # The other records are looked after all the same.
    nsupdate -k /run/named/session.key "$folder/update" || left=1
done
exit "$left"
