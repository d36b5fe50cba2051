#!/usr/bin/env bash
# K3s, pinned. Prints its version. Inputs: url, sha256, config.yaml, audit.yaml, k3s.service

sha256=$(cat "$INPUTS/sha256")
program="/usr/local/lib/shambhala/k3s/$sha256/k3s"
echo "$program" >"$INPUTS/program"
# What its node was ready with last, to go back to if it does not start as it is wanted.
proven=/var/lib/shambhala/k3s
install_packages curl ca-certificates
download "$(cat "$INPUTS/url")" "$sha256" "$program" || true

# Before anything is changed: it is the one that runs which saves.
if [[ $(readlink /usr/local/bin/k3s) != "$program" ]] && systemctl is-active --quiet k3s; then
    k3s etcd-snapshot save --name before-upgrade >&2 ||
        fail "the snapshot before the upgrade failed; nothing was changed."
    # Whatever is saved by hand, K3s keeps for ever. Without room for the next one, an upgrade is refused.
    k3s etcd-snapshot prune --name before-upgrade --snapshot-retention 3 >&2 ||
        tell "old snapshots (before-upgrade-*) could not be removed; see 'k3s etcd-snapshot list' on the Instance."
fi

# arrange: what lies in $INPUTS becomes the K3s of the next start.
arrange() {
    put_file config.yaml /etc/rancher/k3s/config.yaml 600 root:root k3s
    put_file audit.yaml /etc/rancher/k3s/audit.yaml 644 root:root k3s
    put_file k3s.service /etc/systemd/system/k3s.service 644 root:root k3s
    put_link "$(cat "$INPUTS/program")" /usr/local/bin/k3s k3s
    ! is_due k3s || systemctl daemon-reload
}

arrange
put_link k3s /usr/local/bin/kubectl
# On a new host after `make restore`: begin with what was saved.
saved=/var/lib/shambhala/restore/k3s-snapshot
if [[ -e $saved ]]; then
    systemctl stop k3s
    k3s server --cluster-reset "--cluster-reset-restore-path=$saved" >"$INPUTS/.reset" 2>&1 || {
        tail -n 15 "$INPUTS/.reset" >&2
        fail "K3s could not take up what was saved; see the lines below. The snapshot is still at $saved."
    }
    rm -f "$saved"
fi
systemctl is-enabled --quiet k3s || systemctl enable --quiet k3s
if is_due k3s || ! systemctl is-active --quiet k3s; then
    systemctl restart k3s || {
        journalctl --unit k3s --lines 15 --no-pager --output cat >&2
        [[ -e $proven/program ]] || fail "K3s does not start; see the lines below."
        cp "$proven"/* "$INPUTS"
        arrange
        systemctl restart k3s || fail "K3s does not start, nor does the one before it; see the lines below."
        not_due k3s
        fail "K3s does not start as it is wanted, see the lines below; the one before it runs again."
    }
    not_due k3s
fi
for _ in $(seq 180); do
    [[ -z $(k3s kubectl get nodes --output name 2>/dev/null) ]] || break
    sleep 1
done
k3s kubectl wait node --all --for=condition=Ready --timeout=180s >&2 ||
    fail "K3s runs, but its node does not get ready; read 'journalctl -u k3s' on the Instance."
for file in config.yaml audit.yaml k3s.service program; do
    put_file "$file" "$proven/$file" 600 root:root
done
k3s --version | head -n 1
