#!/usr/bin/env bash
# Root file system, grown to the size of its volume. Prints the size of the file system. Input: gigabytes (of the volume)

device=$(findmnt --noheadings --output SOURCE /)
# In a container the root file system lies on no device of its own.
if [[ -b $device ]]; then
    install_packages cloud-guest-utils
    partition=$(cat "/sys/class/block/$(basename "$device")/partition")
    disk=/dev/$(lsblk --noheadings --output PKNAME "$device" | head -n 1)
    status=0
    growpart "$disk" "$partition" >"$INPUTS/.growpart" 2>&1 || status=$?
    # 1: nothing to change (growpart(1)).
    ((status <= 1)) || {
        cat "$INPUTS/.growpart" >&2
        fail "the partition $device cannot be grown to the $(cat "$INPUTS/gigabytes") GB of its volume; see the lines below."
    }
    resize2fs "$device" >"$INPUTS/.resize2fs" 2>&1 || {
        cat "$INPUTS/.resize2fs" >&2
        fail "the file system on $device cannot be grown; see the lines below."
    }
fi
df --output=size --human-readable / | tail -n 1
