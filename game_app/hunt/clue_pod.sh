#!/bin/sh
# Program of the clue pod in a team's namespace: writes the clues of the hunt's steps to its log, among other lines.
# CLUES is a folder with the clues, one in each file, each written once in a round. A round takes ROUND seconds.
set -eu

pause="$((${ROUND:-60} / 4))"
while :; do
    echo "wind: from the north, nothing to report"
    sleep "$pause"
    echo "stones: three fell, none of them near"
    sleep "$pause"
    for line in "${CLUES:-/etc/clues}"/*; do
        cat "$line"
        echo
    done
    echo "river: at the height of a knee"
    sleep "$pause"
    echo "lantern: oil for another night"
    sleep "$pause"
done
