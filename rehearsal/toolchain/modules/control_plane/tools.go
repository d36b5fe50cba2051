//go:build tools

package main

// KWOK defines flags that clash with the control plane's, so it stays a binary of its own.
import _ "sigs.k8s.io/kwok/cmd/kwok"
