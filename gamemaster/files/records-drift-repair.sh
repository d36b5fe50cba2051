#!/usr/bin/env bash
# Drift repair of the game's zone: restores what somebody changed by hand, which is the zone's file where the zone does
# not load any more, and every record set of the platform. Each record set has a folder in /var/lib/shambhala/records:
# `served` is bind9's answer while the record set is right, `update` the dynamic update that makes it so.
set -euo pipefail
shopt -s nullglob

zone=$(cat /var/lib/shambhala/zone)
database="/var/lib/bind/$zone.db"
served() { dig +short +norecurse +time=2 +tries=1 @127.0.0.1 "$zone" SOA | grep -qv '^;'; }
if systemctl is-active --quiet named && ! served && ! named-checkzone -j -q "$zone" "$database"; then
    echo "$zone does not load, as when its file was changed by hand: the zone begins anew, with all records of the" \
        "platform. The old file lies in $database.broken."
    for file in "$database" "$database.jnl"; do [[ ! -e $file ]] || mv -f "$file" "$file.broken"; done
    install -m 644 -o bind -g bind /var/lib/shambhala/zone.db "$database"
    rndc reload "$zone"
    for _ in {1..50}; do ! served || break; sleep 0.2; done
fi

status=0
for folder in /var/lib/shambhala/records/*/; do
    # Not while record-set.sh writes: half of a change looks like drift.
    exec 9>"/run/lock/shambhala-record-$(basename "$folder")"
    flock 9
    [[ -s $folder/served && -s $folder/update ]] || continue
    # shellcheck disable=SC2034
    read -r name _ _ type _ <"$folder/served"
    if [[ $name != "$zone." && $name != *".$zone." ]]; then
        echo "$type $name lies in a zone that this server has no more: forgetting the record set"
        rm -rf "$folder"
        continue
    fi
    # The whole answer: for an alias, bind9 adds the records of the canonical name, so that an address in place of the
    # alias shows too.
    answer=$(dig +noall +answer +norecurse +time=2 @127.0.0.1 "$name" "$type" | sort) || {
        status=1
        continue
    }
    [[ $answer != "$(cat "$folder/served")" ]] || continue
    echo "$type $name was changed by hand: restoring the record set"
    # A failure must not keep the other record sets from being restored.
    nsupdate -k /run/named/session.key "$folder/update" || status=1
done
exit "$status"
