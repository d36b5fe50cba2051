//go:build tools

// Package prometheus pins Prometheus and promtool, which are built from their own main packages.
package prometheus

import (
	_ "github.com/prometheus/prometheus/cmd/prometheus"
	_ "github.com/prometheus/prometheus/cmd/promtool"
)
