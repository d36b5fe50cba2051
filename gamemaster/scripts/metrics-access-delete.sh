#!/usr/bin/env bash
# A board's private network may not reach the exporter any more. Input: board

file="/etc/shambhala/boards/$(cat "$INPUTS/board").nft"
if [[ -e $file ]]; then
    mark_pending shambhala-firewall
    rm -f "$file"
fi
reload_if_pending shambhala-firewall systemctl try-reload-or-restart shambhala-firewall.service
