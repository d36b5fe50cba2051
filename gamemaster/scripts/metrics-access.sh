#!/usr/bin/env bash
# A board's private network may reach the exporter of metrics. Inputs: board, board.nft (an element of a set of nft)

board=$(cat "$INPUTS/board")
install_file board.nft "/etc/shambhala/boards/$board.nft" 644 root:root shambhala-firewall
# try-: a packet filter that is not in force yet reads the file when it starts.
reload_if_pending shambhala-firewall systemctl try-reload-or-restart shambhala-firewall.service
echo "allowed"
