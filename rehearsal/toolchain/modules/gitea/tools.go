//go:build tools

// Package gitea pins Gitea, of which the rehearsal needs the back end only.
package gitea

import _ "gitea.dev"
