package mailer

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"convened"
)

// TestVerdictOnWhatServersSay is a table of replies that servers really give,
// each at the phase where they give it.
func TestVerdictOnWhatServersSay(t *testing.T) {
	const (
		planned, sent, refused, unknown = convened.Planned, convened.Sent, convened.Refused, convened.Unknown
		addr, policy, content           = convened.CauseAddress, convened.CausePolicy, convened.CauseContent
		srv, slow, login, rel, doubt    = convened.CauseServer, convened.CauseSlowDown, convened.CauseLogin, convened.CauseRelay, convened.CauseDoubt
	)
	for _, tt := range []struct {
		phase, reply string
		state        convened.State
		cause        convened.Cause
	}{
		// Accepted.
		{"dot", "250 2.0.0 Ok: queued as 4cXyZ123", sent, ""},                                       // Postfix
		{"dot", "250 OK id=1rTqXY-0001aB-2c", sent, ""},                                             // Exim
		{"dot", "250 2.0.0 OK  1732464000 5b1f17b1804b1-434b0f6a7csi12345678.90 - gsmtp", sent, ""}, // Gmail
		{"dot", "250 2.6.0 <x@y> [InternalId=1234, Hostname=X.prod.outlook.com] 12345 bytes in 0.1, 100 KB/sec Queued mail for delivery", sent, ""},
		{"dot", "250-2.0.0 Requested mail action okay,\r\n250 completed: id=0MK0yq-1abc", sent, ""},
		{"dot", "250", sent, ""},

		// The address.
		{"rcpt", "550-5.1.1 The email account that you tried to reach does not exist. Please try\r\n550-5.1.1 double-checking the recipient's email address for typos or\r\n550 5.1.1 unnecessary spaces. - gsmtp", refused, addr},
		{"rcpt", "550 5.1.1 <x@example.org>: Recipient address rejected: User unknown in virtual mailbox table", refused, addr},
		{"rcpt", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient x@example.org not found by SMTP address lookup", refused, addr},
		{"rcpt", "550 5.4.1 Recipient address rejected: Access denied. [X.prod.protection.outlook.com]", refused, addr},
		{"rcpt", "554 5.1.1 mailbox unavailable", refused, addr},
		{"rcpt", "550 Unrouteable address", refused, addr},                             // Exim
		{"rcpt", "550 No such user here", refused, addr},                               // cPanel
		{"rcpt", "550 Requested action not taken: mailbox unavailable", refused, addr}, // GMX
		{"rcpt", "551 User not local", refused, addr},
		{"rcpt", "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", refused, addr},      // qmail: no enhanced code where it belongs
		{"rcpt", "553-5.1.2 We weren't able to find the recipient domain.\r\n553 5.1.2 gsmtp", refused, addr}, // Gmail
		{"rcpt", "501 5.1.3 Bad recipient address syntax", refused, addr},
		{"rcpt", "501 Syntax error in parameters or arguments", refused, addr},
		{"rcpt", "556 5.1.10 Recipient address has null MX", refused, addr},
		{"rcpt", "550 5.2.1 The email account that you tried to reach is disabled.", refused, addr},
		{"dot", "554 5.2.1 mailbox disabled", refused, addr},
		{"dot", "550 5.1.1 unknown user", refused, addr}, // LMTP and before-queue filters
		{"rcpt", "553 5.6.7 SMTPUTF8 is not supported for this mailbox", refused, addr},

		// Policy: the operator's business, and not held against the address.
		{"dot", "550-5.7.26 This mail has been blocked because the sender is unauthenticated.\r\n550 5.7.26 gsmtp", refused, policy},
		{"dot", "550-5.7.1 [192.0.2.1] Our system has detected that this message is likely unsolicited mail.\r\n550 5.7.1 gsmtp", refused, policy},
		{"dot", "552-5.7.0 This message was blocked because its content presents a potential\r\n552 5.7.0 security issue. gsmtp", refused, policy},
		{"rcpt", "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org", refused, policy},
		{"mail", "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent (S3150). [X.outlook.com]", refused, policy},
		{"rcpt", "554 5.7.1 <x@example.org>: Relay access denied", refused, policy},
		{"rcpt", "550 5.7.60 SMTP; Client does not have permissions to send as this sender", refused, policy},
		{"dot", "554 Message refused", refused, policy},
		{"dot", "554 5.0.0 Error: transaction failed, blame it on the weather", refused, policy},
		{"dot", "550 This message was classified as SPAM and may not be delivered", refused, policy},
		{"dot", "571 Delivery not authorized, message refused", refused, policy},
		{"mail", "550 5.1.0 <x@example.org>: Sender rejected", refused, policy},
		{"mail", "553 5.1.8 <x@example.invalid>... Domain of sender address does not exist", refused, policy}, // sendmail
		{"rcpt", "550 5.1.8 Access denied, bad outbound sender", refused, policy},                             // Microsoft 365
		{"rcpt", "550 5.1.7 <x@example.org>: Sender address rejected: undeliverable address", refused, policy},
		{"rcpt", "552 5.2.2 The email account that you tried to reach is over quota", refused, policy},
		{"mail", "550 Administrative prohibition", refused, policy},
		{"rcpt", "521 5.3.2 this host does not accept mail", refused, policy},
		{"rcpt", "555 5.5.2 Syntax error, goodbye. - gsmtp", refused, policy},

		// A fault of ours.
		{"mail", "552 5.3.4 Message size exceeds fixed limit", refused, content},
		{"dot", "552-5.2.3 Your message exceeded Google's message size limits.\r\n552 5.2.3 gsmtp", refused, content},
		{"dot", "552 Message exceeds maximum fixed size", refused, content},
		{"dot", "554 5.6.0 Message content rejected: corrupt MIME", refused, content},
		{"dot", "550 5.6.11 SMTPSEND.BareLinefeedsAreIllegal; message contains bare linefeeds", refused, content},
		{"dot", "554 5.6.1 Message contains 8-bit data", refused, content},

		// Later.
		{"rcpt", "450 4.2.0 <x@example.org>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/", planned, srv},
		{"rcpt", "451 Greylisted, please try again in 300 seconds", planned, srv},
		{"rcpt", "451 Temporary local problem - please try later", planned, srv}, // Exim
		{"rcpt", "452 4.2.2 The email account that you tried to reach is over quota", planned, srv},
		{"rcpt", "450 4.1.1 <x@example.org>: Recipient address rejected: unverified address", planned, srv},
		{"mail", "452 4.3.1 Insufficient system storage", planned, srv},
		{"data", "451 4.3.0 Error: queue file write error", planned, srv},
		{"dot", "451 4.3.5 Server configuration problem", planned, srv},
		{"dot", "432 4.3.2 Concurrent connections limit exceeded. [X.outlook.com]", planned, srv},
		{"dot", "552 4.2.2 mailbox full, try again later", planned, srv},
		{"mail", "503 5.5.1 Error: nested MAIL command", planned, srv},
		{"rcpt", "500 5.5.2 Error: command not recognized", planned, srv},

		// Slower.
		{"mail", "421 4.7.0 x.example.org Error: too many errors", planned, slow},
		{"mail", "421-4.7.28 Gmail has detected an unusual rate of unsolicited mail.\r\n421 4.7.28 gsmtp", planned, slow},
		{"rcpt", "450-4.7.1 Client host rejected: cannot find your hostname\r\n450 4.7.1 x", planned, slow},
		{"rcpt", "451 4.7.500 Server busy. Please try again later from [192.0.2.1]. (S77719)", planned, slow}, // Outlook
		{"mail", "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume", planned, slow},
		{"dot", "421 Lost incoming connection", planned, slow},

		// Our login.
		{"mail", "530 5.7.0 Authentication Required. For more information, go to https://support.google.com/", planned, login},
		{"mail", "530 5.7.57 Client not authenticated to send mail.", planned, login},
		{"mail", "530 5.7.0 Must issue a STARTTLS command first", planned, login},
		{"rcpt", "530 SMTP authentication is required.", planned, login},
		{"auth", "535-5.7.8 Username and Password not accepted.\r\n535 5.7.8 gsmtp", planned, login},
		{"auth", "535 5.7.139 Authentication unsuccessful, basic authentication is disabled.", planned, login},
		{"auth", "534-5.7.9 Application-specific password required.\r\n534 5.7.9 gsmtp", planned, login},
		{"auth", "504 5.7.4 Unrecognized authentication type", planned, login},
		{"auth", "454 4.7.0 Temporary authentication failure", planned, rel},

		// The relay.
		{"greeting", "554 5.7.1 No SMTP service here", planned, rel},
		{"greeting", "421 4.3.2 Service not available", planned, rel},
		{"ehlo", "550 Access denied - Invalid HELO name", planned, rel},
		{"tls", "454 4.7.0 TLS not available due to local problem", planned, rel},

		// Nothing, or nothing that makes sense.
		{"connect", "", planned, rel},
		{"tls", "", planned, rel},
		{"auth", "", planned, rel},
		{"mail", "", planned, srv},
		{"rcpt", "", planned, srv},
		{"data", "", planned, srv},
		{"dot", "", unknown, doubt},
		{"dot", "354 go on", unknown, doubt},
		{"data", "250 ok", planned, srv},
	} {
		var rep reply
		if tt.reply != "" {
			var err error
			if rep, err = readReply(bufio.NewReader(strings.NewReader(tt.reply+"\r\n")), nil); err != nil {
				t.Errorf("readReply(%q): %v", tt.reply, err)
				continue
			}
		}
		state, cause := verdict(tt.phase, rep.code, rep.enhanced())
		if state != tt.state || cause != tt.cause {
			t.Errorf("at %s, %q: %s %q, want %s %q", tt.phase, tt.reply, state, cause, tt.state, tt.cause)
		}
	}
}

// TestVerdictNeverSaysSentBeforeTheDotNorRefusedWithoutACode tries every code at
// every phase.
func TestVerdictNeverSaysSentBeforeTheDotNorRefusedWithoutACode(t *testing.T) {
	phases := []string{phaseConnect, phaseGreeting, phaseEhlo, phaseTLS, phaseAuth, phaseMail, phaseRcpt, phaseData, phaseDot}
	for _, phase := range phases {
		for code := range 600 {
			for _, enhanced := range []string{"", "2.0.0", "4.7.1", "5.1.1", "5.7.1", "5.6.0"} {
				state, cause := verdict(phase, code, enhanced)
				switch {
				case state == convened.Sent:
					if phase != phaseDot || code/100 != 2 || cause != "" {
						t.Fatalf("verdict(%s, %d, %q) = sent", phase, code, enhanced)
					}
				case state == convened.Refused:
					if code/100 != 5 || phase == phaseAuth || cause == "" || strings.HasPrefix(enhanced, "4") {
						t.Fatalf("verdict(%s, %d, %q) = refused", phase, code, enhanced)
					}
				case state == convened.Unknown:
					if phase != phaseDot || code >= 400 || code/100 == 2 {
						t.Fatalf("verdict(%s, %d, %q) = unknown", phase, code, enhanced)
					}
				case state != convened.Planned || cause == "":
					t.Fatalf("verdict(%s, %d, %q) = %s %q", phase, code, enhanced, state, cause)
				}
			}
		}
	}
}

func TestReadReplyTakesWhatServersWriteAndNothingElse(t *testing.T) {
	for _, tt := range []struct {
		in       string
		code     int
		enhanced string
		text     string
	}{
		{"250 ok\r\n", 250, "", "ok"},
		{"250 ok\n", 250, "", "ok"},
		{"250\r\n", 250, "", ""},
		{"250-one\r\n250-\r\n250 three\r\n", 250, "", "one  three"},
		{"550-5.1.1 a\r\n550 5.1.1 b\r\n", 550, "5.1.1", "5.1.1 a 5.1.1 b"},
		{"550-well\r\n550 5.1.1 b\r\n", 550, "5.1.1", "well 5.1.1 b"},
		{"550 5.1.1\r\n", 550, "5.1.1", "5.1.1"},
		{"550 5.1.1.1 no\r\n", 550, "", "5.1.1.1 no"},
		{"550 (#5.1.1) no\r\n", 550, "", "(#5.1.1) no"},
		{"250 a\x00b\x1bc\xff\r\n", 250, "", "a b c\ufffd"},
		{"250 " + strings.Repeat("é", 1500) + "\r\n", 250, "", strings.Repeat("é", 500)},
	} {
		rep, err := readReply(bufio.NewReaderSize(strings.NewReader(tt.in), maxReplyLine), nil)
		if err != nil || rep.code != tt.code || rep.enhanced() != tt.enhanced || rep.text() != tt.text {
			t.Errorf("readReply(%.60q) = %d %q %q, %v", tt.in, rep.code, rep.enhanced(), rep.text(), err)
		}
		if !utf8.ValidString(rep.text()) {
			t.Errorf("readReply(%.60q) keeps invalid UTF-8", tt.in)
		}
	}
	for _, tt := range []struct {
		in   string
		want error
	}{
		{"", io.EOF},
		{"25", io.ErrUnexpectedEOF},
		{"250 ok", io.ErrUnexpectedEOF},
		{"250-ok\r\n", io.ErrUnexpectedEOF},
		{"\r\n", errGarbage},
		{"ok\r\n", errGarbage},
		{"2500 ok\r\n", errGarbage},
		{"150 ok\r\n", errGarbage},
		{"650 ok\r\n", errGarbage},
		{"2x0 ok\r\n", errGarbage},
		{"250-ok\r\n550 no\r\n", errGarbage},
		{"HTTP/1.1 400 Bad Request\r\n", errGarbage},
		{"250 " + strings.Repeat("x", 5000) + "\r\n", errGarbage},
		{strings.Repeat("250-x\r\n", 200) + "250 x\r\n", errGarbage},
	} {
		if rep, err := readReply(bufio.NewReaderSize(strings.NewReader(tt.in), maxReplyLine), nil); !errors.Is(err, tt.want) || rep.code != 0 {
			t.Errorf("readReply(%.40q) = %v, %v, want %v", tt.in, rep, err, tt.want)
		}
	}
}

func TestAnEnhancedCodeStandsAloneAtTheBeginningOfALine(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"2.0.0 Ok: queued as 4cFz0L1Qn5z2k": "2.0.0", "5.1.1": "5.1.1", "4.7.1\tlater": "4.7.1", " \t5.7.26 no": "5.7.26", "5.999.999 x": "5.999.999", "2.0.0\r": "2.0.0",
		"": "", "2": "", "2.": "", "2.0": "", "2.0.": "", "2..0 x": "", "2.0.0.0 x": "", "2.0.0: x": "", "2.0.0x": "", "3.0.0 x": "", "1.0.0 x": "", "5.1000.1 x": "", "5.1.1000 x": "",
		"Ok 2.0.0": "", "#5.7.1": "", "(5.7.1) x": "", "5.7.1) x": "", "\v5.7.1 x": "", "\u00a05.7.1 x": "", "5.7.1\u00a0x": "", "25.0.0 x": "", "5,1,1 x": "", "5.١.1 x": "",
	} {
		if got := enhancedCode(line); got != want {
			t.Errorf("enhancedCode(%q) = %q, want %q", line, got, want)
		}
	}
	for _, r := range []reply{{250, []string{"first", "2.6.0 second", "2.7.0 third"}}, {250, []string{"2.6.0"}}} {
		if got := r.enhanced(); got != "2.6.0" {
			t.Errorf("%q has the code %q", r.lines, got)
		}
	}
}
