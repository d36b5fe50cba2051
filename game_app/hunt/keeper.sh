#!/bin/sh
# Stands in a team's namespace and says what a team is to find among what it is not: KEEPER is a folder with the lines
# that it says once in a round, one in each file. A round takes ROUND seconds.
set -eu

pause="$((${ROUND:-60} / 4))"
while :; do
    echo "wind: from the north, nothing to report"
    sleep "$pause"
    echo "stones: three fell, none of them near"
    sleep "$pause"
    for line in "${KEEPER:-/etc/keeper}"/*; do
        cat "$line"
        echo
    done
    echo "river: at the height of a knee"
    sleep "$pause"
    echo "lantern: oil for another night"
    sleep "$pause"
done
