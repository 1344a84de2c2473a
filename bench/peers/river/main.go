// River is what somebody would build with Go instead of convened: a job for each
// reminder in River, on pgx, and a letter that html/template, golang-ical and
// go-mail make, sent over a pool of connections that stay. It is tuned as its
// manual advises: jobs are inserted with COPY, a thousand at a time, and fetched
// and completed in batches.
//
// With SEND=1 it is go-mail alone and as it comes: no jobs, the letters are
// composed and sent from a list in memory.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"log"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	texttemplate "text/template"
	"time"

	ics "github.com/arran4/golang-ical"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

type person struct {
	ID    int64  `json:"id"`
	Email string `json:"email"`
	Name  string `json:"name"`
	UID   string `json:"uid"`
}

// Reminder is the job's arguments.
type Reminder struct{ person }

// Kind names the job.
func (Reminder) Kind() string { return "reminder" }

type worker struct {
	river.WorkerDefaults[Reminder]
	pool *mailPool
}

func (w *worker) Work(ctx context.Context, job *river.Job[Reminder]) error {
	return w.pool.send(ctx, job.Args.person)
}

func number(name string) int {
	n, err := strconv.Atoi(os.Getenv(name))
	if err != nil {
		log.Fatalf("%s: %v", name, err)
	}
	return n
}

func main() {
	ctx := context.Background()
	letters, connections := number("LETTERS"), number("CONNECTIONS")
	due := time.UnixMilli(int64(number("DUE")))
	pool, err := newMailPool(os.Getenv("SMTP_ADDR"), connections, number("SIZE"), due.Add(2*time.Hour))
	if err != nil {
		log.Fatal(err)
	}
	if os.Getenv("SEND") != "" {
		sendAll(ctx, pool, letters, connections, due)
		return
	}
	config, err := pgxpool.ParseConfig(os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	config.MaxConns = 16
	db, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		log.Fatal(err)
	}
	migrator, err := rivermigrate.New(riverpgxv5.New(db), nil)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		log.Fatal(err)
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, &worker{pool: pool})
	client, err := river.NewClient(riverpgxv5.New(db), &river.Config{
		Queues:            map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 500}},
		Workers:           workers,
		FetchCooldown:     time.Millisecond,
		FetchPollInterval: 10 * time.Millisecond,
	})
	if err != nil {
		log.Fatal(err)
	}
	// River completes jobs in batches, and an event says that it has.
	events, stop := client.SubscribeConfig(&river.SubscribeConfig{ChanSize: letters, Kinds: []river.EventKind{river.EventKindJobCompleted}})
	defer stop()
	if err := client.Start(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println("ready")
	time.Sleep(time.Until(due))
	rows, err := db.Query(ctx, "SELECT id, email, name, uid::text FROM registrations ORDER BY id")
	if err != nil {
		log.Fatal(err)
	}
	people, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (river.InsertManyParams, error) {
		var p person
		err := row.Scan(&p.ID, &p.Email, &p.Name, &p.UID)
		return river.InsertManyParams{Args: Reminder{p}}, err
	})
	if err != nil {
		log.Fatal(err)
	}
	for len(people) > 0 {
		n := min(1000, len(people))
		if _, err := client.InsertManyFast(ctx, people[:n]); err != nil {
			log.Fatal(err)
		}
		people = people[n:]
	}
	for range letters {
		<-events
	}
	fmt.Println("done")
	select {} // until it is ended
}

// sendAll composes and sends on as many goroutines as there are connections.
func sendAll(ctx context.Context, pool *mailPool, letters, connections int, due time.Time) {
	fmt.Println("ready")
	time.Sleep(time.Until(due))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range connections {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(letters); i = next.Add(1) {
				p := person{i, fmt.Sprintf("person%d@example.net", i), fmt.Sprintf("Zoë Person %d", i), fmt.Sprintf("%08x-6a5e-7c1d-9b40-3f2a1e5d7c86", i)}
				if err := pool.send(ctx, p); err != nil {
					log.Fatal(err)
				}
			}
		})
	}
	wg.Wait()
	fmt.Println("done")
	select {}
}

// A mailPool sends over connections that stay, each used by one at a time.
type mailPool struct {
	client *gomail.Client
	idle   chan *smtp.Client // nil: still to be dialled
	html   *htmltemplate.Template
	text   *texttemplate.Template
	starts time.Time
	filler string
}

func newMailPool(addr string, connections, size int, starts time.Time) (*mailPool, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	p := &mailPool{idle: make(chan *smtp.Client, connections), starts: starts,
		html: htmltemplate.Must(htmltemplate.New("html").Parse(htmlWords)), text: texttemplate.Must(texttemplate.New("text").Parse(textWords))}
	options := []gomail.Option{gomail.WithPort(n), gomail.WithTLSPolicy(gomail.NoTLS), gomail.WithHELO("localhost")}
	if os.Getenv("SEND") == "" {
		options = append(options, gomail.WithoutNoop()) // before each letter; it costs a round trip
	}
	if p.client, err = gomail.NewClient(host, options...); err != nil {
		return nil, err
	}
	for range connections {
		p.idle <- nil
	}
	// As large as the others' letters.
	msg, err := p.compose(person{1, "person1@example.net", "Zoë Person 1", "00000001-6a5e-7c1d-9b40-3f2a1e5d7c86"})
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if _, err := msg.WriteTo(&b); err != nil {
		return nil, err
	}
	const line = "Cities work with partners abroad, and what comes of it shows in streets.\n"
	for missing := size - b.Len(); missing > 0; missing -= len(line) + 2 {
		p.filler += line
	}
	return p, nil
}

func (p *mailPool) send(ctx context.Context, to person) error {
	msg, err := p.compose(to)
	if err != nil {
		return err
	}
	c := <-p.idle
	if c == nil {
		if c, err = p.client.DialToSMTPClientWithContext(ctx); err != nil {
			p.idle <- nil
			return err
		}
	}
	if err := p.client.SendWithSMTPClient(c, msg); err != nil {
		_ = c.Close()
		p.idle <- nil
		return err
	}
	p.idle <- c
	return nil
}

func (p *mailPool) compose(to person) (*gomail.Msg, error) {
	facts := map[string]any{"Name": to.Name, "Title": "Internationalisation and metropolitan spaces", "When": p.starts.UTC().Format("Monday 2 January 2006, 15:04 MST"),
		"Join": "https://example.org/join", "Cancel": "https://events.example.org/r/" + to.UID + "/cancel", "Stop": "https://events.example.org/u/" + to.UID, "Filler": p.filler}
	cal := ics.NewCalendar()
	cal.SetMethod(ics.MethodRequest)
	e := cal.AddEvent(to.UID)
	e.SetDtStampTime(p.starts.Add(-24 * time.Hour))
	e.SetStartAt(p.starts)
	e.SetEndAt(p.starts.Add(time.Hour))
	e.SetSummary("Internationalisation and metropolitan spaces")
	e.SetLocation("Online")
	e.SetURL("https://example.org/join")
	e.SetOrganizer("mailto:events@example.org", ics.WithCN("Metropolis"))
	e.AddAttendee("mailto:"+to.Email, ics.WithCN(to.Name), ics.ParticipationStatusAccepted)
	event := cal.Serialize(ics.WithNewLineWindows)

	msg := gomail.NewMsg()
	err := errors.Join(msg.FromFormat("Metropolis", "events@example.org"), msg.AddToFormat(to.Name, to.Email))
	msg.Subject("Reminder: Internationalisation and metropolitan spaces")
	msg.SetMessageIDWithValue(fmt.Sprintf("reminder.%d@example.org", to.ID))
	msg.SetDate()
	msg.SetGenHeader("List-Unsubscribe", "<https://events.example.org/u/"+to.UID+">")
	msg.SetGenHeader("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	var text strings.Builder
	err = errors.Join(err, p.text.Execute(&text, facts))
	msg.SetBodyString(gomail.TypeTextPlain, text.String())
	err = errors.Join(err, msg.AddAlternativeHTMLTemplate(p.html, facts))
	msg.AddAlternativeString("text/calendar; method=REQUEST", event)
	return msg, errors.Join(err, msg.AttachReader("invite.ics", strings.NewReader(event), gomail.WithFileContentType("application/ics")))
}

const textWords = `Reminder: {{.Title}}

Hello {{.Name}},

The event that you registered for starts soon: {{.When}}.

Join: {{.Join}}
Cancel: {{.Cancel}}
Stop the reminders: {{.Stop}}

{{.Filler}}`

const htmlWords = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{{.Title}}</title></head><body>
<h1>{{.Title}}</h1><p>Hello {{.Name}},</p><p>The event that you registered for starts soon: {{.When}}.</p>
<p><a href="{{.Join}}">Join</a></p><p><a href="{{.Cancel}}">Cancel</a> <a href="{{.Stop}}">Stop the reminders</a></p></body></html>`
