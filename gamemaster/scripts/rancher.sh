#!/usr/bin/env bash
# Rancher on K3s, by Helm. Prints Rancher's answer at the Service behind nginx.
# Inputs: helm-url, helm-sha256 (of the archive), repository, version (of the chart), values.yaml, cacerts.pem (what
# agents must trust besides their system; may be empty), service.yaml (the Service behind nginx), address (its cluster
# IP), seconds (limit until Rancher is ready)

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
    install_file helm "$helm" 755 root:root
fi
install_link "$helm" /usr/local/bin/helm

if [[ $repository == oci://* ]]; then
    chart=("$repository/rancher")
else
    chart=(rancher --repo "$repository")
fi
# Checksum of what Helm installed last; a checksum, since the values hold the bootstrap password.
wanted=$(cat "$INPUTS/repository" "$INPUTS/version" "$INPUTS/values.yaml" "$INPUTS/cacerts.pem" | sha256sum | cut -d ' ' -f 1)
status=$("$helm" status rancher --namespace cattle-system --output json 2>/dev/null |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["info"]["status"])' 2>/dev/null || true)
if [[ $status != deployed || $wanted != "$(cat /var/lib/shambhala/rancher.sha256 2>/dev/null)" ]]; then
    # An interrupted Helm leaves a pending release, which locks out every later run.
    if [[ $status == pending-* ]]; then
        kubectl --namespace cattle-system delete secret --selector owner=helm,name=rancher,status="$status" >&2
    fi
    if [[ -s $INPUTS/cacerts.pem ]]; then
        # The chart only refers to the Secret tls-ca; Rancher reads it when it starts.
        for object in "namespace cattle-system" "secret generic tls-ca --namespace=cattle-system --from-file=$INPUTS/cacerts.pem"; do
            # shellcheck disable=SC2086
            kubectl create $object --dry-run=client --output=yaml | kubectl apply --filename - >&2
        done
    fi
    "$helm" upgrade --install rancher "${chart[@]}" --version "$version" --namespace cattle-system \
        --create-namespace --values "$INPUTS/values.yaml" --atomic --timeout "${seconds}s" >"$INPUTS/.helm" 2>&1 || {
        tail -n 5 "$INPUTS/.helm" >&2
        fail "Helm could not install Rancher $version from $repository; see the lines below. What ran before still runs."
    }
    echo "$wanted" >"$INPUTS/rancher.sha256"
    install_file rancher.sha256 /var/lib/shambhala/rancher.sha256 600 root:root
fi
kubectl apply --filename "$INPUTS/service.yaml" >&2
for _ in $(seq "$seconds"); do
    # With nginx's header: Rancher redirects plain HTTP.
    [[ $(curl --silent --max-time 5 --header 'X-Forwarded-Proto: https' "http://$address/ping") != pong ]] || {
        echo pong
        exit 0
    }
    sleep 1
done
fail "Rancher runs, but does not answer at http://$address/ping; read 'kubectl -n cattle-system logs deploy/rancher'."
