#!/usr/bin/env bash
# Nightly backup by a systemd timer, encrypted to the operators' SSH key, with a copy in a bucket.
# Inputs: recipients (SSH public keys, a line each), backup (program), encrypted-backup (program),
# nightly-backup.service, nightly-backup.timer, bucket-url (of the bucket's folder; empty without a bucket),
# bucket-credentials (for curl)

install_packages age curl ca-certificates
install_file recipients /etc/shambhala/backup-recipients 644 root:root
if [[ -s $INPUTS/bucket-url ]]; then
    install_file bucket-credentials /etc/shambhala/backup-bucket/curl.conf 600 root:root
    install_file bucket-url /etc/shambhala/backup-bucket/url 600 root:root
else
    rm -rf /etc/shambhala/backup-bucket
fi
install_file backup /usr/local/libexec/shambhala/backup 755 root:root
install_file encrypted-backup /usr/local/libexec/shambhala/encrypted-backup 755 root:root
unit=shambhala-nightly-backup
install_file nightly-backup.service "/etc/systemd/system/$unit.service" 644 root:root systemd
install_file nightly-backup.timer "/etc/systemd/system/$unit.timer" 644 root:root systemd
reload_if_pending systemd systemctl daemon-reload
enable_and_start "$unit.timer"
echo "scheduled"
