//go:build linux

package main

import (
	"fmt"
	"strconv"
	"strings"
)

// A row is what the database says of a notice when all is over. One without a
// notice is a seat that none was planned for.
type row struct {
	seat      int64
	address   string
	notice    int64 // 0: none
	kind      string
	state     string // or doubted: cancelled after an attempt of which nobody knows what came
	messageID string
	attempts  int
	reason    string
}

const rowsQuery = `SELECT r.id, translate(coalesce(r.address, r.email, ''), E'\t\r\n', '   '), coalesce(n.id, 0), coalesce(n.kind, ''), CASE WHEN n.state = 'cancelled' AND n.doubts > 0 THEN 'doubted' ELSE coalesce(n.state, '') END,
	coalesce(n.message_id, ''), coalesce(n.attempt, 0), translate(coalesce(n.reason, n.last_error, ''), E'\t\r\n', '   ')
	FROM convened.registrations r LEFT JOIN convened.notices n ON n.registration = r.id
	WHERE r.planned_at IS NULL OR r.seat = r.id ORDER BY 1, 3`

func parseRows(text string) ([]row, error) {
	var rows []row
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimRight(line, "\r\n"), "\t")
		if len(f) != 8 {
			return nil, fmt.Errorf("read the rows: %q", line)
		}
		r := row{address: f[1], kind: f[3], state: f[4], messageID: f[5], reason: f[7]}
		var errs [3]error
		r.seat, errs[0] = strconv.ParseInt(f[0], 10, 64)
		r.notice, errs[1] = strconv.ParseInt(f[2], 10, 64)
		r.attempts, errs[2] = strconv.Atoi(f[6])
		for _, err := range errs {
			if err != nil {
				return nil, fmt.Errorf("read the rows: %w", err)
			}
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// An account is what a scenario comes to.
type account struct {
	People    int `json:"people"`
	Mails     int `json:"mails"`
	Lost      int `json:"lost"`
	Twice     int `json:"duplicates"`
	Falsely   int `json:"falsely_sent"`
	Refused   int `json:"refused"`
	Cancelled int `json:"cancelled"`
	Held      int `json:"held"`

	Strangers int `json:"strangers"` // letters that no row is of
	Changed   int `json:"changed"`   // copies that are not the same letter
	Untold    int `json:"untold"`    // taken, and the row says neither sent nor held

	examples []string // of what is wrong
}

func (a account) String() string {
	return fmt.Sprintf("%d people, %d mails, %d lost, %d twice, %d falsely sent, %d refused, %d cancelled, %d held, %d strangers, %d changed, %d untold",
		a.People, a.Mails, a.Lost, a.Twice, a.Falsely, a.Refused, a.Cancelled, a.Held, a.Strangers, a.Changed, a.Untold)
}

// balance holds what the server took against what the rows say.
func balance(rows []row, letters []letter) account {
	var a account
	a.Mails = len(letters)
	taken := map[int64][]letter{}
	for _, l := range letters {
		taken[l.notice] = append(taken[l.notice], l)
	}
	say := func(format string, args ...any) {
		if len(a.examples) < 5 {
			a.examples = append(a.examples, fmt.Sprintf(format, args...))
		}
	}
	known := map[int64]bool{}
	people := map[int64]bool{}
	for _, r := range rows {
		people[r.seat] = true
		known[r.notice] = true
		got := taken[r.notice]
		if r.notice == 0 {
			a.Lost++
			say("seat %d has no notice at all", r.seat)
			continue
		}
		a.Twice += max(0, len(got)-1)
		for _, l := range got {
			want := r
			// Who was erased has no address any more, and the row no Message-ID; nor
			// has one whose mark was lost in a failover.
			if r.address == "" {
				want.address = l.to
			}
			if r.messageID == "" {
				want.messageID = got[0].messageID
			}
			if l.messageID != want.messageID || !strings.EqualFold(l.to, want.address) {
				a.Changed++
				say("notice %d: the letter %s to %s is not %s to %s", r.notice, l.messageID, l.to, want.messageID, want.address)
			}
		}
		switch r.state {
		case "sent":
			if len(got) == 0 {
				a.Falsely++
				a.Lost++
				say("notice %d says sent, and the server never took it", r.notice)
			}
			continue
		case "refused":
			a.Refused++
		case "cancelled":
			a.Cancelled++
		case "doubted":
			a.Cancelled++ // who leaves while their letter is in doubt gets no second one, and the attempt says so
			continue
		case "held":
			a.Held++
			if len(got) == 0 {
				a.Lost++
				say("notice %d is held and never arrived: %s", r.notice, r.reason)
			}
			continue
		default:
			if len(got) == 0 {
				a.Lost++
			}
			say("notice %d has not come to an end: it is %s after %d attempts (%s)", r.notice, r.state, r.attempts, r.reason)
		}
		if len(got) > 0 {
			a.Untold++
			say("notice %d was taken, and its row says %s", r.notice, r.state)
		}
	}
	a.People = len(people)
	for _, l := range letters {
		if !known[l.notice] {
			a.Strangers++
			say("a letter of notice %d to %s, which is no row", l.notice, l.to)
		}
	}
	return a
}
