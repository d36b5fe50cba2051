//go:build tools

// Package alertmanager pins Alertmanager, which is built from its own main package.
package alertmanager

import _ "github.com/prometheus/alertmanager/cmd/alertmanager"
