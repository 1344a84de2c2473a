package mailer

import (
	"strings"

	"convened"
)

// The phases of sending, as they stand in Outcome.Phase.
const (
	phaseConnect  = "connect"
	phaseGreeting = "greeting"
	phaseEhlo     = "ehlo"
	phaseTLS      = "tls"
	phaseAuth     = "auth"
	phaseMail     = "mail"
	phaseRcpt     = "rcpt"
	phaseData     = "data" // the DATA command and what follows it, up to the final dot
	phaseDot      = "dot"  // the final dot is out, its reply is not in
)

// verdict says what a server's answer means for a letter: the state of its
// notice and the cause. A code of 0 stands for no reply at all, or one that
// makes no sense.
//
// The phase comes first, since nothing that happens before MAIL can be the
// letter's fault, and nothing before the dot can have delivered it. Then the
// code decides between now, later and never (RFC 5321 4.2.1), and the enhanced
// code (RFC 3463) why, where it says more than the code does. Never takes both
// of them: a 5xx that is explained by a 4.x.x is later.
func verdict(phase string, code int, enhanced string) (convened.State, convened.Cause) {
	class, subject, detail := splitEnhanced(enhanced)

	switch phase {
	case phaseConnect, phaseGreeting, phaseEhlo, phaseTLS:
		return convened.Planned, convened.CauseRelay
	case phaseAuth:
		if code/100 == 5 {
			return convened.Planned, convened.CauseLogin
		}
		// 454 4.7.0: the server can't look up anybody at the moment.
		return convened.Planned, convened.CauseRelay
	}

	switch code / 100 {
	case 2:
		if phase == phaseDot {
			return convened.Sent, ""
		}
		return convened.Planned, convened.CauseServer
	case 4:
		return convened.Planned, later(code, subject)
	case 5:
		if class == "4" {
			return convened.Planned, later(code, subject)
		}
		return never(phase, code, subject, detail)
	}
	// No reply, or one that no server has any business to give here.
	if phase == phaseDot {
		return convened.Unknown, convened.CauseDoubt
	}
	return convened.Planned, convened.CauseServer
}

func later(code int, subject string) convened.Cause {
	if code == 421 || subject == "7" {
		return convened.CauseSlowDown
	}
	return convened.CauseServer
}

// never judges a permanent refusal. Only an address that does not work is held
// against the address; what is neither that nor a fault of the letter is the
// operator's business.
func never(phase string, code int, subject, detail string) (convened.State, convened.Cause) {
	about := explained(phase, subject, detail)
	switch {
	case about == convened.CauseAddress || about == convened.CauseContent:
		return convened.Refused, about
	case code == 530 || code == 534 || code == 535 || code == 538:
		// RFC 4954 6. Their enhanced codes are 5.7.x, which says no more.
		return convened.Planned, convened.CauseLogin
	case about != "":
		return convened.Refused, about
	}
	switch code {
	case 500, 502, 503, 504:
		// The dialogue went wrong, and the letter had no part in that. The
		// next connection may be in step again.
		return convened.Planned, convened.CauseServer
	case 501, 550, 551, 553, 556:
		// "Mailbox unavailable", if it is said of a mailbox: before RCPT it is
		// about us, after it about the letter.
		if phase == phaseRcpt {
			return convened.Refused, convened.CauseAddress
		}
	case 552:
		return convened.Refused, convened.CauseContent
	}
	return convened.Refused, convened.CausePolicy
}

// explained returns what the enhanced code says is the matter, and "" where it
// leaves that to the reply code (X.0.0, X.3.0, X.4.x, X.5.x). Microsoft 365 says
// 5.4.1 of a mailbox that its directory doesn't have, and 550 says it better.
func explained(phase, subject, detail string) convened.Cause {
	switch {
	case subject == "1":
		if phase == phaseMail || detail == "7" || detail == "8" {
			return convened.CausePolicy // the sender's address, not the recipient's
		}
		return convened.CauseAddress
	case subject == "2" && detail == "1":
		return convened.CauseAddress // the mailbox is disabled
	case subject == "2" && detail == "3", subject == "3" && detail == "4":
		return convened.CauseContent // the letter is too big
	case subject == "2" && detail == "2":
		return convened.CausePolicy // the mailbox is full, and may be emptied
	case subject == "6" && detail == "7":
		return convened.CauseAddress // RFC 6531 3.5: not for an address beyond ASCII
	case subject == "6":
		return convened.CauseContent
	case subject == "7":
		return convened.CausePolicy
	}
	return ""
}

// CauseOf returns what an enhanced status code (RFC 3463) says is the matter
// with one recipient, as reports (RFC 3464 2.3.4) use it: of a mail that a server
// had taken and gave back it means what it means in a reply. "" where the code
// leaves that open, or is none.
func CauseOf(enhanced string) convened.Cause {
	_, subject, detail := splitEnhanced(enhanced)
	return explained(phaseRcpt, subject, detail)
}

func splitEnhanced(s string) (class, subject, detail string) {
	class, rest, _ := strings.Cut(s, ".")
	subject, detail, _ = strings.Cut(rest, ".")
	return class, subject, detail
}
