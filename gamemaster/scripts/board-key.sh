#!/usr/bin/env bash
# The key with which one board writes the proofs of its names. Prints the key's name.
# Inputs: board (its name), name (of the key), board.key (bind9's clause for it)

# Checked by itself first: whatever else bind9 reads was accepted before.
named-checkconf "$INPUTS/board.key" >&2 || fail "bind9 would not accept the key; what it reads was left alone."
file="/etc/bind/boards/$(cat "$INPUTS/board").key"
(
    # Boards come side by side, and each has bind9 read everything again.
    flock --timeout 60 9 || fail "another board's key is being installed for a minute already; run 'pulumi up' again."
    put_file board.key "$file" 640 root:bind named
    named-checkconf >&2 || {
        rm -f "$file"
        fail "bind9 would not accept its configuration with this key, which was taken out again."
    }
    take_over named rndc reconfig
) 9>/run/lock/shambhala-board-keys
cat "$INPUTS/name"
