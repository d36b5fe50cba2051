#!/usr/bin/env bash
# Nightly backup by a systemd timer, encrypted to the operators' SSH key.
# Inputs: recipients (SSH public keys, a line each), backup (program), encrypted-backup (program),
# nightly-backup.service, nightly-backup.timer

install_packages age
install_file recipients /etc/shambhala/backup-recipients 644 root:root
install_file backup /usr/local/libexec/shambhala/backup 755 root:root
install_file encrypted-backup /usr/local/libexec/shambhala/encrypted-backup 755 root:root
unit=shambhala-nightly-backup
install_file nightly-backup.service "/etc/systemd/system/$unit.service" 644 root:root systemd
install_file nightly-backup.timer "/etc/systemd/system/$unit.timer" 644 root:root systemd
reload_if_pending systemd systemctl daemon-reload
enable_and_start "$unit.timer"
echo "scheduled"
