#!/usr/bin/env bash
# K3s, pinned. Prints its version. Inputs: url, sha256, config.yaml, audit.yaml, k3s.service

sha256=$(cat "$INPUTS/sha256")
program="/usr/local/lib/shambhala/k3s/$sha256/k3s"
echo "$program" >"$INPUTS/program"
# Files of the last K3s whose node was ready, to go back to where a new one does not start.
last_good=/var/lib/shambhala/k3s
install_packages curl ca-certificates
download "$(cat "$INPUTS/url")" "$sha256" "$program" || true

# Before anything is changed, since the running K3s takes the snapshot.
if [[ $(readlink /usr/local/bin/k3s) != "$program" ]] && systemctl is-active --quiet k3s; then
    k3s etcd-snapshot save --name before-upgrade >&2 ||
        fail "the snapshot before the upgrade failed; nothing was changed."
    # K3s keeps on-demand snapshots for ever, and without room for the next one an upgrade is refused.
    k3s etcd-snapshot prune --name before-upgrade --snapshot-retention 3 >&2 ||
        report "old snapshots (before-upgrade-*) could not be removed; see 'k3s etcd-snapshot list' on the Instance."
fi

# install_k3s: install the files in $INPUTS for the next start of K3s.
install_k3s() {
    install_file config.yaml /etc/rancher/k3s/config.yaml 600 root:root k3s
    install_file audit.yaml /etc/rancher/k3s/audit.yaml 644 root:root k3s
    install_file k3s.service /etc/systemd/system/k3s.service 644 root:root k3s
    install_link "$(cat "$INPUTS/program")" /usr/local/bin/k3s k3s
    ! is_pending k3s || systemctl daemon-reload
}

install_k3s
install_link k3s /usr/local/bin/kubectl
# On a new host after `make restore`: start with the snapshot from the backup.
snapshot=/var/lib/shambhala/restore/k3s-snapshot
if [[ -e $snapshot ]]; then
    systemctl stop k3s
    k3s server --cluster-reset "--cluster-reset-restore-path=$snapshot" >"$INPUTS/.reset" 2>&1 || {
        tail -n 15 "$INPUTS/.reset" >&2
        fail "K3s could not restore the backup; see the lines below. The snapshot is still at $snapshot."
    }
    rm -f "$snapshot"
fi
systemctl is-enabled --quiet k3s || systemctl enable --quiet k3s
if is_pending k3s || ! systemctl is-active --quiet k3s; then
    systemctl restart k3s || {
        journalctl --unit k3s --lines 15 --no-pager --output cat >&2
        [[ -e $last_good/program ]] || fail "K3s does not start; see the lines below."
        cp "$last_good"/* "$INPUTS"
        install_k3s
        systemctl restart k3s || fail "K3s does not start, nor does the one before it; see the lines below."
        clear_pending k3s
        fail "K3s does not start as it is wanted, see the lines below; the one before it runs again."
    }
    clear_pending k3s
fi
for _ in $(seq 180); do
    [[ -z $(k3s kubectl get nodes --output name 2>/dev/null) ]] || break
    sleep 1
done
k3s kubectl wait node --all --for=condition=Ready --timeout=180s >&2 ||
    fail "K3s runs, but its node does not get ready; read 'journalctl -u k3s' on the Instance."
for file in config.yaml audit.yaml k3s.service program; do
    install_file "$file" "$last_good/$file" 600 root:root
done
k3s --version | head -n 1
