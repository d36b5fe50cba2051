#!/bin/bash
# Starts the plugin after which the symbolic link to this script is named (pulumi-resource-command).
# Beside the link lies a file `interpreter` with the path of the Python that has the requirements.
set -euo pipefail

name=$(basename "$0")
interpreter=$(<"$(dirname "$0")/interpreter")
checkout=$(realpath "$(dirname "$(realpath "$0")")/../..")

# -P: the program's folder, in which the engine starts plugins, must not be searched for modules.
export PYTHONPATH="$checkout"
exec "$interpreter" -P -m "rehearsal.plugins.${name#pulumi-resource-}" "$@"
