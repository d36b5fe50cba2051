#!/bin/sh
# Process 1 of an Instance. Docker mounts the container's own control groups read-only unless the container
# is privileged (https://github.com/moby/moby/issues/46763), and systemd must write there. On a host that has
# version 1 beside version 2, systemd mounts version 2 itself and keeps its names in version 1.
set -eu
hierarchy=/sys/fs/cgroup
if [ "$(stat --file-system --format=%T "$hierarchy")" != cgroup2fs ]; then
    hierarchy=$hierarchy/systemd
fi
if [ -d "$hierarchy" ]; then
    mount -o remount,bind,rw,nosuid,nodev,noexec "$hierarchy"
fi
exec /sbin/init
