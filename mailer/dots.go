package mailer

import (
	"bytes"
	"errors"
	"fmt"
	"net"
)

// dotted is a letter as it goes on the wire: with one more dot before each that begins
// a line (RFC 5321 4.5.2).
type dotted struct {
	data []byte
	dots []int // where those lines begin
}

// stuffDots doubles the dots that begin a line. Its error says that data can't be sent
// as it is: a bare CR or LF ends the letter early for some servers, and smuggles in
// another.
func stuffDots(data []byte) (dotted, error) {
	if len(data) == 0 {
		return dotted{}, errLineEnd
	}
	dots, err := findDots(nil, data, 0, len(data))
	if err != nil {
		return dotted{}, err
	}
	return dotted{data, dots}, nil
}

// size returns how many bytes go on the wire.
func (d dotted) size() int { return len(d.data) + len(d.dots) }

// pieces appends what is to be written one after the other.
func (d dotted) pieces(to net.Buffers) net.Buffers {
	from := 0
	for _, at := range d.dots {
		to = append(to, d.data[from:at], oneDot)
		from = at
	}
	return append(to, d.data[from:])
}

var oneDot = []byte{'.'}

var errLineEnd = errors.New("the letter does not end with a line end")

// findDots looks at data[begin:end], which should be whole lines, and appends where
// they begin with a dot. Its error says what keeps them from being sent.
func findDots(dots []int, data []byte, begin, end int) ([]int, error) {
	lines := data[begin:end]
	// Where there are as many CR as LF, and one before each LF, there is none
	// but there.
	if bytes.Count(lines, []byte{'\n'}) != bytes.Count(lines, []byte{'\r'}) {
		return nil, errors.New("the letter has a line end that is not CRLF")
	}
	for len(lines) > 0 {
		n := bytes.IndexByte(lines, '\n')
		switch {
		case n < 0:
			return nil, errLineEnd
		case n == 0 || lines[n-1] != '\r':
			return nil, errors.New("the letter has a line end that is not CRLF")
		case n-1 > maxLine:
			return nil, fmt.Errorf("the letter has a line of more than %d octets", maxLine)
		case lines[0] == '.':
			dots = append(dots, end-len(lines))
		}
		lines = lines[n+1:]
	}
	return dots, nil
}

// maxLine is the limit of a line without its CRLF: RFC 5322 2.1.1.
const maxLine = 998
