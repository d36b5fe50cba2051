#!/usr/bin/env bash
# The host itself: who may enter, what is kept up to date, how much it remembers, what time it is.
# Inputs: sshd.conf, firewall.nft, firewall.service, journald.conf, upgrades.conf

install_packages nftables unattended-upgrades systemd-timesyncd

# Before any other file of that folder: sshd takes the first value that it meets.
candidate=$(mktemp -d /etc/ssh/.candidate.XXXXXXXX)
CANDIDATES+=("$candidate")
cat "$INPUTS/sshd.conf" /etc/ssh/sshd_config >"$candidate/sshd_config"
sshd -t -f "$candidate/sshd_config" >&2 || fail "sshd would not accept its configuration; the one that runs was left alone."
put_file sshd.conf /etc/ssh/sshd_config.d/10-shambhala.conf 644 root:root ssh
take_over ssh systemctl reload ssh.service
[[ $(passwd --status root) == "root L "* ]] || passwd --quiet --lock root

nft --check --file "$INPUTS/firewall.nft" >&2 ||
    fail "nftables would not accept its rules; those in force were left alone."
put_file firewall.service /etc/systemd/system/shambhala-firewall.service 644 root:root systemd
take_over systemd systemctl daemon-reload
put_file firewall.nft /etc/shambhala/firewall.nft 644 root:root shambhala-firewall
take_over shambhala-firewall systemctl try-reload-or-restart shambhala-firewall.service
start_unit shambhala-firewall.service

put_file journald.conf /etc/systemd/journald.conf.d/shambhala.conf 644 root:root systemd-journald
# Restarted alone, it stays in memory until the next boot where the image came without a journal on its disk.
keep_journal() { systemctl restart systemd-journald.service && journalctl --flush; }
take_over systemd-journald keep_journal
put_file upgrades.conf /etc/apt/apt.conf.d/60shambhala-upgrades 644 root:root
start_unit systemd-timesyncd.service
echo "hardened"
