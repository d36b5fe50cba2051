#!/usr/bin/env bash
# Encrypted backup: the output of backup.sh in /var/backups/shambhala, encrypted to the operators' SSH key; the last seven
# are kept. A copy goes to the bucket, if there is one: /etc/shambhala/backup-bucket holds its URL and curl's credentials.
set -euo pipefail
umask 077

kept=7
folder=/var/backups/shambhala
bucket=/etc/shambhala/backup-bucket
file="$folder/backup-$(date --utc +%Y-%m-%dT%H%M%SZ).tar.gz.age"
install -d -m 700 "$folder"
trap 'rm -f "$file.part"' EXIT
/usr/local/libexec/shambhala/backup |
    age --encrypt --recipients-file /etc/shambhala/backup-recipients --output "$file.part"
mv "$file.part" "$file"
# Their names end in the time: in the order of names, the oldest come first.
find "$folder" -name 'backup-*.tar.gz.age' | sort | head -n "-$kept" | xargs --no-run-if-empty rm --
echo "saved: $file"
[[ -e $bucket ]] || exit 0
# The path ends in a slash: curl adds the file's name.
url="$(cat "$bucket/url")/"
curl --config "$bucket/curl.conf" --fail --silent --show-error --retry 3 --connect-timeout 20 --max-time 3600 \
    --header 'x-amz-content-sha256: UNSIGNED-PAYLOAD' --upload-file "$file" "$url" || {
    echo "The copy in the bucket, $url, is missing: see the line above, then 'systemctl start shambhala-nightly-backup'." >&2
    exit 1
}
# shambhala-metrics tells Prometheus when that was.
touch /var/lib/shambhala/backup-copied
echo "copied: $url$(basename "$file")"
