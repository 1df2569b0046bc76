//go:build tools

// Package tools pins another exec plugin, for `cargo xtask bench` to measure beside ours.
// It is never built itself, and no test needs it.
package tools

import _ "github.com/int128/kubelogin"
