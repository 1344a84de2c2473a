package intake

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"convened"
)

// A case is a mail of testdata and what is to become of it.
type sampleCase struct {
	to     string // envelope recipient
	from   string // envelope sender
	counts string // what it is counted as, where it is dropped
	want   convened.Return
	says   string // what the text must hold
}

func bounced(status string, cause convened.Cause, effect convened.Effect) convened.Return {
	return convened.Return{Kind: convened.HardBounce, Action: "failed", Status: status, Cause: cause, Effect: effect}
}

func inWords(r convened.Return) convened.Return { r.Action = ""; return r }

const (
	noMailbox = convened.CauseAddress
	marked    = convened.AddressMarked
	replies   = "replies@bounces.example.org"
	fblBox    = "complaints@bounces.example.org"
	plainBox  = "bounce@bounces.example.org"
)

var soft = convened.Return{Kind: convened.SoftBounce, Action: "failed", Status: "4.4.1", Cause: convened.CauseServer}

var samples = map[string]sampleCase{
	"postfix-unknown-user":  {to: verp, want: bounced("5.1.1", noMailbox, marked), says: "User unknown in virtual mailbox table"},
	"postfix-local":         {to: verp, want: bounced("5.1.1", noMailbox, marked), says: `unknown user: "ana"`},
	"postfix-no-domain":     {to: verp, want: bounced("5.4.4", "", ""), says: "Host not found"},
	"postfix-policy":        {to: verp, want: bounced("5.7.1", convened.CausePolicy, ""), says: "blocked using bl.example"},
	"postfix-delayed":       {to: verp, want: convened.Return{Kind: convened.SoftBounce, Action: "delayed", Status: "4.4.1", Cause: convened.CauseServer}, says: "timed out"},
	"postfix-expired":       {to: verp, want: soft, says: "timed out"},
	"postfix-delivered":     {to: verp, want: convened.Return{Kind: convened.Receipt, Action: "relayed", Status: "2.0.0"}, says: "queued as"},
	"postfix-forwarded":     {to: verp, want: bounced("5.1.1", noMailbox, ""), says: "ana.work@example.com"},
	"postfix-one-of-two":    {to: verp, want: convened.Return{Kind: convened.Receipt, Action: "delivered", Status: "2.0.0"}, says: "delivered to mailbox"},
	"exim-report":           {to: verp, want: bounced("5.1.1", noMailbox, marked), says: "User unknown"},
	"exim-words":            {to: verp, want: inWords(bounced("5.1.1", noMailbox, marked)), says: "Recipient address rejected"},
	"exim-words-no-code":    {to: verp, want: convened.Return{Kind: convened.OddBounce}, says: "No such user here"},
	"exim-words-two-codes":  {to: verp, want: convened.Return{Kind: convened.OddBounce}, says: "who knows"},
	"qmail-unknown-user":    {to: verp, want: inWords(bounced("5.1.1", noMailbox, marked)), says: "no mailbox here"},
	"qmail-too-late":        {to: verp, want: convened.Return{Kind: convened.SoftBounce, Status: "4.2.0", Cause: convened.CauseServer}, says: "in the queue too long"},
	"qmail-no-code":         {to: verp, want: convened.Return{Kind: convened.OddBounce}, says: "couldn't find any host"},
	"exchange-server":       {to: verp, want: bounced("5.1.1", noMailbox, marked), says: "RESOLVER.ADR.RecipNotFound"},
	"outlook-not-found":     {to: verp, want: bounced("5.1.10", noMailbox, marked), says: "not found by SMTP address lookup"},
	"outlook-access-denied": {to: verp, want: bounced("5.4.1", noMailbox, marked), says: "Access denied"},
	"gmail":                 {to: verp, want: bounced("5.1.1", noMailbox, marked), says: "does not exist"},
	"ses":                   {to: plainBox, want: bounced("5.2.1", noMailbox, marked), says: "is disabled"},
	"sendmail":              {to: verp, want: bounced("5.1.2", noMailbox, marked), says: "Host unknown"},
	"report-beyond-ascii":   {to: verp, want: bounced("5.1.1", noMailbox, ""), says: "gibt es nicht"}, // of ána, who is somebody else

	"complaint-yahoo":      {to: fblBox, from: "fbl@yahoo.com", want: convened.Return{Kind: convened.Complaint, Action: "abuse", Effect: convened.RemindersMuted}},
	"complaint-copy":       {to: fblBox, from: "fbl@example.com", want: convened.Return{Kind: convened.Complaint, Action: "abuse", Effect: convened.RemindersMuted}},
	"complaint-attached":   {to: fblBox, from: "staff@hotmail.com", want: convened.Return{Kind: convened.Complaint, Effect: convened.RemindersMuted}},
	"complaint-taken-back": {to: fblBox, from: "fbl@example.com", counts: "feedback"},

	"answer-google":     {to: replies, from: ana, want: convened.Return{Kind: convened.AnswerGiven, Action: "declined", Effect: convened.SaidNo, Said: time.Date(2026, 11, 12, 9, 15, 0, 0, time.UTC)}},
	"answer-outlook":    {to: "events@example.org", from: ana, want: convened.Return{Kind: convened.AnswerGiven, Action: "tentative", Effect: convened.SaidYes, Said: time.Date(2026, 11, 12, 9, 14, 59, 0, time.UTC)}},
	"answer-apple":      {to: "organiser@example.org", from: ana, want: convened.Return{Kind: convened.AnswerGiven, Action: "declined", Effect: convened.SaidNo, Said: time.Date(2026, 11, 12, 9, 15, 1, 0, time.UTC)}},
	"answer-of-another": {to: replies, from: "bo@example.com", counts: "unmatched"},
	"answer-to-nothing": {to: replies, from: ana, counts: "unmatched"},

	"away-outlook":          {to: verp, counts: "auto-reply"},
	"away-sieve":            {to: verp, counts: "auto-reply"},
	"away-unmarked":         {to: verp, counts: "auto-reply"},
	"read-receipt":          {to: replies, from: ana, counts: "read-receipt"},
	"message":               {to: replies, from: ana, counts: "message"},
	"message-with-a-bounce": {to: replies, from: ana, counts: "message"},

	"forged-message-id": {to: plainBox, counts: "unmatched"},
	"forged-no-copy":    {to: plainBox, counts: "unmatched"},
}

func TestEveryKindOfMailBecomesWhatItMeans(t *testing.T) {
	files, err := filepath.Glob("testdata/mail/*.eml")
	if err != nil || len(files) != len(samples) {
		t.Fatalf("%d files for %d cases, %v", len(files), len(samples), err)
	}
	for name, tt := range samples {
		t.Run(name, func(t *testing.T) {
			f := &fakeStore{address: ana}
			in, logs := newIntake(t, f)
			box, ours, err := in.mailbox(t.Context(), tt.to)
			if err != nil || !ours {
				t.Fatalf("%s is not taken: %v", tt.to, err)
			}
			m := readMail(tt.from, sample(t, name))
			if err := in.take(t.Context(), box, m); err != nil {
				t.Fatal(err)
			}
			if tt.counts != "" {
				if len(f.returned) != 0 || !slices.Equal(f.counted, []string{tt.counts}) {
					t.Fatalf("it was counted as %q and returned %+v, want %q", f.counted, f.returned, tt.counts)
				}
			} else {
				if len(f.returned) != 1 || len(f.counted) != 0 {
					t.Fatalf("%d returns, counted as %q", len(f.returned), f.counted)
				}
				got := f.returned[0]
				if !strings.Contains(got.Text, tt.says) || strings.ContainsAny(got.Text, "\r\n") {
					t.Errorf("the text is %q, want it to hold %q", got.Text, tt.says)
				}
				if len(got.Digest) != 16 || !got.At.Equal(noon) || got.Registration != 12 {
					t.Errorf("got %+v", got)
				}
				want := tt.want
				want.Notice, want.Registration, want.At, want.Digest, want.Text = notice, 12, noon, got.Digest, got.Text
				if want.Kind == convened.AnswerGiven {
					want.Notice = 0
				}
				if !same(got, want) {
					t.Errorf("got  %+v\nwant %+v", got, want)
				}
			}
			if s := logs.String(); strings.Contains(s, "@") || strings.Contains(s, "Webinar") || strings.Count(s, "\n") != 1 {
				t.Errorf("the log holds %q, want one line without an address or a text", s)
			}
		})
	}
}

func same(a, b convened.Return) bool {
	return a.Notice == b.Notice && a.Registration == b.Registration && a.At.Equal(b.At) && a.Kind == b.Kind && a.Action == b.Action && a.Status == b.Status &&
		a.Cause == b.Cause && a.Text == b.Text && a.Said.Equal(b.Said) && slices.Equal(a.Digest, b.Digest) && a.Effect == b.Effect
}

// What a server or a mail program on the way does to a mail changes nothing.
func TestTheFormOfAMailDoesNotMatter(t *testing.T) {
	unix := func(b []byte) []byte { return []byte(strings.ReplaceAll(string(b), "\r\n", "\n")) }
	for name, change := range map[string]func([]byte) []byte{
		"as it is":            func(b []byte) []byte { return b },
		"with LF alone":       unix,
		"from a mailbox file": func(b []byte) []byte { return append([]byte("From MAILER-DAEMON Thu Nov 12 09:15:00 2026\r\n"), b...) },
		"with a line that is no field": func(b []byte) []byte {
			return append([]byte("Return-Path: <>\r\nwhat is this\r\n: and this\r\n"), b...)
		},
		"cut off in the copy":       func(b []byte) []byte { return b[:strings.Index(string(b), "X-Convened-Kind")] },
		"without its last boundary": func(b []byte) []byte { return b[:strings.LastIndex(string(b), "--4Xk")] },
		"a report in another form": func(b []byte) []byte {
			return []byte(strings.Replace(string(b), "multipart/report; report-type=delivery-status", "multipart/mixed", 1))
		},
		"in capitals": func(b []byte) []byte {
			return []byte(strings.NewReplacer("Action: failed", "ACTION:FAILED", "Final-Recipient: rfc822; ana@example.net", "FINAL-RECIPIENT:RFC822;<Ana@EXAMPLE.NET>").Replace(string(b)))
		},
		"without an empty line in it": func(b []byte) []byte {
			return []byte(strings.Replace(string(b), "(UTC)\r\n\r\nFinal-", "(UTC)\r\nFinal-", 1))
		},
		"with more empty lines in it": func(b []byte) []byte {
			return []byte(strings.Replace(string(b), "\r\n\r\nFinal-", "\r\n\r\n \r\n\r\nFinal-", 1))
		},
		"of an unknown charset": func(b []byte) []byte {
			return []byte(strings.Replace(string(b), "charset=us-ascii", "charset=x-klingon", 1))
		},
		"with a letter of two MiB": func(b []byte) []byte { return append(b, []byte(strings.Repeat("x\r\n", 1<<20))...) },
	} {
		t.Run(name, func(t *testing.T) {
			f := &fakeStore{address: ana}
			in, _ := newIntake(t, f)
			data := change(sample(t, "postfix-unknown-user"))
			if err := in.take(t.Context(), mailbox{notice: notice}, readMail("", data)); err != nil {
				t.Fatal(err)
			}
			if len(f.returned) != 1 || f.returned[0].Status != "5.1.1" || f.returned[0].Effect != marked {
				t.Errorf("got %+v, counted as %q", f.returned, f.counted)
			}
		})
	}
}

// Who knows no return path, no Message-ID and no UID can do nothing; and who
// knows those of one letter can do nothing to another.
func TestAForgedMailDoesNothing(t *testing.T) {
	report := string(sample(t, "postfix-unknown-user"))
	open := []string{replies, plainBox, fblBox, "events@example.org", "organiser@example.org"}
	for name, text := range map[string]string{
		"another number":        strings.NewReplacer("X-Convened-Notice: 4711", "X-Convened-Notice: 4712", "Return-Path: <bounce", "X: <bounce").Replace(report),
		"no number":             strings.NewReplacer("X-Convened-Notice: 4711", "X-Convened-Notice:", "Return-Path: <bounce", "X: <bounce").Replace(report),
		"a number beyond all":   strings.NewReplacer("X-Convened-Notice: 4711", "X-Convened-Notice: "+strings.Repeat("9", 40), "Return-Path: <bounce", "X: <bounce").Replace(report),
		"a negative number":     strings.NewReplacer("X-Convened-Notice: 4711", "X-Convened-Notice: -4711", "Return-Path: <bounce", "X: <bounce").Replace(report),
		"no Message-ID":         strings.NewReplacer("Message-ID: <"+messageID, "X: <", "Return-Path: <bounce", "X: <bounce").Replace(report),
		"an empty Message-ID":   strings.NewReplacer("Message-ID: <"+messageID, "Message-ID: <", "Return-Path: <bounce", "X: <bounce").Replace(report),
		"a guessed return path": strings.NewReplacer(messageID, "x@example.org", ".0da8529778e741ef0a9b@", ".0da8529778e741ef0a9c@").Replace(report),
		"another's return path": strings.NewReplacer(messageID, "x@example.org", "bounce+4711.", "bounce+4712.").Replace(report),
		"bare":                  "Subject: x\r\nContent-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822;ana@example.net\r\nAction: failed\r\nStatus: 5.1.1\r\n",
		"in words":              string(sample(t, "qmail-unknown-user")),
		"a complaint":           strings.NewReplacer(messageID, "x@example.org").Replace(string(sample(t, "complaint-copy"))),
		"a complaint's path":    strings.NewReplacer(".0da8529778e741ef0a9b@", ".00000000000000000000@").Replace(string(sample(t, "complaint-yahoo"))),
	} {
		for _, to := range open {
			f := &fakeStore{address: ana}
			in, _ := newIntake(t, f)
			box, ours, err := in.mailbox(t.Context(), to)
			if err != nil || !ours {
				t.Fatal(to, err)
			}
			if err := in.take(t.Context(), box, readMail("", []byte(text))); err != nil {
				t.Fatal(err)
			}
			if len(f.returned) != 0 || len(f.counted) != 1 {
				t.Errorf("%s to %s: returned %+v, counted as %q", name, to, f.returned, f.counted)
			}
		}
	}
	f := &fakeStore{address: ana}
	in, _ := newIntake(t, f)
	for _, to := range []string{"", "@", "bounce+4711@bounces.example.org", "bounce+4711.@bounces.example.org", "bounce+4711.0da8529778e741ef0a9c@bounces.example.org",
		"bounce+4712.0da8529778e741ef0a9b@bounces.example.org", "bounce+4711.0da8529778e741ef0a9b@example.org", "postmaster@bounces.example.org", "ana@example.net"} {
		if box, ours, err := in.mailbox(t.Context(), to); ours || err != nil {
			t.Errorf("%q is taken: %+v, %v", to, box, err)
		}
	}
}

func TestAReportOnThePreflightOfAnEventIsRecorded(t *testing.T) {
	f := &fakeStore{}
	in, _ := newIntake(t, f)
	if err := in.take(t.Context(), mailbox{notice: notice}, readMail("", sample(t, "postfix-unknown-user"))); err != nil {
		t.Fatal(err)
	}
	if len(f.returned) != 1 || f.returned[0].Kind != convened.HardBounce {
		t.Errorf("got %+v", f.returned)
	}
}
