// Package mailer makes the letter and carries it to the relay: MIME, DKIM,
// SMTP, and what a server's reply means.
//
// # The letter
//
// A [Composer] turns a claim into a [Letter]: the whole message, as bytes, CRLF
// and signature included, before any connection is asked for. What goes into it
// comes from package templates (the words) and package calendar (the
// invitation); this package knows how the parts are put together so that
// Outlook, Gmail and Apple Mail see an invitation and spam filters see a letter. The same
// claim composed at the same time is the same letter, byte for byte; composed
// later it differs in its Date and signature alone.
//
// # The wire
//
// A [Relay] sends a letter, one recipient a transaction, over a persistent
// connection of its pool, and says in a [convened.Outcome] what came of it. On a
// [Line] the envelope of the next letter leaves with the end of the one before. It
// judges by phase and reply code, and holds to four rules:
//
//   - no reply after the final dot means unknown: the server may have it;
//   - no reply before it, or anything that nobody can make sense of, means later;
//   - a reply after the dot that accepts the letter outweighs whatever fails next;
//   - nothing is ever sent without TLS, but to this machine itself.
//
// It never says sent of what no server has accepted. An error within DATA ends
// the connection with a reset, never with QUIT, because a server may deliver
// the half of a letter that an orderly close follows.
//
// # What it will not do
//
// It reads and writes no rows, retries nothing (but on a connection that had
// died in its pool), limits no rate and knows no breaker: those are decisions of
// the caller, for which an outcome has what it needs. It logs no
// address above Debug.
//
// It is the only importer of wneessen/go-mail, of which it uses the message
// writer and the login mechanisms. Its client is not used: it has no
// pipelining, can't be stopped, and reports a delivered letter as an error when
// the RSET after it fails.
package mailer

import (
	"time"

	"convened"
)

// A Letter is one message to one person, ready for the wire.
type Letter struct {
	Notice    convened.NoticeID // zero where there is no row: a preview, a test
	Attempt   int               // of the claim
	Kind      convened.Kind
	MessageID string // without angle brackets
	From      string // envelope sender (RFC 5321 reverse-path), without angle brackets
	To        string // envelope recipient, without angle brackets
	Domain    string // the recipient's, as a lower-case A-label
	SMTPUTF8  bool   // whether To is beyond ASCII, and the server must offer RFC 6531
	Data      []byte // the whole message: CRLF line ends, signed, not dot-stuffed; nil: see Write

	// Until is when it is given up unless its final dot is on the way, on the machine's
	// clock; zero: when Send's context ends. It costs less than a context with a deadline.
	Until time.Time

	draft *draft // of what Data is written from; nil: of nothing
	sheet *sheet // on which it was
	size  int    // of Data, in bytes, since Ready; 0 before
}
