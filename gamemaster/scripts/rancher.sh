#!/usr/bin/env bash
# Rancher on K3s, by Helm. Prints what answers at its address.
# Inputs: helm-url, helm-sha256 (of the archive), repository, version (of the chart), values.yaml,
# cacerts.pem (what agents must trust besides their system; may be empty), web.yaml (the Service that nginx asks), address (of that Service), seconds (to get ready)

export KUBECONFIG=/etc/rancher/k3s/k3s.yaml
repository=$(cat "$INPUTS/repository")
version=$(cat "$INPUTS/version")
seconds=$(cat "$INPUTS/seconds")
address=$(cat "$INPUTS/address")
sha256=$(cat "$INPUTS/helm-sha256")
archive="/usr/local/lib/shambhala/helm/$sha256.tar.gz"
helm="/usr/local/lib/shambhala/helm/$sha256"
if download "$(cat "$INPUTS/helm-url")" "$sha256" "$archive" || [[ ! -x $helm ]]; then
    tar --extract --gzip --to-stdout --file "$archive" linux-amd64/helm >"$INPUTS/helm"
    put_file helm "$helm" 755 root:root
fi
put_link "$helm" /usr/local/bin/helm

if [[ $repository == oci://* ]]; then
    chart=("$repository/rancher")
else
    chart=(rancher --repo "$repository")
fi
# What Helm was last told, as a fingerprint, since the values hold the first password.
wanted=$(cat "$INPUTS/repository" "$INPUTS/version" "$INPUTS/values.yaml" "$INPUTS/cacerts.pem" | sha256sum | cut -d ' ' -f 1)
status=$("$helm" status rancher --namespace cattle-system --output json 2>/dev/null |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["info"]["status"])' 2>/dev/null || true)
if [[ $status != deployed || $wanted != "$(cat /var/lib/shambhala/rancher.wanted 2>/dev/null)" ]]; then
    # Cut in the middle, Helm leaves a lock that no later run could take.
    if [[ $status == pending-* ]]; then
        kubectl --namespace cattle-system delete secret --selector owner=helm,name=rancher,status="$status" >&2
    fi
    if [[ -s $INPUTS/cacerts.pem ]]; then
        # The chart only names it; Rancher reads it when it starts.
        for what in "namespace cattle-system" "secret generic tls-ca --namespace=cattle-system --from-file=$INPUTS/cacerts.pem"; do
            # shellcheck disable=SC2086
            kubectl create $what --dry-run=client --output=yaml | kubectl apply --filename - >&2
        done
    fi
    "$helm" upgrade --install rancher "${chart[@]}" --version "$version" --namespace cattle-system \
        --create-namespace --values "$INPUTS/values.yaml" --atomic --timeout "${seconds}s" >"$INPUTS/.helm" 2>&1 || {
        tail -n 5 "$INPUTS/.helm" >&2
        fail "Helm could not install Rancher $version from $repository; see the lines below. What ran before still runs."
    }
    echo "$wanted" >"$INPUTS/wanted"
    put_file wanted /var/lib/shambhala/rancher.wanted 600 root:root
fi
kubectl apply --filename "$INPUTS/web.yaml" >&2
for _ in $(seq "$seconds"); do
    # As nginx asks: whoever comes by plain HTTP is sent away.
    [[ $(curl --silent --max-time 5 --header 'X-Forwarded-Proto: https' "http://$address/ping") != pong ]] || {
        echo pong
        exit 0
    }
    sleep 1
done
fail "Rancher runs, but does not answer at http://$address/ping; read 'kubectl -n cattle-system logs deploy/rancher'."
