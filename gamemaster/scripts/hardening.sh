#!/usr/bin/env bash
# Hardening of the host: sshd, packet filter, security updates, journal, time synchronisation.
# Inputs: sshd.conf, firewall.nft, firewall.service, journald.conf, unattended-upgrades.conf

install_packages nftables unattended-upgrades systemd-timesyncd

# sshd takes the first value that it meets: the file comes before any other of sshd_config.d.
candidate=$(mktemp -d /etc/ssh/.candidate.XXXXXXXX)
TEMPORARY+=("$candidate")
cat "$INPUTS/sshd.conf" /etc/ssh/sshd_config >"$candidate/sshd_config"
sshd -t -f "$candidate/sshd_config" >&2 ||
    fail "sshd would not accept its configuration; the running configuration was left alone."
install_file sshd.conf /etc/ssh/sshd_config.d/10-shambhala.conf 644 root:root ssh
reload_if_pending ssh systemctl reload ssh.service
[[ $(passwd --status root) == "root L "* ]] || passwd --quiet --lock root

nft --check --file "$INPUTS/firewall.nft" >&2 ||
    fail "nftables would not accept its rules; the rules in force were left alone."
install_file firewall.service /etc/systemd/system/shambhala-firewall.service 644 root:root systemd
reload_if_pending systemd systemctl daemon-reload
install_file firewall.nft /etc/shambhala/firewall.nft 644 root:root shambhala-firewall
# Rules for single boards, which metrics-access writes.
install -d -m 755 /etc/shambhala/boards
reload_if_pending shambhala-firewall systemctl try-reload-or-restart shambhala-firewall.service
enable_and_start shambhala-firewall.service

install_file journald.conf /etc/systemd/journald.conf.d/shambhala.conf 644 root:root systemd-journald
# After a restart alone, the journal stays in memory until the next boot where the image had none on disk.
restart_journald() { systemctl restart systemd-journald.service && journalctl --flush; }
reload_if_pending systemd-journald restart_journald
install_file unattended-upgrades.conf /etc/apt/apt.conf.d/60shambhala-unattended-upgrades 644 root:root
enable_and_start systemd-timesyncd.service
echo "hardened"
