package main

import (
	"fmt"
	"time"

	"convened"
	"convened/config"
	"convened/store"
)

type statusCommand struct{}

// Run shows how the service is, as the database knows it.
func (statusCommand) Run(e *env) error {
	return e.withStore(func(_ *config.Config, s *store.Store) error {
		st, err := s.Status(e.ctx)
		if err != nil {
			return err
		}
		if e.cli.JSON {
			return e.printJSON(statusJSON(st))
		}
		alive := 0
		rows := [][]string{}
		for _, d := range st.Daemons {
			state := "dead: it did not say that it stopped"
			switch {
			case d.Alive:
				state, alive = d.Status, alive+1
				if st.At.Sub(d.BeatAt) > 4*beatInterval {
					state = "here, and has not written for a while: is the database's disk full, or somebody sitting on its rows?"
				}
			case !d.StoppedAt.IsZero():
				state = "stopped " + ago(st.At, d.StoppedAt)
			}
			if d.Alive || st.At.Sub(d.BeatAt) < 24*time.Hour {
				rows = append(rows, []string{fmt.Sprint(d.ID), d.Name, d.Version, ago(st.At, d.StartedAt), ago(st.At, d.BeatAt), state})
			}
		}
		switch alive {
		case 0:
			fmt.Fprintln(e.stdout, "No daemon is running: nothing is being sent. `systemctl status convened`, or `convened run`, tells why.")
		case 1:
			fmt.Fprintln(e.stdout, "1 daemon is running.")
		default:
			fmt.Fprintf(e.stdout, "%d daemons are running.\n", alive)
		}
		if st.ReadOnly {
			fmt.Fprintln(e.stdout, "The database is read-only: nothing is sent until it can be written to. Is this the primary?")
		}
		e.showQuarantine(st)
		if len(rows) > 0 {
			if err := e.printTable([]string{"DAEMON", "NAME", "VERSION", "STARTED", "LAST BEAT", "STATUS"}, rows); err != nil {
				return err
			}
		}
		if came := cameIn(st.Incoming); came != "" {
			fmt.Fprintln(e.stdout, came)
		}
		if st.Waiting > 0 {
			fmt.Fprintf(e.stdout, "%s registered and not planned yet, the first %s.\n", people(st.Waiting), ago(st.At, st.WaitingSince))
		}
		rows = [][]string{}
		for _, q := range st.Queue {
			rows = append(rows, []string{string(q.State), thousands(q.Notices), ago(st.At, q.OldestDue), meaning[q.State]})
		}
		if len(rows) == 0 {
			fmt.Fprintln(e.stdout, "No mail is waiting.")
			return nil
		}
		if err := e.printTable([]string{"STATE", "NOTICES", "OLDEST DUE", "MEANING"}, rows); err != nil {
			return err
		}
		e.showHeld(st)
		return nil
	})
}

func (e *env) showQuarantine(st store.Status) {
	if q := st.Quarantine; q != nil {
		fmt.Fprintf(e.stdout, "QUARANTINE since %s: nothing is sent. Why: %s.\n", ago(st.At, q.Since), plain(q.Reason))
		fmt.Fprintln(e.stdout, "  If this is the database to serve, and no copy of it:  convened notices release --quarantine")
	}
}

// showHeld says what is held, why, and how it is let go.
func (e *env) showHeld(st store.Status) {
	if len(st.Held) > 0 {
		fmt.Fprintln(e.stdout, "\nHeld until somebody releases it:")
	}
	for _, h := range st.Held {
		fmt.Fprintf(e.stdout, "  %s: %s: %s\n", h.Event, notices(h.Notices), plain(h.Reason))
		command := "convened notices release --event " + h.Event
		if h.Cause != "" {
			command += " --reason " + string(h.Cause)
		}
		fmt.Fprintf(e.stdout, "    %s\n", command)
	}
}

var meaning = map[convened.State]string{
	convened.Planned: "waits for its time or its next try",
	convened.Claimed: "is being sent",
	convened.Unknown: "may have arrived; waits before it is tried again",
	convened.Held:    "waits for somebody to release it",
}

// ago says how long before now t was, or how long after.
func ago(now, t time.Time) string {
	d := now.Sub(t).Round(time.Second)
	if d < 0 {
		return "in " + (-d).String()
	}
	return d.String() + " ago"
}

func statusJSON(st store.Status) any {
	type daemon struct {
		ID        int64      `json:"id"`
		Name      string     `json:"name"`
		Host      string     `json:"host"`
		PID       int        `json:"pid"`
		Version   string     `json:"version"`
		StartedAt time.Time  `json:"started_at"`
		BeatAt    time.Time  `json:"beat_at"`
		StoppedAt *time.Time `json:"stopped_at"`
		Status    string     `json:"status"`
		Alive     bool       `json:"alive"`
	}
	type line struct {
		State     convened.State `json:"state"`
		Notices   int            `json:"notices"`
		OldestDue time.Time      `json:"oldest_due"`
	}
	type quarantine struct {
		Since  time.Time `json:"since"`
		Reason string    `json:"reason"`
	}
	type held struct {
		Event   string         `json:"event"`
		Cause   convened.Cause `json:"cause"`
		Reason  string         `json:"reason"`
		Notices int            `json:"notices"`
	}
	out := struct {
		At       time.Time      `json:"at"`
		Schema   int64          `json:"schema_version"`
		ReadOnly bool           `json:"database_read_only"`
		Daemons  []daemon       `json:"daemons"`
		Queue    []line         `json:"queue"`
		Waiting  int            `json:"registrations_waiting"`
		Came     map[string]int `json:"came_back_in_7_days"`

		Quarantine *quarantine `json:"quarantine"`
		Held       []held      `json:"held"`
	}{At: st.At, Schema: st.SchemaVersion, ReadOnly: st.ReadOnly, Daemons: []daemon{}, Queue: []line{}, Waiting: st.Waiting, Came: map[string]int{}, Held: []held{}}
	if q := st.Quarantine; q != nil {
		out.Quarantine = &quarantine{q.Since, q.Reason}
	}
	for _, h := range st.Held {
		out.Held = append(out.Held, held{h.Event, h.Cause, h.Reason, h.Notices})
	}
	for _, l := range st.Incoming {
		out.Came[l.What] = l.Mails
	}
	for _, d := range st.Daemons {
		var stopped *time.Time
		if !d.StoppedAt.IsZero() {
			stopped = &d.StoppedAt
		}
		out.Daemons = append(out.Daemons, daemon{d.ID, d.Name, d.Host, d.PID, d.Version, d.StartedAt, d.BeatAt, stopped, d.Status, d.Alive})
	}
	for _, q := range st.Queue {
		out.Queue = append(out.Queue, line(q))
	}
	return out
}
