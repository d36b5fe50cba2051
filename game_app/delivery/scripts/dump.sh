#!/bin/sh
# Dumps the database into /dumps and keeps the last 48 dumps. A dump appears under its name only once it is whole.
set -eu

dumps="${DUMPS:-/dumps}"
PGPASSWORD="$(cat "${PASSWORD:-/etc/postgres/password}")"
export PGPASSWORD
made="$dumps/$(date -u +%Y-%m-%dT%H%M%SZ).dump"
trap 'rm -f "$made.part"' EXIT
pg_dump --format=custom --file="$made.part"
# Read to its end: the list of what is in it stands at its beginning.
pg_restore --file=/dev/null "$made.part"
mv "$made.part" "$made"
echo "Dumped to $made."
# The names are dates, so that their order is theirs.
find "$dumps" -maxdepth 1 -name '*.dump' | sort -r | tail -n +49 | while read -r old; do
    rm -f "$old"
done
