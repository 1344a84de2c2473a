// Package events holds sample event files: the webinar that the program was
// first written for, the least that an event needs, and one in another zone
// and language that shows the rest. They are what the demo runs, and a place to
// copy from.
//
// They are data. Reading them is for package desk.
package events

import "embed"

// FS holds the samples: webinar.yaml, minimal.yaml and taller.yaml.
//
//go:embed *.yaml
var FS embed.FS
