#!/usr/bin/env bash
# Wait until cloud-init has done the first boot, so that nothing later meets a half-made machine.
# shellcheck source=common.sh
# shellcheck disable=SC2034
ROLE=first-boot

timeout 300 cloud-init status --wait >/dev/null ||
    fail "the first boot did not end well; read 'cloud-init status --long' and /var/log/cloud-init.log on the Instance."
echo "booted"
