#!/bin/sh
# Restores the newest dump, or the one named, over what the database holds: restore.sh [FILE]
# Drone must be stopped meanwhile: kubectl --namespace delivery scale deployment drone --replicas=0
set -eu

refuse() {
    echo "Nothing was restored: $1" >&2
    exit 1
}

dumps="${DUMPS:-/dumps}"
PGPASSWORD="$(cat "${PASSWORD:-/etc/postgres/password}")"
export PGPASSWORD
from="${1:-$(find "$dumps" -maxdepth 1 -name '*.dump' | sort | tail -n 1)}"
test -n "$from" || refuse "there is no dump in $dumps."
test -f "$from" || refuse "there is no dump $from."
pg_restore --file=/dev/null "$from" || refuse "$from is not whole."
others="$(psql --no-psqlrc --tuples-only --no-align --command "SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()" "$PGUSER")" ||
    refuse "the database does not let this in."
test "$others" -eq 0 || refuse "Drone is still connected to the database; stop it first."
pg_restore --clean --if-exists --single-transaction --exit-on-error --dbname="$PGUSER" "$from" ||
    refuse "the database is as it was before."
echo "Restored $from."
