package mailer

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A reply is what a server answers to a command (RFC 5321 4.2).
type reply struct {
	code  int      // 0: none was read
	lines []string // the text of each line, without the code
}

// The limits of what is read as one reply. RFC 5321 4.5.3.1.5 allows lines of 512
// octets; servers that explain themselves at length exceed it.
const (
	maxReplyLine  = 4096
	maxReplyLines = 128
	maxReplyText  = 1000 // bytes of it that are kept
)

var errGarbage = errors.New("the server's answer is not SMTP")

// A repertoire is what a server says again and again: nearly all of its replies, word
// for word, so they are read once. nil knows nothing.
type repertoire map[string]reply

// maxRepertoire bounds how many replies are known: three of an envelope, and where they
// have no number of a queue, that to a letter.
const maxRepertoire = 8

// readReply reads one reply, of one line or many. Its error is io.EOF where the
// server closed the connection instead of answering, errGarbage where the
// answer is no reply, else the connection's.
func readReply(r *bufio.Reader, known repertoire) (reply, error) {
	var rep reply
	for len(rep.lines) < maxReplyLines {
		line, err := r.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return reply{}, fmt.Errorf("%w: a line of it is longer than %d bytes", errGarbage, maxReplyLine)
		case errors.Is(err, io.EOF) && len(line)+len(rep.lines) > 0:
			// A reply that was cut off says nothing: "25" is not 250.
			return reply{}, io.ErrUnexpectedEOF
		case err != nil:
			return reply{}, err
		}
		if rep.code == 0 {
			if said, ok := known[string(line)]; ok {
				return said, nil
			}
		}
		whole := string(line)
		code, text, more, ok := parseReplyLine(strings.TrimRight(whole, "\r\n"))
		if !ok || rep.code != 0 && rep.code != code {
			return reply{}, errGarbage
		}
		rep.code = code
		rep.lines = append(rep.lines, text)
		if more {
			continue
		}
		if known != nil && len(known) < maxRepertoire && len(rep.lines) == 1 {
			known[whole] = rep
		}
		return rep, nil
	}
	return reply{}, fmt.Errorf("%w: it has more than %d lines", errGarbage, maxReplyLines)
}

func parseReplyLine(line string) (code int, text string, more, ok bool) {
	if len(line) < 3 || line[0] < '2' || line[0] > '5' {
		return 0, "", false, false
	}
	for _, c := range []byte(line[:3]) {
		if c < '0' || c > '9' {
			return 0, "", false, false
		}
		code = code*10 + int(c-'0')
	}
	switch {
	case len(line) == 3:
		return code, "", false, true
	case line[3] == ' ' || line[3] == '-':
		return code, line[4:], line[3] == '-', true
	}
	return 0, "", false, false
}

// enhanced returns the enhanced status code (RFC 3463, RFC 2034 4) of the first
// line that has one, else "".
func (r reply) enhanced() string {
	for _, line := range r.lines {
		if code := enhancedCode(line); code != "" {
			return code
		}
	}
	return ""
}

// enhancedCode returns the code that a line begins with, alone or before white
// space: a class, which is 2, 4 or 5, and two numbers of up to three digits.
func enhancedCode(line string) string {
	line = strings.TrimLeft(line, " \t\n\f\r")
	if len(line) < 5 || line[0] != '2' && line[0] != '4' && line[0] != '5' {
		return ""
	}
	at := 1
	for range 2 {
		if at == len(line) || line[at] != '.' {
			return ""
		}
		at++
		digits := at
		for at < len(line) && at < digits+3 && '0' <= line[at] && line[at] <= '9' {
			at++
		}
		if at == digits {
			return ""
		}
	}
	if at < len(line) && strings.IndexByte(" \t\n\f\r", line[at]) < 0 {
		return ""
	}
	return line[:at]
}

// text returns the reply as one line that a text column holds: valid UTF-8
// without control characters, cut where a server goes on for too long.
func (r reply) text() string { return oneLine(strings.Join(r.lines, " ")) }

func oneLine(s string) string {
	if len(s) <= maxReplyText && isPrintable(s) {
		return strings.Trim(s, " ")
	}
	s = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(s, "\uFFFD"))
	s = strings.TrimSpace(s)
	if len(s) > maxReplyText {
		s = s[:maxReplyText]
		for !utf8.ValidString(s) {
			s = s[:len(s)-1]
		}
	}
	return s
}

// isPrintable reports whether s is ASCII that shows.
func isPrintable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
