//go:build tools

// Package engine pins the Pulumi engine, which is built from its own main package.
package engine

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
