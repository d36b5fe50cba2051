#!/usr/bin/env bash
# What every role shares, run before it. The inputs arrive as one JSON document on standard input, behind the scripts;
# each becomes a file in $INPUTS, in memory and readable by root only, gone when the script ends.
set -euo pipefail
umask 077
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
ROLE=$1
CANDIDATES=()
# Where the caller reads along. What programs print on standard error waits in a file until the role has ended, so that
# an error begins with the role's own sentence.
exec 3>&2

# tell WHAT: one line of progress, at once.
tell() { printf '%s\n' "$1" >&3; }

# fail WHAT: end the role with one sentence an operator can act on; what programs said follows it.
fail() {
    printf '%s: %s\n' "$ROLE" "$1" >&3
    : >"$INPUTS/.failed"
    exit 1
}

# ended STATUS COMMAND: the end of every role, whatever ended it.
ended() {
    # Whoever called may be gone, and the inputs have to go all the same.
    set +e
    trap '' PIPE
    (($1 == 0)) || [[ -e $INPUTS/.failed ]] ||
        tell "$ROLE: the step broke off at '${2%%$'\n'*}' (status $1); mend what the lines below say, if there are \
any, then run 'pulumi up' again."
    tail -n 12 "$INPUTS/.said" | cut -c -300 >&3
    rm -rf "$INPUTS" "${CANDIDATES[@]}"
}

INPUTS=$(mktemp -d /run/shambhala.XXXXXXXX)
trap 'ended "$?" "$BASH_COMMAND"' EXIT
exec 2>"$INPUTS/.said"
python3 -c '
import json, pathlib, sys
for name, text in json.load(sys.stdin).items():
    pathlib.Path(sys.argv[1], name).write_text(text)
' "$INPUTS" 2>/dev/null || fail "its inputs did not arrive whole, and nothing was changed; run 'pulumi up' again."

# Seconds to wait while another program, such as Debian's own daily upgrade, holds apt.
APT_PATIENCE=300
# Roles install at the same time, one after another.
APT_QUEUE=900

# finish_packages: what a role that was cut left half installed; apt refuses all others until then.
finish_packages() {
    local finished=true cut
    dpkg --force-confold --configure -a >"$INPUTS/.apt" 2>&1 || finished=false
    # One that was cut while it was unpacked can only be unpacked again.
    mapfile -t cut < <(dpkg-query -W -f '${db:Status-Eflag} ${binary:Package}\n' | sed -n 's/^reinstreq //p')
    if ((${#cut[@]})); then apt_get install --reinstall "${cut[@]}"; else $finished; fi
}

# install_packages PACKAGE...: from Debian, only what is missing; waits while somebody else holds apt.
install_packages() {
    local missing=() room deadline attempt
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    room=$(df --output=avail -BM / | tail -n 1 | tr -dc 0-9)
    ((room >= 500)) || fail "the disk is almost full ($room MB left); make room, or raise gamemaster.volumeSizeGb."
    exec 9>/run/lock/shambhala-apt
    flock --timeout "$APT_QUEUE" 9 ||
        fail "the other roles have installed packages for $APT_QUEUE seconds; see 'ps' on the Instance."
    deadline=$((SECONDS + APT_PATIENCE))
    # apt waits for dpkg's lock by itself, but not for the one on its lists.
    until apt_get update; do
        apt_is_held || {
            cat "$INPUTS/.apt" >&2
            fail "Debian's package list cannot be read; check sources.debian and the Instance's way out."
        }
        ((SECONDS < deadline)) || fail_held
        sleep 2
    done
    for attempt in 1 2; do
        ! apt_get install --no-install-recommends "${missing[@]}" || break
        ! apt_is_held || fail_held
        if ((attempt == 2)) || ! grep -q 'dpkg was interrupted' "$INPUTS/.apt" || ! finish_packages; then
            tail -n 20 "$INPUTS/.apt" >&2
            fail "Debian's packages ${missing[*]} cannot be installed; see the lines below, then run 'pulumi up' again."
        fi
    done
    exec 9>&-
}

# apt_get ARGUMENT...: what it says goes to $INPUTS/.apt.
apt_get() {
    apt-get -qq -o DPkg::Lock::Timeout="$((deadline > SECONDS ? deadline - SECONDS : 1))" -o Dpkg::Use-Pty=0 "$@" \
        >"$INPUTS/.apt" 2>&1
}

# apt_is_held: whether apt was refused since another program holds its lock.
apt_is_held() { grep -qE 'Could not get lock|Unable to acquire the dpkg frontend lock' "$INPUTS/.apt"; }

fail_held() {
    local holder
    holder=$(lslocks --noheadings --raw --output COMMAND,PID,PATH |
        awk '$3 ~ "^/var/lib/(dpkg|apt)/.*lock" { print $1 " (process " $2 ")"; exit }' || true)
    fail "${holder:-another program} has held Debian's packages for $APT_PATIENCE seconds; run 'pulumi up' again once it \
is done."
}

# Marks, by role, of what a unit has not taken over yet: the next run makes up for one that was cut, or in which a reload
# failed. In memory, for a machine that starts reads everything anew.
DUE=/run/shambhala-due

# put_file INPUT TARGET MODE OWNER [UNIT]: write a file only if it differs; the unit that reads it is then due.
put_file() {
    if [[ $(stat -c '%a %U:%G' "$2" 2>/dev/null) == "$3 $4" ]] && cmp -s "$INPUTS/$1" "$2"; then
        return 0
    fi
    [[ -z ${5:-} ]] || make_due "$5"
    # One that is there keeps its mode: bind9 writes beside its zones.
    [[ -d $(dirname "$2") ]] || install -d -m 755 "$(dirname "$2")"
    install -m "$3" -o "${4%%:*}" -g "${4##*:}" "$INPUTS/$1" "$2.new" ||
        fail "$2 cannot be written; is the disk full? The file that was there is as it was."
    mv -f "$2.new" "$2"
}

# put_link TARGET LINK [UNIT]: the same for a symbolic link.
put_link() {
    [[ $(readlink "$2") != "$1" ]] || return 0
    [[ -z ${3:-} ]] || make_due "$3"
    ln -sfn "$1" "$2.new"
    mv -fT "$2.new" "$2"
}

# make_due UNIT: it has something to take over. Said before anything is written, or a cut would leave no trace.
make_due() {
    install -d "$DUE"
    : >"$DUE/$ROLE.$1"
}

is_due() { [[ -e $DUE/$ROLE.$1 ]]; }

# not_due UNIT: it has taken everything over.
not_due() { rm -f "$DUE/$ROLE.$1"; }

# take_over UNIT COMMAND...: let a unit that is due take everything over.
take_over() {
    is_due "$1" || return 0
    "${@:2}" >&2 || fail "$1 does not take its new configuration; read 'journalctl -u $1' on the Instance."
    not_due "$1"
}

# start_unit UNIT: now, and at every boot; nothing happens if that is so already.
start_unit() {
    systemctl is-enabled --quiet "$1" || systemctl enable --quiet "$1"
    systemctl is-active --quiet "$1" || systemctl start "$1" ||
        fail "$1 does not start; read 'journalctl -u $1' on the Instance."
}

# download URL SHA256 TARGET: fetch a file unless the right one is there; true when it was fetched.
download() {
    if [[ -f $3 ]] && echo "$2  $3" | sha256sum --check --status; then
        return 1
    fi
    install -d -m 755 "$(dirname "$3")"
    local ended=0
    curl --fail --silent --show-error --location --retry 3 --connect-timeout 20 --output "$3.part" "$1" || ended=$?
    if ((ended)); then
        rm -f "$3.part"
        # curl(1): "Write error. Curl could not write data to a local filesystem".
        ((ended != 23)) || fail "$1 cannot be written to $3; is the disk full? What was installed before still runs."
        fail "$1 cannot be downloaded; check the setting under sources. What was installed before still runs."
    fi
    echo "$2  $3.part" | sha256sum --check --status || {
        local found
        found=$(sha256sum "$3.part" | cut -d ' ' -f 1)
        rm -f "$3.part"
        fail "$1 has the SHA-256 $found and not $2, which is pinned; nothing was installed from it."
    }
    chmod 755 "$3.part"
    mv -f "$3.part" "$3"
}

# refused ZONE WHAT: end a role whose change of the zone bind9 did not take.
refused() {
    ! rndc zonestatus "$1" 2>/dev/null | grep -qx 'frozen: yes' ||
        fail "bind9 refused $2, since $1 is frozen, as 'rndc freeze' does it; run 'rndc thaw $1' on the Instance, then \
'pulumi up' again."
    fail "bind9 refused $2; read 'journalctl -u named' on the Instance."
}
