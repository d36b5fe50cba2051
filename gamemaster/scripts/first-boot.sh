#!/usr/bin/env bash
# First boot: waits until cloud-init has ended, so that no other script meets a half-made machine, then sets the Debian
# mirror. Inputs: debian.sources, packages (of all scripts, one a line), seconds (limit for the first boot)

status=0
seconds=$(cat "$INPUTS/seconds")
timeout "$seconds" cloud-init status --wait >/dev/null || status=$?
((status != 124)) ||
    fail "the first boot has not ended after $seconds seconds; read 'cloud-init status --long' on the Instance, or raise \
gamemaster.bootTimeoutSeconds, then run 'pulumi up' again."
# 2: done, but with warnings (https://docs.cloud-init.io/en/latest/explanation/return_codes.html).
((status != 2)) || cloud-init status --long >&2 || status=0
((status == 0)) ||
    fail "the first boot did not end well; read 'cloud-init status --long' and /var/log/cloud-init.log on the Instance."
install_file debian.sources /etc/apt/sources.list.d/debian.sources 644 root:root
rm -f /etc/apt/sources.list
install_file packages /etc/shambhala/packages 644 root:root
echo "booted"
