package mailer

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"io"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// What a rule may answer instead of a reply.
const (
	usual = ""       // what a well-behaved server says
	hang  = "hang"   // nothing, until the client goes
	drop  = "drop"   // an orderly close
	cut   = "cut"    // a reset
	quiet = "silent" // nothing, and on with the dialogue
)

// A server is a scripted SMTP server on loopback. Its rules say what it answers to a
// verb, on the n-th time (from 1) that it is asked over all connections; the
// verbs CONNECT, BODY and DOT stand for the greeting, the first line of a
// letter and its final dot. What it accepts, it keeps before it says so.
type server struct {
	extensions []string
	tls        *tls.Config // nil: no STARTTLS, unless extensions lie
	implicit   bool
	rules      map[string]func(n int) string
	wake       chan struct{} // where not nil, who hangs reads nothing until it is closed

	t    *testing.T
	ln   net.Listener
	wg   sync.WaitGroup
	done chan struct{}
	seen chan string // each command, as a test may wait for it

	mu       sync.Mutex
	open     map[net.Conn]bool
	count    map[string]int
	commands []string
	letters  []string // accepted
	ended    []string // how each connection ended: "quit", "eof", or an error
}

// always answers the same each time.
func always(reply string) func(int) string { return func(int) string { return reply } }

// once answers reply the n-th time, and as usual otherwise.
func once(n int, reply string) func(int) string {
	return func(i int) string {
		if i == n {
			return reply
		}
		return usual
	}
}

func serve(t *testing.T, s *server) *server {
	t.Helper()
	s.t, s.open, s.count = t, map[net.Conn]bool{}, map[string]int{}
	s.done, s.seen = make(chan struct{}), make(chan string, 1<<16)
	var err error
	if s.ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	s.wg.Go(func() {
		for {
			c, err := s.ln.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.open[c] = true
			s.mu.Unlock()
			s.wg.Go(func() { s.talk(c) })
		}
	})
	t.Cleanup(s.stop)
	return s
}

func (s *server) stop() {
	close(s.done)
	s.ln.Close()
	s.mu.Lock()
	for c := range s.open {
		c.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

// hangUp closes every connection, as a server does with idle ones.
func (s *server) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.open {
		c.Close()
	}
}

func (s *server) options() RelayOptions {
	return RelayOptions{Host: "127.0.0.1", Port: s.ln.Addr().(*net.TCPAddr).Port, TLS: "none", Connections: 4,
		Now: func() time.Time { return testNow }}
}

func (s *server) relay(change func(*RelayOptions)) *Relay {
	s.t.Helper()
	o := s.options()
	if change != nil {
		change(&o)
	}
	r, err := NewRelay(o)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { r.Close() })
	return r
}

// rule notes the command and returns what to answer.
func (s *server) rule(verb, line string) string {
	s.mu.Lock()
	s.count[verb]++
	n := s.count[verb]
	s.commands = append(s.commands, line)
	s.mu.Unlock()
	answer := usual
	if f := s.rules[verb]; f != nil {
		answer = f(n)
	}
	s.seen <- verb
	return answer
}

// await waits until the server has been asked for verb.
func (s *server) await(verb string) {
	s.t.Helper()
	timeout := time.After(10 * time.Second)
	for {
		select {
		case got := <-s.seen:
			if got == verb {
				return
			}
		case <-timeout:
			s.t.Fatalf("the server was never asked for %s", verb)
		}
	}
}

func (s *server) accepted() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.letters)
}

func (s *server) said() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.commands)
}

func (s *server) asked(verb string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count[verb]
}

// endings waits until n connections have ended, and says how.
func (s *server) endings(n int) []string {
	s.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		s.mu.Lock()
		ended := slices.Clone(s.ended)
		s.mu.Unlock()
		if len(ended) >= n {
			return ended
		}
	}
	s.t.Fatalf("%d connections have not ended", n)
	return nil
}

// A talk is one connection's dialogue.
type talk struct {
	*server
	conn net.Conn
	r    *bufio.Reader
	mail bool // a sender was accepted
	rcpt bool // and a recipient
}

func (s *server) talk(raw net.Conn) {
	d := &talk{server: s, conn: raw}
	end := "eof"
	defer func() {
		d.conn.Close()
		s.mu.Lock()
		delete(s.open, raw)
		s.ended = append(s.ended, end)
		s.mu.Unlock()
	}()
	if s.implicit {
		d.conn = tls.Server(raw, s.tls)
	}
	d.r = bufio.NewReader(d.conn)
	if !d.answer("CONNECT", "CONNECT", "220 relay.test ESMTP") {
		if end = "server"; d.rudeEnd() {
			end = "reset"
		}
		return
	}
	for {
		line, err := d.r.ReadString('\n')
		if err != nil {
			if strings.Contains(err.Error(), "reset") {
				end = "reset"
			}
			return
		}
		line = strings.TrimRight(line, "\r\n")
		verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
		if verb == "QUIT" {
			end = "quit"
			d.answer(verb, line, "221 2.0.0 bye")
			return
		}
		if !d.command(verb, line) {
			if end = "server"; d.rudeEnd() {
				end = "reset"
			}
			return
		}
	}
}

// rudeEnd waits for the client to go, and reports whether it went with a reset.
func (d *talk) rudeEnd() bool {
	if d.wake != nil {
		<-d.wake
	}
	_, err := io.Copy(io.Discard, d.conn)
	return err != nil && strings.Contains(err.Error(), "reset")
}

func (d *talk) command(verb, line string) bool {
	switch verb {
	case "EHLO", "HELO":
		exts := append([]string{"relay.test greets you"}, d.extensions...)
		if _, secured := d.conn.(*tls.Conn); d.tls != nil && !secured {
			exts = append(exts, "STARTTLS")
		}
		var b strings.Builder
		for i, e := range exts {
			sep := "-"
			if i == len(exts)-1 {
				sep = " "
			}
			b.WriteString("250" + sep + e + "\r\n")
		}
		return d.answer(verb, line, strings.TrimSuffix(b.String(), "\r\n"))
	case "STARTTLS":
		if !d.answer(verb, line, "220 2.0.0 go on") {
			return false
		}
		t := tls.Server(d.conn, d.tls)
		d.conn, d.r = t, bufio.NewReader(t)
		return t.Handshake() == nil
	case "AUTH":
		return d.auth(line)
	case "MAIL":
		return d.answerTo(verb, line, "250 2.1.0 ok", func(reply string) { d.mail, d.rcpt = reply[0] == '2', false })
	case "RSET":
		return d.answerTo(verb, line, "250 2.0.0 ok", func(reply string) { d.mail, d.rcpt = false, false })
	case "RCPT":
		usually := "250 2.1.5 ok"
		if !d.mail {
			usually = "503 5.5.1 no sender"
		}
		return d.answerTo(verb, line, usually, func(reply string) { d.rcpt = reply[0] == '2' })
	case "DATA":
		usually := "354 go on"
		if !d.rcpt {
			usually = "503 5.5.1 no valid recipients"
		}
		began := false
		if ok := d.answerTo(verb, line, usually, func(reply string) { began = strings.Contains(reply, "354") }); !ok {
			return false
		}
		return !began || d.body()
	default:
		return d.answer(verb, line, "250 2.0.0 ok")
	}
}

func (d *talk) body() bool {
	var letter strings.Builder
	for first := true; ; first = false {
		line, err := d.r.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		if first && !d.answer("BODY", "BODY", quiet) {
			return false
		}
		letter.WriteString(strings.TrimPrefix(line, "."))
	}
	usually := "250 2.0.0 ok: queued as 4711"
	if !d.rcpt {
		usually = "554 5.5.1 no valid recipients"
	}
	accepted := d.rcpt
	d.mail, d.rcpt = false, false
	return d.answerTo("DOT", ".", usually, func(reply string) {
		if accepted && reply[0] == '2' {
			d.mu.Lock()
			d.letters = append(d.letters, letter.String())
			d.mu.Unlock()
		}
	})
}

// auth takes the user "relay" with the password "open sesame", by PLAIN or LOGIN.
func (d *talk) auth(line string) bool {
	words := strings.Fields(line)
	var user, password string
	switch strings.ToUpper(words[1]) {
	case "PLAIN":
		b, _ := base64.StdEncoding.DecodeString(words[2])
		if parts := strings.Split(string(b), "\x00"); len(parts) == 3 {
			user, password = parts[1], parts[2]
		}
	case "LOGIN":
		for i, ask := range []string{"Username:", "Password:"} {
			fmt.Fprintf(d.conn, "334 %s\r\n", base64.StdEncoding.EncodeToString([]byte(ask)))
			l, _ := d.r.ReadString('\n')
			b, _ := base64.StdEncoding.DecodeString(strings.TrimSpace(l))
			if i == 0 {
				user = string(b)
			} else {
				password = string(b)
			}
		}
	}
	usually := "535 5.7.8 Error: authentication failed"
	if user == "relay" && password == "open sesame" {
		usually = "235 2.7.0 welcome"
	}
	return d.answer("AUTH", words[0]+" "+words[1], usually)
}

func (d *talk) answer(verb, line, usually string) bool {
	return d.answerTo(verb, line, usually, func(string) {})
}

// answerTo answers as the rule says, and tells before it does. It reports whether
// the dialogue goes on.
func (d *talk) answerTo(verb, line, usually string, tell func(reply string)) bool {
	reply := d.rule(verb, line)
	if reply == usual {
		reply = usually
	}
	// "250 ok and drop" decides, and then does not say so; but to a letter that
	// hasn't ended yet, both.
	reply, then, both := strings.Cut(reply, " and ")
	if reply == quiet {
		tell(usually)
		return true
	}
	tell(reply)
	if both {
		if verb == "BODY" {
			fmt.Fprintf(d.conn, "%s\r\n", reply)
		}
		reply = then
	}
	switch reply {
	case hang:
		return false
	case drop:
		d.conn.Close()
		return false
	case cut:
		raw := d.conn
		if t, ok := raw.(*tls.Conn); ok {
			raw = t.NetConn()
		}
		raw.(*net.TCPConn).SetLinger(0)
		raw.Close()
		return false
	}
	_, err := d.conn.Write([]byte(reply + "\r\n"))
	return err == nil && !strings.HasPrefix(reply, "421")
}

// An authority issues certificates for tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{key: key, pool: x509.NewCertPool()}
	der := a.issue(t, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, &key.PublicKey)
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pool.AddCert(a.cert)
	return a
}

func (a *authority) issue(t *testing.T, c *x509.Certificate, pub *ecdsa.PublicKey) []byte {
	t.Helper()
	c.SerialNumber, c.Subject = big.NewInt(time.Now().UnixNano()), pkix.Name{CommonName: "lab"}
	if c.NotAfter.IsZero() {
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	parent := a.cert
	if parent == nil {
		parent = c
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, pub, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// server returns a TLS configuration with a certificate for 127.0.0.1, after
// change has had its way with it.
func (a *authority) server(t *testing.T, change func(*x509.Certificate)) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature}
	if change != nil {
		change(c)
	}
	der := a.issue(t, c, &key.PublicKey)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}
