package lab

import (
	"encoding/binary"
	"hash/fnv"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// A Phase is a moment of an SMTP dialogue at which a script is asked.
type Phase string

// The phases, in the order in which a connection comes to them.
const (
	AtConnect  Phase = "connect"  // accepted; before any byte, and before an implicit TLS handshake
	AtGreeting Phase = "greeting" // instead of the 220
	AtEHLO     Phase = "ehlo"     // EHLO or HELO
	AtTLS      Phase = "tls"      // STARTTLS, before the handshake
	AtAuth     Phase = "auth"     // the credentials have been read
	AtMail     Phase = "mail"     // MAIL FROM
	AtRcpt     Phase = "rcpt"     // RCPT TO
	AtData     Phase = "data"     // DATA, instead of the 354
	AtBody     Phase = "body"     // the first bytes of the letter have been read
	AtDot      Phase = "dot"      // the whole letter has been read, up to the final dot
	AtReset    Phase = "rset"     // RSET
	AtNoop     Phase = "noop"     // NOOP
	AtQuit     Phase = "quit"     // QUIT
)

// Phases lists every phase in their order.
func Phases() []Phase {
	return []Phase{AtConnect, AtGreeting, AtEHLO, AtTLS, AtAuth, AtMail, AtRcpt, AtData, AtBody, AtDot, AtReset, AtNoop, AtQuit}
}

// A Step is where a dialogue stands when a script is asked what to do.
type Step struct {
	Phase       Phase
	Conn        int    // number of the connection, from 1 in the order of their coming
	Transaction int    // how often the connection has said MAIL, from 1; 0 before
	TLS         bool   // whether the connection is encrypted
	User        string // who is logged in, at AtAuth who wants to be; "" is nobody
	From        string // envelope sender from AtMail on; "" is the null sender too
	To          string // at AtRcpt this recipient, from AtData to AtDot the first that was accepted; else ""

	// Attempt is how often any connection has named To in RCPT, this time
	// included. 0 where To is "".
	Attempt int

	// Message is the letter, at AtDot alone; nil elsewhere.
	Message *Message
}

// A Reply is what the server answers. The zero value is what it would answer
// of its own accord.
type Reply struct {
	Code     int    // RFC 5321 4.2
	Enhanced string // RFC 3463, such as "5.1.1"; left out where ENHANCEDSTATUSCODES is not offered
	Text     string // lines divided by \n; "" is a text of the server's own
}

// A Reaction is what a script wants done. The zero value lets the server do
// as usual.
type Reaction struct {
	// Reply is given instead of the usual one. A code of 400 or more also
	// refuses what the client asked for; 421 closes the connection after it.
	Reply Reply

	// Delay is how long to wait before the reply, or before the end. The
	// letter of a dot that is accepted has been recorded before.
	Delay time.Duration

	// Drip is how long to wait after each byte of the reply.
	Drip time.Duration

	// Stall never replies: the connection is open until the client goes.
	Stall bool

	// Drop closes the connection without a reply.
	Drop bool

	// Abort is Drop with a TCP reset, so that what was in flight is lost.
	Abort bool

	// Accept, at AtDot, takes the letter whatever else is said here: it is
	// recorded although the client may never know.
	Accept bool

	// Hide, at AtEHLO, is the keyword of an extension that is not offered this
	// time, nor taken.
	Hide string
}

// ends reports whether the reaction leaves the client without a reply.
func (r Reaction) ends() bool { return r.Stall || r.Drop || r.Abort }

// refuses reports whether what the client asked for is not done.
func (r Reaction) refuses() bool { return r.Reply.Code >= 400 || r.ends() }

// A Script says what a server does at each step. It is called by the goroutines
// of all connections. nil is a server without surprises.
//
// Two runs of the same scripts of this package react to the same letters in the
// same way, in whatever order connections bring them; only Times counts them
// as they come.
type Script func(Step) Reaction

// At reacts at one phase and leaves the others alone.
func At(phase Phase, r Reaction) Script {
	return func(s Step) Reaction {
		if s.Phase == phase {
			return r
		}
		return Reaction{}
	}
}

// First asks scripts in turn, and takes the first reaction that isn't the
// usual one. nil scripts are passed over.
func First(scripts ...Script) Script {
	scripts = slices.DeleteFunc(slices.Clone(scripts), func(s Script) bool { return s == nil })
	return func(s Step) Reaction {
		for _, script := range scripts {
			if r := script(s); r != (Reaction{}) {
				return r
			}
		}
		return Reaction{}
	}
}

// Sometimes asks script with probability p (0 to 1). The choice is drawn anew for each
// recipient and attempt, or where there is no recipient for each transaction,
// and follows from the seed alone.
func Sometimes(p float64, seed uint64, script Script) Script {
	return func(s Step) Reaction {
		if draw(seed, s) < p {
			return script(s)
		}
		return Reaction{}
	}
}

// draw returns a number in [0, 1) that is the same for the same seed and step.
func draw(seed uint64, s Step) float64 {
	h := fnv.New64a()
	number := func(n uint64) { h.Write(binary.LittleEndian.AppendUint64(nil, n)) }
	number(seed)
	h.Write([]byte(s.Phase))
	if s.To != "" {
		h.Write([]byte("\x00" + s.To + "\x00"))
		number(uint64(s.Attempt))
	} else {
		number(uint64(s.Conn))
		number(uint64(s.Transaction))
	}
	// FNV's high bits hardly move for a change at the end: mix them (the
	// finaliser of MurmurHash3).
	x := h.Sum64()
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	x ^= x >> 33
	return float64(x>>11) / (1 << 53)
}

// For asks script where a recipient is known and match says so: to is as the
// client wrote it.
func For(match func(to string) bool, script Script) Script {
	return func(s Step) Reaction {
		if s.To != "" && match(s.To) {
			return script(s)
		}
		return Reaction{}
	}
}

// ToAddress matches one recipient, for For.
func ToAddress(address string) func(to string) bool {
	return func(to string) bool { return strings.EqualFold(to, address) }
}

// ToDomain matches the recipients of a domain, for For.
func ToDomain(domain string) func(to string) bool {
	return func(to string) bool {
		return len(to) > len(domain) && strings.EqualFold(to[len(to)-len(domain)-1:], "@"+domain)
	}
}

// Until asks script at the first n attempts of each recipient: greylisting.
func Until(n int, script Script) Script {
	return func(s Step) Reaction {
		if s.To != "" && s.Attempt <= n {
			return script(s)
		}
		return Reaction{}
	}
}

// Times lets script react n times in all, and never after.
func Times(n int, script Script) Script {
	var reacted atomic.Int64
	return func(s Step) Reaction {
		r := script(s)
		if r != (Reaction{}) && reacted.Add(1) > int64(n) {
			return Reaction{}
		}
		return r
	}
}
