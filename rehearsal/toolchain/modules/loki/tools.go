//go:build tools

// Package loki pins Loki, which is built from its own main package.
package loki

import _ "github.com/grafana/loki/v3/cmd/loki"
