//go:build tools

// Package tools pins dex, the second OpenID provider of the tests.
// It is never built itself: `cargo xtask test` builds the imported command.
//
// The version is v2.41.1: dex's module path lacks the /v2 that Go wants of such a version.
// Its own checkout replaces api/v2 by the one beside it, which v2.2.0 is.
package tools

import _ "github.com/dexidp/dex/cmd/dex"
