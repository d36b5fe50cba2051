#!/usr/bin/env bash
# Numbers of the game master in Prometheus' text form, in a file that prometheus-node-exporter reads. What cannot be found
# out is a 0 or a time long ago, never absent: an absent number alarms nobody.
set -uo pipefail
shopt -s nullglob

folder=/var/lib/prometheus/node-exporter
file="$folder/gamemaster.prom"
zone=$(cat /var/lib/shambhala/zone 2>/dev/null || true)

# metric NAME VALUE [LABELS]: one number, with its labels as NAME="VALUE".
metric() { printf 'gamemaster_%s%s %s\n' "$1" "${3:+{$3\}}" "$2"; }

# yes COMMAND...: 1 where the command succeeds, else 0.
yes() { if "$@" >/dev/null 2>&1; then echo 1; else echo 0; fi; }

# modified FILE...: when the newest of the files was written, in seconds since 1970; 0 where there is none.
modified() { stat -c %Y "$@" 2>/dev/null | sort -n | tail -n 1 | grep . || echo 0; }

units() {
    local unit
    metric units_failed "$(systemctl list-units --state=failed --plain --no-legend | wc -l)"
    while read -r unit _; do
        metric unit_failed 1 "unit=\"$unit\""
    done < <(systemctl list-units --state=failed --plain --no-legend)
    for unit in certbot.timer shambhala-nightly-backup.timer shambhala-records-drift-repair.timer; do
        # certbot is there only where the game master has certificates.
        ! systemctl cat "$unit" >/dev/null 2>&1 || metric timer_active "$(yes systemctl is-active --quiet "$unit")" "timer=\"$unit\""
    done
}

certificates() {
    local certificate end
    for certificate in /etc/letsencrypt/live/*/cert.pem; do
        end=$(openssl x509 -in "$certificate" -noout -enddate 2>/dev/null | cut -d = -f 2)
        metric certificate_expiration_timestamp_seconds "$(date --date "${end:-1970-01-01}" +%s)" \
            "name=\"$(basename "$(dirname "$certificate")")\""
    done
}

# Serial, and the end of the signature, of the zone's SOA record as bind9 answers.
zone() {
    local answer serial end
    answer=$(dig +dnssec +noall +answer +norecurse +time=2 +tries=1 @127.0.0.1 "$zone" SOA 2>/dev/null)
    serial=$(awk '$4 == "SOA" { print $7 }' <<<"$answer")
    end=$(awk '$4 == "RRSIG" { print $9 }' <<<"$answer")
    metric dns_answers "$([[ -n $serial ]] && echo 1 || echo 0)"
    metric dns_serial "${serial:-0}"
    metric dns_signature_expiration_timestamp_seconds \
        "$(date --utc --date "$(sed -E 's/(....)(..)(..)(..)(..)(..)/\1-\2-\3 \4:\5:\6/' <<<"${end:-19700101000000}")" +%s)"
}

# Where there is no backup yet, its time is that of the timer's set-up: the first night is still to come.
backups() {
    local timer=/etc/systemd/system/shambhala-nightly-backup.timer
    local saved=(/var/backups/shambhala/backup-*.tar.gz.age)
    metric backup_timestamp_seconds "$(modified "${saved[@]:-$timer}")"
    [[ ! -e /etc/shambhala/backup-bucket ]] ||
        metric backup_copy_timestamp_seconds "$(modified /var/lib/shambhala/backup-copied /etc/shambhala/backup-bucket/url)"
}

rancher() {
    local url
    [[ ! -e /usr/local/bin/k3s ]] || metric k3s_ready "$(yes timeout 10 k3s kubectl get --raw /readyz)"
    url=$(cat /etc/shambhala/rancher-url)
    [[ -z $url ]] || metric rancher_answers \
        "$(yes curl --fail --silent --max-time 10 --header 'X-Forwarded-Proto: https' "$url")"
}

{
    units
    certificates
    [[ -z $zone ]] || zone
    backups
    rancher
} >"$file.new"
chmod 644 "$file.new"
mv "$file.new" "$file"
