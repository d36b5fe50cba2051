#!/usr/bin/env bash
# nginx, the only program that the web reaches. Input: nginx.conf

if ! dpkg-query -W nginx-light >/dev/null 2>&1; then
    # Debian starts it with a page of its own, which nobody is to see.
    ln -sf /dev/null /run/systemd/system/nginx.service
    systemctl daemon-reload
fi
install_packages nginx-light
if [[ -L /run/systemd/system/nginx.service ]]; then
    rm -f /run/systemd/system/nginx.service
    systemctl daemon-reload
fi

nginx -t -q -c "$INPUTS/nginx.conf" >&2 ||
    fail "nginx would not accept its configuration; the one that runs was left alone."
put_file nginx.conf /etc/nginx/nginx.conf 644 root:root nginx
# Only if it runs: when it starts, it reads everything.
take_over nginx systemctl try-reload-or-restart nginx.service
start_unit nginx.service
echo "serving"
