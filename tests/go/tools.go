//go:build tools

// Package tools pins the Kubernetes API server and etcd that the tests run against.
// It is never built itself: `cargo xtask test` builds the two imported commands.
package tools

import (
	_ "go.etcd.io/etcd/server/v3"
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
)
