#!/usr/bin/env bash
# Functions of all scripts, and their error handling; runs before each script. The inputs arrive as one JSON document on
# standard input, behind the scripts. Each input becomes a file in $INPUTS: in memory, readable by root only, removed
# when the script ends.
set -euo pipefail
umask 077
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
SCRIPT=$1
# Temporary folders besides $INPUTS.
TEMPORARY=()
# The caller reads descriptor 3. Standard error of programs waits in a file until the script has ended, so that an error
# begins with the script's own sentence.
exec 3>&2

# report MESSAGE: print one line of progress at once.
report() { printf '%s\n' "$1" >&3; }

# fail MESSAGE: end the script with one sentence an operator can act on; standard error of programs follows.
fail() {
    printf '%s: %s\n' "$SCRIPT" "$1" >&3
    : >"$INPUTS/.failed"
    exit 1
}

# on_exit STATUS COMMAND: print the end of standard error and remove the inputs, however the script ended.
on_exit() {
    # The connection may be gone, and the inputs have to be removed all the same.
    set +e
    trap '' PIPE
    (($1 == 0)) || [[ -e $INPUTS/.failed ]] ||
        report "$SCRIPT: the script broke off at '${2%%$'\n'*}' (status $1); mend what the lines below say, if there are \
any, then run 'pulumi up' again."
    tail -n 12 "$INPUTS/.stderr" | cut -c -300 >&3
    rm -rf "$INPUTS" "${TEMPORARY[@]}"
}

INPUTS=$(mktemp -d /run/shambhala.XXXXXXXX)
trap 'on_exit "$?" "$BASH_COMMAND"' EXIT
exec 2>"$INPUTS/.stderr"
python3 -c '
import json, pathlib, sys
for name, text in json.load(sys.stdin).items():
    pathlib.Path(sys.argv[1], name).write_text(text)
' "$INPUTS" 2>/dev/null || fail "the inputs did not arrive whole, and nothing was changed; run 'pulumi up' again."

# Seconds to wait for apt's and dpkg's locks, which another program, such as Debian's own daily upgrade, may hold.
APT_LOCK_TIMEOUT=300
# Seconds to wait for the other scripts, which install packages one after another.
APT_QUEUE_TIMEOUT=900

# configure_interrupted_packages: finish the packages that an interrupted script left half installed; apt refuses to
# install any other before that.
configure_interrupted_packages() {
    local configured=true unpacking
    dpkg --force-confold --configure -a >"$INPUTS/.apt" 2>&1 || configured=false
    # A package that was interrupted while dpkg unpacked it can only be unpacked again.
    mapfile -t unpacking < <(dpkg-query -W -f '${db:Status-Eflag} ${binary:Package}\n' | sed -n 's/^reinstreq //p')
    if ((${#unpacking[@]})); then apt_get install --reinstall "${unpacking[@]}"; else $configured; fi
}

# find_missing PACKAGE...: set $missing to those packages that are not installed.
find_missing() {
    local package
    missing=()
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done
}

# install_packages PACKAGE...: install missing packages from Debian; waits while another program holds apt's lock.
install_packages() {
    local missing all room deadline attempt
    find_missing "$@"
    ((${#missing[@]})) || return 0
    room=$(df --output=avail -BM / | tail -n 1 | tr -dc 0-9)
    ((room >= 500)) || fail "the disk is almost full ($room MB left); make room, or raise gamemaster.volumeSizeGb."
    exec 9>/run/lock/shambhala-apt
    flock --timeout "$APT_QUEUE_TIMEOUT" 9 ||
        fail "other scripts have installed packages for $APT_QUEUE_TIMEOUT seconds; see 'ps' on the Instance."
    # The first script installs the packages of all of them: one transaction takes less time than one for each script.
    mapfile -t all < <({ printf '%s\n' "$@"; cat /etc/shambhala/packages; } | sort -u)
    find_missing "${all[@]}"
    ((${#missing[@]})) || {
        exec 9>&-
        return 0
    }
    deadline=$((SECONDS + APT_LOCK_TIMEOUT))
    # apt waits for dpkg's lock by itself, but not for the lock of the package lists.
    until apt_get update; do
        apt_is_locked || {
            cat "$INPUTS/.apt" >&2
            fail "Debian's package list cannot be read; check sources.debian and the Instance's way out."
        }
        ((SECONDS < deadline)) || fail_apt_locked
        sleep 2
    done
    for attempt in 1 2; do
        ! apt_get install --no-install-recommends "${missing[@]}" || break
        ! apt_is_locked || fail_apt_locked
        if ((attempt == 2)) || ! grep -q 'dpkg was interrupted' "$INPUTS/.apt" || ! configure_interrupted_packages; then
            tail -n 20 "$INPUTS/.apt" >&2
            fail "Debian's packages ${missing[*]} cannot be installed; see the lines below, then run 'pulumi up' again."
        fi
    done
    exec 9>&-
}

# apt_get ARGUMENT...: apt-get with its output in $INPUTS/.apt.
apt_get() {
    apt-get -qq -o DPkg::Lock::Timeout="$((deadline > SECONDS ? deadline - SECONDS : 1))" -o Dpkg::Use-Pty=0 "$@" \
        >"$INPUTS/.apt" 2>&1
}

# apt_is_locked: whether apt was refused since another program holds a lock.
apt_is_locked() { grep -qE 'Could not get lock|Unable to acquire the dpkg frontend lock' "$INPUTS/.apt"; }

fail_apt_locked() {
    local holder
    holder=$(lslocks --noheadings --raw --output COMMAND,PID,PATH |
        awk '$3 ~ "^/var/lib/(dpkg|apt)/.*lock" { print $1 " (process " $2 ")"; exit }' || true)
    fail "${holder:-another program} has held the lock of Debian's packages for $APT_LOCK_TIMEOUT seconds; run 'pulumi up' \
again once that program has ended."
}

# Marks, by script, of units that have not read a changed file yet: the next run makes up for a run that was interrupted
# or in which a reload failed. In memory, since every unit reads its files when the machine starts.
PENDING_RELOADS=/run/shambhala-pending-reloads

# install_file INPUT TARGET MODE OWNER [UNIT]: write a file only if it differs; the unit then has a pending reload.
install_file() {
    if [[ $(stat -c '%a %U:%G' "$2" 2>/dev/null) == "$3 $4" ]] && cmp -s "$INPUTS/$1" "$2"; then
        return 0
    fi
    [[ -z ${5:-} ]] || mark_pending "$5"
    # An existing folder keeps its mode: bind9 writes beside its zones.
    [[ -d $(dirname "$2") ]] || install -d -m 755 "$(dirname "$2")"
    install -m "$3" -o "${4%%:*}" -g "${4##*:}" "$INPUTS/$1" "$2.new" ||
        fail "$2 cannot be written; is the disk full? The file that was there is as it was."
    mv -f "$2.new" "$2"
}

# install_link TARGET LINK [UNIT]: the same for a symbolic link.
install_link() {
    [[ $(readlink "$2") != "$1" ]] || return 0
    [[ -z ${3:-} ]] || mark_pending "$3"
    ln -sfn "$1" "$2.new"
    mv -fT "$2.new" "$2"
}

# mark_pending UNIT: note that a unit has to reload, before any file is written, so that an interruption leaves a mark.
mark_pending() {
    install -d "$PENDING_RELOADS"
    : >"$PENDING_RELOADS/$SCRIPT.$1"
}

is_pending() { [[ -e $PENDING_RELOADS/$SCRIPT.$1 ]]; }

# clear_pending UNIT: note that a unit has read all of its files.
clear_pending() { rm -f "$PENDING_RELOADS/$SCRIPT.$1"; }

# reload_if_pending UNIT COMMAND...: run the command that reloads a unit, if a reload is pending.
reload_if_pending() {
    is_pending "$1" || return 0
    "${@:2}" >&2 || fail "$1 does not load its new configuration; read 'journalctl -u $1' on the Instance."
    clear_pending "$1"
}

# enable_and_start UNIT: start a unit now and at every boot; does nothing if the unit is enabled and active.
enable_and_start() {
    systemctl is-enabled --quiet "$1" || systemctl enable --quiet "$1"
    systemctl is-active --quiet "$1" || systemctl start "$1" ||
        fail "$1 does not start; read 'journalctl -u $1' on the Instance."
}

# download URL SHA256 TARGET: fetch a file unless the right one is there; true if the file was fetched.
download() {
    if [[ -f $3 ]] && echo "$2  $3" | sha256sum --check --status; then
        return 1
    fi
    install -d -m 755 "$(dirname "$3")"
    local status=0
    curl --fail --silent --show-error --location --retry 3 --connect-timeout 20 --output "$3.part" "$1" || status=$?
    if ((status)); then
        rm -f "$3.part"
        # curl(1): "Write error. Curl could not write data to a local filesystem".
        ((status != 23)) || fail "$1 cannot be written to $3; is the disk full? The installed version still runs."
        fail "$1 cannot be downloaded; check the setting under sources. The installed version still runs."
    fi
    echo "$2  $3.part" | sha256sum --check --status || {
        local found
        found=$(sha256sum "$3.part" | cut -d ' ' -f 1)
        rm -f "$3.part"
        fail "$1 has the SHA-256 $found and not the pinned $2; nothing was installed from there."
    }
    chmod 755 "$3.part"
    mv -f "$3.part" "$3"
}

# fail_update_refused ZONE CHANGE: end a script whose dynamic update bind9 refused.
fail_update_refused() {
    ! rndc zonestatus "$1" 2>/dev/null | grep -qx 'frozen: yes' ||
        fail "bind9 refused $2, since $1 is frozen, as 'rndc freeze' does it; run 'rndc thaw $1' on the Instance, then \
'pulumi up' again."
    fail "bind9 refused $2; read 'journalctl -u named' on the Instance."
}
