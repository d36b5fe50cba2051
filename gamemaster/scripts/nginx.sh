#!/usr/bin/env bash
# nginx, the only program of this host that the web reaches. Input: nginx.conf

if ! dpkg-query -W nginx-light >/dev/null 2>&1; then
    # Masked while it is installed: Debian's package starts nginx with a default page, which nobody is to see.
    ln -sf /dev/null /run/systemd/system/nginx.service
    systemctl daemon-reload
fi
install_packages nginx-light
if [[ -L /run/systemd/system/nginx.service ]]; then
    rm -f /run/systemd/system/nginx.service
    systemctl daemon-reload
fi

nginx -t -q -c "$INPUTS/nginx.conf" >&2 ||
    fail "nginx would not accept its configuration; the running configuration was left alone."
install_file nginx.conf /etc/nginx/nginx.conf 644 root:root nginx
# try-: an nginx that does not run reads the file when it starts.
reload_if_pending nginx systemctl try-reload-or-restart nginx.service
enable_and_start nginx.service
# Certificates that nginx serves no more, as of a zone that the settings no longer name: their renewals could only fail.
for renewal in /etc/letsencrypt/renewal/*.conf; do
    lineage=$(basename "$renewal" .conf)
    [[ ! -e $renewal ]] || grep -qF "/live/$lineage/" "$INPUTS/nginx.conf" ||
        certbot delete --non-interactive --cert-name "$lineage" >&2
done
echo "serving"
