#!/bin/sh
# Program of the clue pod in a team's namespace: writes the clues of the hunt's steps to its log, among other lines.
# CLUES is a folder with the clues, one in each file, each written once in a round. A round takes ROUND seconds.
set -eu

# The first process of a container gets no signal that it does not ask for, and a shell asks between two commands only.
trap 'exit 0' TERM
rest() {
    sleep "$((${ROUND:-60} / 4))" &
    wait "$!"
}

while :; do
    echo "wind: from the north, nothing to report"
    rest
    echo "stones: three fell, none of them near"
    rest
    for line in "${CLUES:-/etc/clues}"/*; do
        cat "$line"
        echo
    done
    echo "river: at the height of a knee"
    rest
    echo "lantern: oil for another night"
    rest
done
