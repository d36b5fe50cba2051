#!/usr/bin/env bash
# K3s, pinned. Prints its version. Inputs: url, sha256, config.yaml, audit.yaml, k3s.service
# shellcheck source=common.sh
# shellcheck disable=SC2034
ROLE=k3s

sha256=$(cat "$INPUTS/sha256")
program="/usr/local/lib/shambhala/k3s/$sha256/k3s"
install_packages curl ca-certificates
download "$(cat "$INPUTS/url")" "$sha256" "$program" || true

# What runs now, to go back to if the new one does not start.
before=$(readlink /usr/local/bin/k3s || true)
for file in config.yaml audit.yaml; do
    [[ ! -e /etc/rancher/k3s/$file ]] || cp "/etc/rancher/k3s/$file" "$INPUTS/$file.before"
done
changed=false
put_file config.yaml /etc/rancher/k3s/config.yaml 600 root:root && changed=true
put_file audit.yaml /etc/rancher/k3s/audit.yaml 644 root:root && changed=true
if put_file k3s.service /etc/systemd/system/k3s.service 644 root:root; then
    systemctl daemon-reload
    changed=true
fi
if [[ $before != "$program" ]]; then
    if systemctl is-active --quiet k3s; then
        k3s etcd-snapshot save --name before-upgrade >&2 || fail "the snapshot before the upgrade failed; nothing was upgraded."
    fi
    ln -sfn "$program" /usr/local/bin/k3s.new
    mv -T /usr/local/bin/k3s.new /usr/local/bin/k3s
    ln -sfn k3s /usr/local/bin/kubectl
    changed=true
fi
# On a new host after `python -m gamemaster.backup restore`: begin with what was saved.
saved=/var/lib/shambhala/restore/k3s-snapshot
if [[ -e $saved ]]; then
    systemctl stop k3s
    k3s server --cluster-reset "--cluster-reset-restore-path=$saved" >"$INPUTS/.reset" 2>&1 || {
        tail -n 15 "$INPUTS/.reset" >&2
        fail "K3s could not take up what was saved; see the lines above. The snapshot is still at $saved."
    }
    rm -f "$saved"
fi
systemctl is-enabled --quiet k3s || systemctl enable --quiet k3s
if $changed || ! systemctl is-active --quiet k3s; then
    systemctl restart k3s || {
        journalctl --unit k3s --lines 15 --no-pager --output cat >&2
        if [[ -n $before && -e $INPUTS/config.yaml.before ]]; then
            ln -sfn "$before" /usr/local/bin/k3s
            put_file config.yaml.before /etc/rancher/k3s/config.yaml 600 root:root || true
            put_file audit.yaml.before /etc/rancher/k3s/audit.yaml 644 root:root || true
            systemctl restart k3s || fail "K3s does not start, nor does the one before it; see the lines above."
            fail "K3s does not start as it is wanted, see the lines above; the one before it runs again."
        fi
        fail "K3s does not start; see the lines above."
    }
fi
for _ in $(seq 180); do
    [[ -z $(k3s kubectl get nodes --output name 2>/dev/null) ]] || break
    sleep 1
done
k3s kubectl wait node --all --for=condition=Ready --timeout=180s >&2 ||
    fail "K3s runs, but its node does not get ready; read 'journalctl -u k3s' on the Instance."
k3s --version | head -n 1
