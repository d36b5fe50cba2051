//go:build tools

// Package netpol pins the reader of network policies, which is built from its own main package.
package netpol

import _ "github.com/np-guard/netpol-analyzer/cmd/netpolicy"
