#!/bin/bash
# What PostgreSQL's own image does at its start, as far as the game asks for it: POSTGRES_USER, POSTGRES_PASSWORD_FILE,
# PGDATA. With a command, that runs instead.
set -euo pipefail

if (($# > 0)); then
  exec "$@"
fi
if [[ ! -s $PGDATA/PG_VERSION ]]; then
  mkdir --parents "$PGDATA"
  initdb --username="$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" --auth-local=trust --auth-host=scram-sha-256
  echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
fi
exec postgres -c listen_addresses='*'
