#!/usr/bin/env bash
# Encrypted backup: the output of backup.sh in /var/backups/shambhala, encrypted to the operators' SSH key. The last seven
# are kept.
set -euo pipefail
umask 077

kept=7
folder=/var/backups/shambhala
file="$folder/backup-$(date --utc +%Y-%m-%dT%H%M%SZ).tar.gz.age"
install -d -m 700 "$folder"
trap 'rm -f "$file.part"' EXIT
/usr/local/libexec/shambhala/backup |
    age --encrypt --recipients-file /etc/shambhala/backup-recipients --output "$file.part"
mv "$file.part" "$file"
# Their names end in the time: in the order of names, the oldest come first.
find "$folder" -name 'backup-*.tar.gz.age' | sort | head -n "-$kept" | xargs --no-run-if-empty rm --
echo "saved: $file"
