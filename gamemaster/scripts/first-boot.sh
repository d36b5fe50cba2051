#!/usr/bin/env bash
# Wait until cloud-init has done the first boot, so that nothing later meets a half-made machine; then
# take Debian's packages from where the operator says. Inputs: debian.sources, seconds (that the first boot may take)

ended=0
seconds=$(cat "$INPUTS/seconds")
timeout "$seconds" cloud-init status --wait >/dev/null || ended=$?
((ended != 124)) ||
    fail "the first boot has not ended after $seconds seconds; read 'cloud-init status --long' on the Instance, or raise \
gamemaster.bootTimeoutSeconds, then run 'pulumi up' again."
# Done, but not without a warning (https://docs.cloud-init.io/en/latest/explanation/return_codes.html).
((ended != 2)) || cloud-init status --long >&2 || ended=0
((ended == 0)) ||
    fail "the first boot did not end well; read 'cloud-init status --long' and /var/log/cloud-init.log on the Instance."
put_file debian.sources /etc/apt/sources.list.d/debian.sources 644 root:root
rm -f /etc/apt/sources.list
echo "booted"
