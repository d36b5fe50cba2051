//go:build tools

// Package drone pins the Drone server, which is built from its own main package.
package drone

import _ "github.com/drone/drone/cmd/drone-server"
