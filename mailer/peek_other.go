//go:build !linux

package mailer

import "errors"

// peek is for service managers that keep connections, which only Linux has.
func peek(int, []byte) (int, bool, error) { return 0, true, errors.ErrUnsupported }

func carried(int) (int64, bool) { return 0, false }
