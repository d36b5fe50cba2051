//go:build tools

// Package pebble pins the rehearsal's certificate authority, which is built from its own main package.
package pebble

import _ "github.com/letsencrypt/pebble/v2/cmd/pebble"
