package intake

import (
	"context"
	"errors"

	"convened"
	"convened/address"
	"convened/calendar"
	"convened/store"
)

// What a mail was that was dropped, as it is counted and logged. The others are
// counted by their convened.ReturnKind.
const (
	droppedAuto       = "auto-reply"   // out of office and the like
	droppedRead       = "read-receipt" // RFC 8098
	droppedMessage    = "message"      // what a person wrote
	droppedUnmatched  = "unmatched"    // about no letter of ours, or it does not prove that it is
	droppedNoEffect   = "feedback"     // a feedback report that is no complaint
	droppedUnreadable = "unreadable"
)

// take does with a mail what its form says, for one recipient. An error means
// that the database did not take it, and the mail is to come again.
func (in *Intake) take(ctx context.Context, box mailbox, m *mail) error {
	switch answer := m.answer(); {
	case len(m.header) == 0:
		return in.drop(ctx, droppedUnreadable)
	case answer != nil:
		return in.takeAnswer(ctx, m, answer)
	case m.feedback != nil:
		kind, effect, is := feedback(m.feedback)
		if !is {
			return in.drop(ctx, droppedNoEffect)
		}
		return in.takeComplaint(ctx, box, m, kind, effect)
	case m.isReport:
		return in.takeReport(ctx, box, m)
	case box.complaints && m.copy != nil:
		return in.takeComplaint(ctx, box, m, "", convened.RemindersMuted)
	case m.read:
		return in.drop(ctx, droppedRead)
	case m.isBounce():
		return in.takeWords(ctx, box, m)
	case m.isAuto(), m.from == "":
		// A null sender wants no answer, so what has one and is no bounce is an
		// automatic answer (RFC 5230 5.1, RFC 3834 3.3).
		return in.drop(ctx, droppedAuto)
	}
	return in.drop(ctx, droppedMessage)
}

// answer returns what a mail answers to an invitation; nil if it doesn't.
func (m *mail) answer() *calendar.Reply {
	for _, data := range m.answers {
		if r, err := calendar.ParseReply(data); err == nil {
			return r
		}
	}
	return nil
}

// takeAnswer records what somebody answered in a calendar. The UID is known to
// who was sent the invitation and to those whom they passed it on to; these answer
// for themselves, under their own address, and nobody is concerned.
func (in *Intake) takeAnswer(ctx context.Context, m *mail, r *calendar.Reply) error {
	a, err := in.store.AddresseeOfInvitation(ctx, r.UID)
	if errors.Is(err, store.ErrNotFound) || err == nil && address.Key(r.Attendee) != a.Address {
		return in.drop(ctx, droppedUnmatched)
	}
	if err != nil {
		return err
	}
	ret := convened.Return{Kind: convened.AnswerGiven, Action: known(string(r.Answer), "accepted", "tentative", "declined", "delegated", "needs-action"), Said: r.Stamp}
	switch r.Answer {
	case calendar.Declined:
		ret.Effect = convened.SaidNo
	case calendar.Accepted, calendar.Tentative:
		ret.Effect = convened.SaidYes
	}
	return in.record(ctx, a, m, ret)
}

// takeReport records what a server says became of a letter.
func (in *Intake) takeReport(ctx context.Context, box mailbox, m *mail) error {
	a, err := in.addressee(ctx, box, m)
	if err != nil {
		return in.dropUnmatched(ctx, err)
	}
	r, mark := choose(m.reports, a.Address)
	ret := convened.Return{Action: r.action, Status: r.status, Text: r.text}
	ret.Kind, ret.Cause = r.judge()
	if mark {
		ret.Effect = convened.AddressMarked
	}
	return in.record(ctx, a, m, ret)
}

// takeWords records a bounce without a report. Only the return path can say
// which letter it is about.
func (in *Intake) takeWords(ctx context.Context, box mailbox, m *mail) error {
	if box.notice == 0 {
		return in.drop(ctx, droppedUnmatched)
	}
	a, err := in.addressee(ctx, box, m)
	if err != nil {
		return in.dropUnmatched(ctx, err)
	}
	kind, r := readWords(m.words, a.Address)
	ret := convened.Return{Kind: kind, Status: r.status, Text: r.text}
	if kind != convened.OddBounce {
		_, ret.Cause = report{action: "failed", status: r.status}.judge()
	}
	if kind == convened.HardBounce && ret.Cause == convened.CauseAddress {
		ret.Effect = convened.AddressMarked
	}
	return in.record(ctx, a, m, ret)
}

// takeComplaint records that a reader called a letter spam. Who does that does
// not want reminders, whatever they wanted before.
func (in *Intake) takeComplaint(ctx context.Context, box mailbox, m *mail, kind string, effect convened.Effect) error {
	if path := m.feedback["original-mail-from"]; box.notice == 0 && path != "" {
		if id, ok := in.paths.ParseReturnPath(path); ok {
			box.notice = id
		}
	}
	a, err := in.addressee(ctx, box, m)
	if err != nil {
		return in.dropUnmatched(ctx, err)
	}
	return in.record(ctx, a, m, convened.Return{Kind: convened.Complaint, Action: kind, Effect: effect})
}

// addressee returns to whom the letter went that a mail is about: by the return
// path that it came to, else by that of the copy in it, else by the copy's number
// and Message-ID. Its error wraps store.ErrNotFound where none of them proves
// anything.
func (in *Intake) addressee(ctx context.Context, box mailbox, m *mail) (store.Addressee, error) {
	number, messageID, returnPath := m.copyOf()
	if box.notice == 0 && returnPath != "" {
		if id, ok := in.paths.ParseReturnPath(returnPath); ok {
			box.notice = id
		}
	}
	switch {
	case box.notice != 0:
		return in.store.AddresseeOf(ctx, box.notice)
	case number != 0 && messageID != "":
		return in.store.AddresseeOfCopy(ctx, convened.NoticeID(number), messageID)
	}
	return store.Addressee{}, store.ErrNotFound
}

func (in *Intake) record(ctx context.Context, a store.Addressee, m *mail, r convened.Return) error {
	r.Notice, r.Registration, r.At, r.Digest = a.Notice, a.Registration, in.now(), m.digest
	effect, err := in.store.Return(ctx, a.Event, r)
	if err != nil {
		return err
	}
	in.log.Info("returned", "kind", string(r.Kind), "notice", int64(r.Notice), "registration", int64(r.Registration), "event", a.Event,
		"action", r.Action, "enhanced", r.Status, "cause", string(r.Cause), "effect", string(effect))
	return nil
}

func (in *Intake) dropUnmatched(ctx context.Context, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return in.drop(ctx, droppedUnmatched)
	}
	return err
}

// drop counts a mail from which nothing follows.
func (in *Intake) drop(ctx context.Context, what string) error {
	if err := in.store.CountIncoming(ctx, in.now(), what); err != nil {
		return err
	}
	in.log.Info("dropped", "what", what)
	return nil
}
