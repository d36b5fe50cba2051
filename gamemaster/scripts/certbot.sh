#!/usr/bin/env bash
# certbot: one certificate for the zone and names below it, by DNS-01 challenges; Debian's certbot.timer renews it.
# Prints the certificate's serial number and end date.
# Inputs: zone, names (a line each), directory (ACME URL), email (may be empty), acme-ca-bundle.pem (what to trust when
# talking to the ACME server besides Debian's; may be empty), reload-nginx (program)

zone=$(cat "$INPUTS/zone")
directory=$(cat "$INPUTS/directory")
email=$(cat "$INPUTS/email")
mapfile -t names <"$INPUTS/names"
live="/etc/letsencrypt/live/$zone"
renewal="/etc/letsencrypt/renewal/$zone.conf"
install_packages certbot python3-certbot-dns-rfc2136 openssl

# certbot's TSIG key: bind9's update policy grants it the TXT records of the challenges and nothing else.
secret=$(sed -n 's/.*secret "\(.*\)";/\1/p' /etc/bind/certbot.key)
cat >"$INPUTS/rfc2136.ini" <<INI
dns_rfc2136_server = 127.0.0.1
dns_rfc2136_port = 53
dns_rfc2136_name = certbot.
dns_rfc2136_secret = $secret
dns_rfc2136_algorithm = HMAC-SHA512
INI
install_file rfc2136.ini /etc/letsencrypt/rfc2136.ini 600 root:root
install_file reload-nginx /etc/letsencrypt/renewal-hooks/deploy/reload-nginx 755 root:root

# Renewals by the timer must trust the same ACME server as the first issue.
drop_in=/etc/systemd/system/certbot.service.d/acme-ca-bundle.conf
bundle=/etc/letsencrypt/acme-ca-bundle.pem
if [[ -s $INPUTS/acme-ca-bundle.pem ]]; then
    install_file acme-ca-bundle.pem "$bundle" 644 root:root
    printf '[Service]\nEnvironment=REQUESTS_CA_BUNDLE=%s\n' "$bundle" >"$INPUTS/acme-ca-bundle.conf"
    install_file acme-ca-bundle.conf "$drop_in" 644 root:root systemd
    export REQUESTS_CA_BUNDLE=$bundle
elif [[ -e $drop_in ]]; then
    mark_pending systemd
    rm -f "$drop_in" "$bundle"
fi
reload_if_pending systemd systemctl daemon-reload
enable_and_start certbot.timer

# has_matching_key: whether there are a certificate and its private key.
has_matching_key() {
    [[ -s $live/fullchain.pem && -s $live/privkey.pem ]] &&
        [[ $(openssl x509 -in "$live/fullchain.pem" -noout -pubkey) == "$(openssl pkey -in "$live/privkey.pem" -pubout)" ]]
}

# is_wanted: whether the certificate is valid, of this directory and for these names, so that certbot.timer suffices.
is_wanted() {
    has_matching_key || return 1
    openssl x509 -in "$live/fullchain.pem" -noout -checkend 86400 >/dev/null || return 1
    grep -qxF "server = $directory" "$renewal" 2>/dev/null || return 1
    local certified
    certified=$(openssl x509 -in "$live/fullchain.pem" -noout -ext subjectAltName | tr ',' '\n' | sed -n 's/^ *DNS://p' | sort)
    [[ $certified == "$(sort "$INPUTS/names")" ]]
}

# is_damaged: whether certbot cannot use the lineage. certbot skips a lineage with a truncated file for ever, and puts
# new certificates beside it, under a name that nginx does not serve.
is_damaged() {
    [[ -e $live || -e $renewal || -e /etc/letsencrypt/archive/$zone ]] || return 1
    has_matching_key || return 0
    local listed
    listed=$(certbot certificates --cert-name "$zone" 2>&1) && ! grep -qxE " *Certificate Name: $zone" <<<"$listed"
}

# certbot_errors: certbot's output without its advice; the answer of the certificate authority is part of it.
certbot_errors() {
    grep -vE -e '^(Saving debug log|Requesting a certificate|Renewing an existing|Account registered|Plugins selected)' \
        -e '^(Some challenges have failed|An unexpected error occurred:|Ask for help|Unsafe propagation|Waiting [0-9]+ sec)' \
        -e '^(Certbot failed to authenticate|The Certificate Authority reported|Hint: |The following error was)' \
        -e '^[[:space:]-]*$' "$INPUTS/.certbot" || true
}

# move_lineage FROM TO: move all existing parts of the lineage.
move_lineage() {
    for part in "live/$zone" "archive/$zone" "renewal/$zone.conf"; do
        [[ ! -e $1/$part && ! -L $1/$part ]] || {
            install -d -m 700 "$(dirname "$2/$part")"
            rm -rf "${2:?}/$part"
            mv -T "$1/$part" "$2/$part"
        }
    done
}

if ! is_wanted; then
    broken=
    if is_damaged; then
        broken=/etc/letsencrypt/broken
        move_lineage /etc/letsencrypt "$broken"
    fi
    arguments=(certonly --non-interactive --agree-tos --cert-name "$zone" --server "$directory" --key-type ecdsa
        --dns-rfc2136 --dns-rfc2136-credentials /etc/letsencrypt/rfc2136.ini
        # The certificate authority asks this very server, which answers at once.
        --dns-rfc2136-propagation-seconds 2 --renew-with-new-domains)
    for name in "${names[@]}"; do arguments+=(--domain "$name"); done
    if [[ -n $email ]]; then arguments+=(--email "$email"); else arguments+=(--register-unsafely-without-email); fi
    # A certificate of another authority is not kept, however long it is valid.
    if [[ -e $renewal ]] && ! grep -qxF "server = $directory" "$renewal"; then arguments+=(--force-renewal); fi
    certbot "${arguments[@]}" >"$INPUTS/.certbot" 2>&1 || {
        certbot_errors >&2
        # nginx may still have a whole certificate in the damaged lineage.
        [[ -z $broken ]] || move_lineage "$broken" /etc/letsencrypt
        fail "$directory issued no certificate for ${names[*]}; see the lines below and /var/log/letsencrypt on the \
Instance. A certificate that was there before is still in use."
    }
    is_wanted || {
        certbot_errors >&2
        fail "certbot reports success, but $live is not what was asked for; is the disk full? See the lines below and \
'certbot certificates' on the Instance."
    }
    [[ -z $broken ]] || report "certbot's files for $zone were damaged, as by a full disk: they lie in $broken now"
    # certbot runs deploy hooks after a renewal, not after a first issue, which this is where the lineage was damaged.
    /etc/letsencrypt/renewal-hooks/deploy/reload-nginx >&2 ||
        fail "nginx does not load the new certificate; read 'journalctl -u nginx' on the Instance."
fi
# Certificates that certbot put beside a damaged lineage: renewals count against the authority's limits for nothing.
for extra in /etc/letsencrypt/renewal/"$zone"-[0-9][0-9][0-9][0-9].conf; do
    [[ ! -e $extra ]] || certbot delete --non-interactive --cert-name "$(basename "$extra" .conf)" >&2
done
openssl x509 -in "$live/fullchain.pem" -noout -serial -enddate
