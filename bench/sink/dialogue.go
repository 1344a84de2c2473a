//go:build linux

package main

import (
	"bytes"
	"strings"
)

const (
	greeting    = "220 sink ESMTP\r\n"
	extensions  = "250-sink\r\n250-PIPELINING\r\n250-SIZE 10485760\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 SMTPUTF8\r\n"
	longestLine = 64 << 10
)

var endOfLetter = []byte("\r\n.\r\n")

// A dialogue is the server's side of one SMTP session after its greeting. Zero, it
// waits for a command.
type dialogue struct {
	line    []byte // what has come of a command
	letter  bool   // after DATA, until the dot
	matched int    // of endOfLetter, how much stands at the end of what has come
	length  int    // of the letter so far
	over    bool   // it said QUIT or no SMTP: nothing more is heard

	letters int   // taken
	bytes   int64 // of them, with their dots
}

// hear takes what came next and appends what is to be answered to out.
func (d *dialogue) hear(in, out []byte) []byte {
	for len(in) > 0 && !d.over {
		if d.letter {
			in, out = d.swallow(in, out)
		} else {
			in, out = d.obey(in, out)
		}
	}
	return out
}

// obey hears one command, or what has come of it, and returns what follows it.
func (d *dialogue) obey(in, out []byte) (rest, answers []byte) {
	i := bytes.IndexByte(in, '\n') + 1
	if i == 0 {
		d.line = append(d.line, in...)
		d.over = len(d.line) > longestLine
		return nil, out
	}
	line := in[:i]
	if len(d.line) > 0 {
		line = append(d.line, line...)
		d.line = d.line[:0]
	}
	if len(line) < 4 {
		d.over = true
		return nil, out
	}
	switch strings.ToUpper(string(line[:4])) {
	case "EHLO":
		out = append(out, extensions...)
	case "DATA":
		d.letter, d.length = true, 0
		d.matched = len("\r\n") // a letter may be nothing but its dot
		out = append(out, "354 go on\r\n"...)
	case "QUIT":
		d.over = true
		out = append(out, "221 2.0.0 bye\r\n"...)
	default:
		out = append(out, "250 2.0.0 ok\r\n"...)
	}
	return in[i:], out
}

// swallow hears a letter to its dot, or a part of it, and returns what follows it.
func (d *dialogue) swallow(in, out []byte) (rest, answers []byte) {
	n := d.dot(in)
	d.length += n
	if d.matched == len(endOfLetter) {
		d.letter = false
		d.letters++
		d.bytes += int64(d.length)
		out = append(out, "250 2.0.0 taken\r\n"...)
	}
	return in[n:], out
}

// dot returns how much of in belongs to the letter, and sets matched, which is
// all of endOfLetter if the letter ends there.
func (d *dialogue) dot(in []byte) int {
	// The dot may have begun before this part. It begins anew with a CR alone.
	for i, c := range in {
		if d.matched == 0 {
			break
		}
		switch c {
		case endOfLetter[d.matched]:
			d.matched++
		case '\r':
			d.matched = 1
		default:
			d.matched = 0
		}
		if d.matched == len(endOfLetter) {
			return i + 1
		}
	}
	if d.matched > 0 {
		return len(in) // all of it was short, and looked at
	}
	// None has begun, and none begins in what was looked at: it may be looked at again.
	// Dots are rarer than ends of lines: base64 has none.
	for at := 0; ; at++ {
		next := bytes.IndexByte(in[at:], '.')
		if next < 0 {
			break
		}
		at += next
		if bytes.HasPrefix(in[at:], endOfLetter[2:]) && bytes.HasSuffix(in[:at], endOfLetter[:2]) {
			d.matched = len(endOfLetter)
			return at + len(endOfLetter[2:])
		}
	}
	for d.matched = min(len(in), len(endOfLetter)-1); !bytes.HasSuffix(in, endOfLetter[:d.matched]); d.matched-- {
	}
	return len(in)
}
