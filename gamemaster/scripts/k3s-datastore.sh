#!/usr/bin/env bash
# Identity of K3s's data: prints the UID of kube-system, the namespace that K3s creates first. No inputs.

kubectl get namespace kube-system --output jsonpath='{.metadata.uid}' ||
    fail "K3s does not answer; read 'journalctl -u k3s' on the Instance."
