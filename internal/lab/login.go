package lab

import (
	"crypto/subtle"
	"crypto/tls"
	"encoding/base64"
	"strings"
	"time"
)

// doHello is EHLO and HELO.
func (c *session) doHello(name string) error {
	c.hidden = ""
	r, err := c.ask(AtEHLO)
	if err != nil {
		return err
	}
	if r.refuses() {
		return c.answer(r, 0, "", "")
	}
	if name == "" {
		return c.reply(501, "5.5.4", "Who are you?")
	}
	c.hello, c.hidden = name, strings.ToUpper(r.Hide)
	c.clear()
	lines := []string{c.server.o.Hostname + " greets " + name}
	if c.extended {
		for _, line := range c.server.o.Extensions {
			keyword, _, _ := strings.Cut(line, " ")
			if c.offers(strings.ToUpper(keyword)) {
				lines = append(lines, line)
			}
		}
		if c.offers("STARTTLS") {
			lines = append(lines, "STARTTLS")
		}
		if c.offers("AUTH") {
			lines = append(lines, "AUTH PLAIN LOGIN")
		}
	}
	return c.answer(r, 250, "", strings.Join(lines, "\n"))
}

// doStartTLS is STARTTLS (RFC 3207). Nothing said before it counts after.
func (c *session) doStartTLS(rest string) error {
	if !c.offers("STARTTLS") {
		return c.reply(502, "5.5.1", "STARTTLS is not offered")
	}
	if rest != "" {
		return c.reply(501, "5.5.4", "STARTTLS takes no parameters")
	}
	r, err := c.ask(AtTLS)
	if err != nil {
		return err
	}
	if r.refuses() {
		return c.answer(r, 0, "", "")
	}
	if err := c.answer(r, 220, "2.0.0", "Ready to start TLS"); err != nil {
		return err
	}
	if err := c.out.Flush(); err != nil {
		return err
	}
	c.clear()
	c.hello, c.user, c.extended = "", "", false
	return c.encrypt()
}

// handshakePatience is for a client that says it wants TLS and then says
// nothing. It is of the machine's clock.
const handshakePatience = 30 * time.Second

func (c *session) encrypt() error {
	conn := tls.Server(c.raw, c.server.tls)
	if err := c.raw.SetDeadline(time.Now().Add(handshakePatience)); err != nil {
		return err
	}
	if err := conn.Handshake(); err != nil {
		c.server.note(c.number, "*", "TLS: "+err.Error())
		return err
	}
	if err := c.raw.SetDeadline(time.Time{}); err != nil {
		return err
	}
	c.tls = conn.ConnectionState().Version
	c.speakOver(conn)
	c.server.note(c.number, "*", tls.VersionName(c.tls))
	return nil
}

// doAuth is AUTH PLAIN and AUTH LOGIN (RFC 4954).
func (c *session) doAuth(rest string) error {
	switch {
	case !c.offers("AUTH"):
		return c.reply(502, "5.5.1", "AUTH is not offered")
	case c.user != "" || c.mail:
		return c.reply(503, "5.5.1", "Not now")
	}
	mechanism, initial, hasInitial := strings.Cut(rest, " ")
	var user, password string
	var ok bool
	var err error
	switch strings.ToUpper(mechanism) {
	case "PLAIN":
		user, password, ok, err = c.readPlain(initial, hasInitial)
	case "LOGIN":
		user, password, ok, err = c.readLogin(initial, hasInitial)
	default:
		return c.reply(504, "5.5.4", "There is PLAIN and LOGIN")
	}
	if err != nil {
		return err
	}
	if !ok {
		return c.reply(501, "5.5.2", "These credentials can't be read")
	}
	r := c.decide(Step{Phase: AtAuth, User: user})
	if err := c.suffer(r); err != nil {
		return err
	}
	if r.refuses() {
		return c.answer(r, 0, "", "")
	}
	want, known := c.server.o.Users[user]
	if !known || subtle.ConstantTimeCompare([]byte(want), []byte(password)) != 1 {
		return c.reply(535, "5.7.8", "Authentication credentials invalid")
	}
	c.user = user
	return c.answer(r, 235, "2.7.0", "Welcome")
}

// readPlain reads the one response of PLAIN (RFC 4616), which may come with the command.
func (c *session) readPlain(initial string, hasInitial bool) (user, password string, ok bool, err error) {
	if !hasInitial {
		initial, err = c.challenge("")
		if err != nil {
			return "", "", false, err
		}
	}
	b, bad := base64.StdEncoding.DecodeString(initial)
	fields := strings.Split(string(b), "\x00")
	if bad != nil || len(fields) != 3 || fields[0] != "" && fields[0] != fields[1] {
		return "", "", false, nil
	}
	return fields[1], fields[2], true, nil
}

// readLogin reads the two responses of LOGIN, the first of which may come with
// the command.
func (c *session) readLogin(initial string, hasInitial bool) (user, password string, ok bool, err error) {
	if !hasInitial {
		if initial, err = c.challenge("Username:"); err != nil {
			return "", "", false, err
		}
	}
	name, bad := base64.StdEncoding.DecodeString(initial)
	if bad != nil {
		return "", "", false, nil
	}
	second, err := c.challenge("Password:")
	if err != nil {
		return "", "", false, err
	}
	secret, bad := base64.StdEncoding.DecodeString(second)
	return string(name), string(secret), bad == nil, nil
}

// challenge asks for a response, which is not base64 where the client gives up ("*").
func (c *session) challenge(text string) (string, error) {
	if err := c.reply(334, "", base64.StdEncoding.EncodeToString([]byte(text))); err != nil {
		return "", err
	}
	line, err := c.readLine()
	c.server.note(c.number, "C", "…")
	return line, err
}
