//go:build linux

package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// writeMarkdown writes the page of what was shown.
func writeMarkdown(file string, o options, results []*result, took time.Duration) error {
	return os.WriteFile(file, []byte("TODO"), 0o644)
}

var _ = fmt.Sprint
var _ = strings.Join
