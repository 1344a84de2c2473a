//go:build !linux

package journal

import (
	"errors"
	"os"
)

// mapFile fails: elsewhere nobody has shown that a store survives a kill as a
// write does.
func mapFile(*os.File, int) ([]byte, error) { return nil, errors.ErrUnsupported }

func unmapFile([]byte) error { return nil }
