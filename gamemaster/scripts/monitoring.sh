#!/usr/bin/env bash
# Monitoring: Debian's prometheus-node-exporter, and the game master's own numbers, written by a timer.
# Inputs: metrics.sh (program), metrics.service, metrics.timer, node-exporter.conf (drop-in of the exporter's unit),
# rancher-url (where Rancher answers; empty without Rancher)

install_packages prometheus-node-exporter curl openssl bind9-dnsutils
unit=shambhala-metrics
install_file rancher-url /etc/shambhala/rancher-url 644 root:root
install_file metrics.sh /usr/local/libexec/shambhala/metrics 755 root:root
install_file metrics.service "/etc/systemd/system/$unit.service" 644 root:root systemd
install_file metrics.timer "/etc/systemd/system/$unit.timer" 644 root:root systemd
exporter=prometheus-node-exporter
install_file node-exporter.conf "/etc/systemd/system/$exporter.service.d/shambhala.conf" 644 root:root "$exporter"
! is_pending "$exporter" || mark_pending systemd
reload_if_pending systemd systemctl daemon-reload
reload_if_pending "$exporter" systemctl try-reload-or-restart "$exporter.service"
enable_and_start "$exporter.service"
enable_and_start "$unit.timer"
systemctl start "$unit.service" || fail "the numbers cannot be written; read 'journalctl -u $unit' on the Instance."
for _ in $(seq 50); do
    ! curl --fail --silent --max-time 5 http://127.0.0.1:9100/metrics | grep -q '^gamemaster_' || {
        echo "answers"
        exit 0
    }
    sleep 0.2
done
fail "$exporter does not answer with the numbers; read 'journalctl -u $exporter' on the Instance."
