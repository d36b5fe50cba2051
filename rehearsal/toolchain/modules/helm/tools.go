//go:build tools

// Package helm pins Helm, which is built from its own main package.
package helm

import _ "helm.sh/helm/v3/cmd/helm"
