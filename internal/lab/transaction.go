package lab

import (
	"bufio"
	"bytes"
	"errors"
	"strconv"
	"strings"
)

// clear ends the transaction, if there is one.
func (c *session) clear() {
	c.mail, c.utf8, c.declared = false, false, 0
	c.from, c.parameters, c.to, c.attempt = "", "", nil, 0
}

func (c *session) doMail(rest string) error {
	if c.hello == "" {
		return c.reply(503, "5.5.1", "Say EHLO first")
	}
	if c.mail {
		return c.reply(503, "5.5.1", "Within a transaction already")
	}
	from, parameters, ok := parsePath(rest, "FROM:")
	if !ok {
		return c.reply(501, "5.5.4", "Syntax: MAIL FROM:<address>")
	}
	c.sent++
	c.from = from
	r, err := c.ask(AtMail)
	if err != nil {
		return err
	}
	if r.refuses() {
		c.clear()
		return c.answer(r, 0, "", "")
	}
	if c.server.o.RequireAuth && c.user == "" {
		c.clear()
		return c.reply(530, "5.7.0", "Authentication required")
	}
	if refusal := c.takeParameters(from, parameters); refusal.Code != 0 {
		c.clear()
		return c.reply(refusal.Code, refusal.Enhanced, refusal.Text)
	}
	c.mail, c.parameters = true, parameters
	return c.answer(r, 250, "2.1.0", "Ok")
}

// takeParameters reads what stands after the sender. Its answer is the zero
// value where nothing is wrong.
func (c *session) takeParameters(from, parameters string) Reply {
	for parameter := range strings.FieldsSeq(parameters) {
		keyword, value, _ := strings.Cut(parameter, "=")
		keyword = strings.ToUpper(keyword)
		switch {
		case keyword == "SIZE" && c.offers("SIZE"):
			n, err := strconv.Atoi(value)
			if err != nil || n < 0 {
				return Reply{501, "5.5.4", "SIZE wants a number"}
			}
			if limit := c.sizeLimit(); limit > 0 && n > limit {
				return Reply{552, "5.3.4", "Message too big"}
			}
			c.declared = n
		case keyword == "BODY" && c.offers("8BITMIME"):
			if v := strings.ToUpper(value); v != "8BITMIME" && v != "7BIT" {
				return Reply{501, "5.5.4", "BODY wants 7BIT or 8BITMIME"}
			}
		case keyword == "SMTPUTF8" && c.offers("SMTPUTF8"):
			c.utf8 = true
		case keyword == "AUTH" && c.offers("AUTH"): // RFC 4954 5: who says that it is by whom
		default:
			return Reply{555, "5.5.4", "Parameter not recognised"}
		}
	}
	if !c.utf8 && !ascii(from) {
		return Reply{553, "5.6.7", "The sender needs SMTPUTF8"}
	}
	return Reply{}
}

// sizeLimit is what SIZE says; 0 is no limit (RFC 1870).
func (c *session) sizeLimit() int {
	value, _ := c.server.extension("SIZE")
	n, _ := strconv.Atoi(value) // SIZE alone says nothing
	return n
}

func (c *session) doRcpt(rest string) error {
	if !c.mail {
		return c.reply(503, "5.5.1", "Say MAIL first")
	}
	to, parameters, ok := parsePath(rest, "TO:")
	if !ok || to == "" {
		return c.reply(501, "5.5.4", "Syntax: RCPT TO:<address>")
	}
	attempt := 0
	if *c.server.script.Load() != nil {
		attempt = c.server.attempt(to)
	}
	r := c.decide(Step{Phase: AtRcpt, To: to, Attempt: attempt})
	if err := c.suffer(r); err != nil {
		return err
	}
	switch {
	case r.refuses():
		return c.answer(r, 0, "", "")
	case parameters != "":
		return c.reply(555, "5.5.4", "Parameter not recognised")
	case !c.utf8 && !ascii(to):
		return c.reply(553, "5.6.7", "The recipient needs SMTPUTF8")
	}
	if len(c.to) == 0 {
		c.attempt = attempt
	}
	c.to = append(c.to, to)
	return c.answer(r, 250, "2.1.5", "Ok")
}

// atLetter is a step at which the letter's recipient is known.
func (c *session) atLetter(phase Phase) Step {
	return Step{Phase: phase, To: c.to[0], Attempt: c.attempt}
}

func (c *session) doData(rest string) error {
	switch {
	case !c.mail:
		return c.reply(503, "5.5.1", "Say MAIL first")
	case len(c.to) == 0:
		return c.reply(554, "5.5.1", "No valid recipients")
	case rest != "":
		return c.reply(501, "5.5.4", "DATA takes no parameters")
	}
	r := c.decide(c.atLetter(AtData))
	if err := c.suffer(r); err != nil {
		return err
	}
	if r.refuses() {
		return c.answer(r, 0, "", "")
	}
	if err := c.answer(r, 354, "", "End with <CR><LF>.<CR><LF>"); err != nil {
		return err
	}
	if err := c.out.Flush(); err != nil {
		return err
	}
	raw, size, err := c.readLetter()
	if err != nil {
		return err
	}
	return c.takeLetter(raw, size)
}

// readLetter reads up to the final dot, and takes off the dots that were stuffed
// (RFC 5321 4.5.2). Only CR LF ends a line here: what else a client sends is
// kept as it is, and a dot between bare line feeds ends nothing.
func (c *session) readLetter() (raw []byte, size int, err error) {
	keep := c.server.o.Keep != KeepNothing
	limit := c.sizeLimit()
	if keep {
		raw = make([]byte, 0, min(c.declared, 1<<20))
	}
	if _, err := c.in.Peek(1); err != nil {
		return nil, 0, err
	}
	if err := c.suffer(c.decide(c.atLetter(AtBody))); err != nil {
		return nil, 0, err
	}
	fresh := true     // at the start of a line
	returned := false // the last byte was a CR
	for {
		b, err := c.in.ReadSlice('\n')
		partial := errors.Is(err, bufio.ErrBufferFull)
		if err != nil && !partial {
			return nil, 0, err
		}
		if fresh && b[0] == '.' {
			if string(b) == ".\r\n" {
				return raw, size, nil
			}
			b = b[1:]
		}
		size += len(b)
		if keep && (limit == 0 || size <= limit) {
			raw = append(raw, b...)
		}
		whole := bytes.HasSuffix(b, []byte("\r\n")) || !fresh && returned && string(b) == "\n"
		if keep && c.server.o.Keep == KeepHeaders && fresh && string(b) == "\r\n" {
			keep = false
		}
		returned = len(b) > 0 && b[len(b)-1] == '\r'
		fresh = whole && !partial
	}
}

// takeLetter decides what becomes of a letter, and records it before a word
// of that is said.
func (c *session) takeLetter(raw []byte, size int) error {
	s := c.server
	m := Message{
		From: c.from, To: c.to, Parameters: c.parameters, Raw: raw, Size: size, At: s.o.Now(),
		Conn: c.number, TLS: c.tls, User: c.user, Hello: c.hello,
	}
	step := c.atLetter(AtDot)
	step.Message = &m
	r := c.decide(step)
	big := c.sizeLimit() > 0 && size > c.sizeLimit()
	if accept := r.Accept || !r.refuses(); accept && !big {
		s.record(&m)
		s.note(c.number, "*", "recorded "+m.ID)
	}
	c.clear()
	// A client that dies from here on has been served.
	if err := c.suffer(r); err != nil {
		return err
	}
	if big {
		return c.reply(552, "5.3.4", "Message too big")
	}
	return c.answer(r, 250, "2.0.0", "Ok: queued as "+m.ID)
}

func (c *session) doReset(string) error {
	r, err := c.ask(AtReset)
	if err != nil {
		return err
	}
	if !r.refuses() {
		c.clear()
	}
	return c.answer(r, 250, "2.0.0", "Ok")
}

func (c *session) doNoop(string) error {
	r, err := c.ask(AtNoop)
	if err != nil {
		return err
	}
	return c.answer(r, 250, "2.0.0", "Ok")
}

func (c *session) doQuit(string) error {
	r, err := c.ask(AtQuit)
	if err != nil {
		return err
	}
	if err := c.answer(r, 221, "2.0.0", "Bye"); err != nil {
		return err
	}
	return c.finish()
}

// parsePath reads "FROM:<address> parameters". Source routes are not taken.
func parsePath(s, prefix string) (address, parameters string, ok bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return "", "", false
	}
	s, ok = strings.CutPrefix(strings.TrimLeft(s[len(prefix):], " "), "<")
	if !ok {
		return "", "", false
	}
	// A quoted local part may hold a >.
	quoted, escaped := false, false
	for i := range len(s) {
		switch {
		case escaped:
			escaped = false
		case quoted && s[i] == '\\':
			escaped = true
		case s[i] == '"':
			quoted = !quoted
		case s[i] == '>' && !quoted:
			return s[:i], strings.TrimSpace(s[i+1:]), !strings.HasPrefix(s, "@")
		}
	}
	return "", "", false
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
