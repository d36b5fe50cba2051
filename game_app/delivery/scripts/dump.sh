#!/bin/sh
# Dumps the database into /dumps and keeps the last 48 dumps. A dump appears under its name only once it is whole.
set -eu

PGPASSWORD="$(cat /etc/postgres/password)"
export PGPASSWORD
made="/dumps/$(date -u +%Y-%m-%dT%H%M%SZ).dump"
trap 'rm -f "$made.part"' EXIT
pg_dump --format=custom --file="$made.part"
pg_restore --list "$made.part" >/dev/null
mv "$made.part" "$made"
echo "Dumped to $made."
# The names are dates, so that their order is theirs.
find /dumps -maxdepth 1 -name '*.dump' | sort -r | tail -n +49 | while read -r old; do
    rm -f "$old"
done
