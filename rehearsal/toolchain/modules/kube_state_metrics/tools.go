//go:build tools

// Package kubestatemetrics pins kube-state-metrics, which is built from its own main package.
package kubestatemetrics

import _ "k8s.io/kube-state-metrics/v2"
