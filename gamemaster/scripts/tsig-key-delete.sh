#!/usr/bin/env bash
# Deletes a board's TSIG key: bind9 refuses updates with the key from then on. Inputs as for tsig-key.sh.

(
    flock --timeout 60 9 || fail "another board's key has been installed for a minute; run 'pulumi up' again."
    rm -f "/etc/bind/boards/$(cat "$INPUTS/board").key"
    rndc reconfig >&2 || fail "bind9 still knows the key; read 'journalctl -u named' on the Instance."
) 9>/run/lock/shambhala-tsig-keys
