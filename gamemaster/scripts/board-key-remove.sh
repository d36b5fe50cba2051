#!/usr/bin/env bash
# Take a board's key away: nobody who has it writes in the zone from then on. Inputs as for board-key.sh.

(
    flock --timeout 60 9 || fail "another board's key is being installed for a minute already; run it again."
    rm -f "/etc/bind/boards/$(cat "$INPUTS/board").key"
    rndc reconfig >&2 || fail "bind9 still knows the key; read 'journalctl -u named' on the Instance."
) 9>/run/lock/shambhala-board-keys
