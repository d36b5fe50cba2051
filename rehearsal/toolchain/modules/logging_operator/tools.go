//go:build tools

// Package loggingoperator pins the logging operator, which is built from its own main package: a commit of April 2025,
// the newest that module proxies serve.
package loggingoperator

import _ "github.com/kube-logging/logging-operator"
