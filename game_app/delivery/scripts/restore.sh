#!/bin/sh
# Restores the newest dump, or the one named, over what the database holds: restore.sh [FILE]
# Drone must be stopped meanwhile: kubectl --namespace delivery scale deployment drone --replicas=0
set -eu

PGPASSWORD="$(cat /etc/postgres/password)"
export PGPASSWORD
from="${1:-$(find /dumps -maxdepth 1 -name '*.dump' | sort | tail -n 1)}"
if [ -z "$from" ] || ! pg_restore --list "$from" >/dev/null; then
    echo "There is no whole dump to restore in /dumps." >&2
    exit 1
fi
pg_restore --clean --if-exists --single-transaction --exit-on-error --dbname="${PGUSER:-drone}" "$from"
echo "Restored $from."
