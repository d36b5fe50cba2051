#!/usr/bin/env bash
# TSIG key with which one board updates the TXT records of its ACME challenges. Prints the key's name.
# Inputs: board (its name), name (of the key), tsig.key (bind9's key clause)

# The clause is checked alone first: bind9 has accepted all of its other configuration before.
named-checkconf "$INPUTS/tsig.key" >&2 || fail "bind9 would not accept the key; the configuration was left alone."
file="/etc/bind/boards/$(cat "$INPUTS/board").key"
(
    # Scripts of several boards run at the same time, and each makes bind9 read all keys again.
    flock --timeout 60 9 || fail "another board's key has been installed for a minute; run 'pulumi up' again."
    install_file tsig.key "$file" 640 root:bind named
    named-checkconf >&2 || {
        rm -f "$file"
        fail "bind9 would not accept its configuration with this key, which was taken out again."
    }
    reload_if_pending named rndc reconfig
) 9>/run/lock/shambhala-tsig-keys
cat "$INPUTS/name"
