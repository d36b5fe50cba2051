#!/usr/bin/env bash
# One certificate for the zone and what lies below it, renewed by Debian's certbot.timer.
# Inputs: zone, names (a line each), directory (ACME URL), email (may be empty), authority.pem (may be
# empty: extra authority to trust for the ACME server), reload-proxy (program)

zone=$(cat "$INPUTS/zone")
directory=$(cat "$INPUTS/directory")
email=$(cat "$INPUTS/email")
mapfile -t names <"$INPUTS/names"
live="/etc/letsencrypt/live/$zone"
renewal="/etc/letsencrypt/renewal/$zone.conf"
install_packages certbot python3-certbot-dns-rfc2136 openssl

# certbot writes its challenges with the key that bind9 lets do that and nothing else.
secret=$(sed -n 's/.*secret "\(.*\)";/\1/p' /etc/bind/certificates.key)
cat >"$INPUTS/rfc2136.ini" <<INI
dns_rfc2136_server = 127.0.0.1
dns_rfc2136_port = 53
dns_rfc2136_name = certificates.
dns_rfc2136_secret = $secret
dns_rfc2136_algorithm = HMAC-SHA512
INI
put_file rfc2136.ini /etc/letsencrypt/rfc2136.ini 600 root:root
put_file reload-proxy /etc/letsencrypt/renewal-hooks/deploy/reload-proxy 755 root:root

# The renewals must trust the same ACME server as the first issue.
drop_in=/etc/systemd/system/certbot.service.d/authority.conf
if [[ -s $INPUTS/authority.pem ]]; then
    put_file authority.pem /etc/letsencrypt/authority.pem 644 root:root
    printf '[Service]\nEnvironment=REQUESTS_CA_BUNDLE=/etc/letsencrypt/authority.pem\n' >"$INPUTS/authority.conf"
    put_file authority.conf "$drop_in" 644 root:root systemd
    export REQUESTS_CA_BUNDLE=/etc/letsencrypt/authority.pem
elif [[ -e $drop_in ]]; then
    make_due systemd
    rm -f "$drop_in" /etc/letsencrypt/authority.pem
fi
take_over systemd systemctl daemon-reload
start_unit certbot.timer

# paired: whether there are a certificate and its key.
paired() {
    [[ -s $live/fullchain.pem && -s $live/privkey.pem ]] &&
        [[ $(openssl x509 -in "$live/fullchain.pem" -noout -pubkey) == "$(openssl pkey -in "$live/privkey.pem" -pubout)" ]]
}

# in_place: whether the certificate is the one that is wanted, and certbot's timer only has to keep it.
in_place() {
    paired || return 1
    openssl x509 -in "$live/fullchain.pem" -noout -checkend 86400 >/dev/null || return 1
    grep -qxF "server = $directory" "$renewal" 2>/dev/null || return 1
    local has
    has=$(openssl x509 -in "$live/fullchain.pem" -noout -ext subjectAltName | tr ',' '\n' | sed -n 's/^ *DNS://p' | sort)
    [[ $has == "$(sort "$INPUTS/names")" ]]
}

# damaged: whether certbot cannot go on with what it has. For good, it passes over what was cut while it was written, and
# puts a new certificate beside it, under a name that nobody serves.
damaged() {
    [[ -e $live || -e $renewal || -e /etc/letsencrypt/archive/$zone ]] || return 1
    paired || return 0
    local known
    known=$(certbot certificates --cert-name "$zone" 2>&1) && ! grep -qxE " *Certificate Name: $zone" <<<"$known"
}

# said: certbot's words without its advice; what the authority answered is among them.
said() {
    grep -vE -e '^(Saving debug log|Requesting a certificate|Renewing an existing|Account registered|Plugins selected)' \
        -e '^(Some challenges have failed|An unexpected error occurred:|Ask for help|Unsafe propagation|Waiting [0-9]+ sec)' \
        -e '^(Certbot failed to authenticate|The Certificate Authority reported|Hint: |The following error was)' \
        -e '^[[:space:]-]*$' "$INPUTS/.certbot" || true
}

# aside FROM TO: every part of the lineage that there is.
aside() {
    for part in "live/$zone" "archive/$zone" "renewal/$zone.conf"; do
        [[ ! -e $1/$part && ! -L $1/$part ]] || {
            install -d -m 700 "$(dirname "$2/$part")"
            rm -rf "${2:?}/$part"
            mv -T "$1/$part" "$2/$part"
        }
    done
}

if ! in_place; then
    broken=
    if damaged; then
        broken=/etc/letsencrypt/broken
        aside /etc/letsencrypt "$broken"
    fi
    arguments=(certonly --non-interactive --agree-tos --cert-name "$zone" --server "$directory" --key-type ecdsa
        --dns-rfc2136 --dns-rfc2136-credentials /etc/letsencrypt/rfc2136.ini
        # The authority asks this very server, which answers at once.
        --dns-rfc2136-propagation-seconds 2 --renew-with-new-domains)
    for name in "${names[@]}"; do arguments+=(--domain "$name"); done
    if [[ -n $email ]]; then arguments+=(--email "$email"); else arguments+=(--register-unsafely-without-email); fi
    # Another authority's certificate is not kept, however long it is valid.
    if [[ -e $renewal ]] && ! grep -qxF "server = $directory" "$renewal"; then arguments+=(--force-renewal); fi
    certbot "${arguments[@]}" >"$INPUTS/.certbot" 2>&1 || {
        said >&2
        # Of what is damaged, nginx may still have a whole certificate.
        [[ -z $broken ]] || aside "$broken" /etc/letsencrypt
        fail "$directory issued no certificate for ${names[*]}; see the lines below and /var/log/letsencrypt on the \
Instance. A certificate that was there before is still in use."
    }
    in_place || {
        said >&2
        fail "certbot reports success, but $live is not what was asked for; is the disk full? See the lines below and \
'certbot certificates' on the Instance."
    }
    [[ -z $broken ]] || tell "what certbot had for $zone was damaged, as by a full disk: it lies in $broken now"
    # certbot calls it after a renewal; not after a first issue, which this is to certbot where something was damaged.
    /etc/letsencrypt/renewal-hooks/deploy/reload-proxy >&2 ||
        fail "nginx does not take the new certificate; read 'journalctl -u nginx' on the Instance."
fi
# What certbot put beside a damaged one is renewed in vain otherwise, and counts against the authority's limits.
for extra in /etc/letsencrypt/renewal/"$zone"-[0-9][0-9][0-9][0-9].conf; do
    [[ ! -e $extra ]] || certbot delete --non-interactive --cert-name "$(basename "$extra" .conf)" >&2
done
openssl x509 -in "$live/fullchain.pem" -noout -serial -enddate
