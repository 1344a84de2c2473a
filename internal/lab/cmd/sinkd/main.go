// Sinkd is the lab's mail server as a program: a witness that outlives whoever
// sends to it. It takes letters, keeps none, and prints one line of JSON for
// each, before the client hears of it.
//
//	sinkd -script 'rcpt451:p=0.5,seed=7 dot-accept-drop:p=0.01'
//	{"listening":"127.0.0.1:20525"}
//	{"id":"4F2A09C1000001","from":"b+7@example.org","to":["ana@example.com"],"message_id":"7@example.org","kind":"reminder","size":8123,"conn":1,"at":"2026-11-25T14:00:00Z"}
//
// Each line of its standard input is a new script, as lab.ParseScript reads it (an
// empty line is a server without surprises), or refuse, resume or cut: to close the listener,
// to open it again, to reset all connections. What came of it is printed as
// {"done":"…"} or {"error":"…"}. At the end of its input, or at SIGINT or
// SIGTERM, it ends.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/mail"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"convened/internal/lab"
)

func main() {
	listen := flag.String("listen", "", "`host:port` to listen on (default a free port of 127.0.0.1)")
	script := flag.String("script", "", "what goes wrong, such as 'rcpt451:p=0.5,seed=7'; the faults are "+strings.Join(lab.FaultNames(), ", "))
	transcript := flag.Bool("transcript", false, "write the dialogues to standard error")
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	s, err := lab.ParseScript(*script)
	if err != nil {
		fmt.Fprintln(os.Stderr, "sinkd:", err)
		os.Exit(2)
	}
	o := lab.SMTPOptions{Addr: *listen, Script: s}
	if *transcript {
		o.Transcript = os.Stderr
	}
	// Closing the input ends us in good order, and so do the signals.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	ended := make(chan error, 1)
	go func() { ended <- serve(o, os.Stdin, os.Stdout) }()
	select {
	case <-signals:
	case err := <-ended:
		if err != nil {
			fmt.Fprintln(os.Stderr, "sinkd:", err)
			os.Exit(1)
		}
	}
}

// A letter is what is printed of one.
type letter struct {
	ID        string    `json:"id"`
	From      string    `json:"from"`
	To        []string  `json:"to"`
	MessageID string    `json:"message_id"` // without angle brackets; "" if it has none
	Kind      string    `json:"kind"`       // X-Convened-Kind
	Size      int       `json:"size"`
	Conn      int       `json:"conn"`
	At        time.Time `json:"at"`
}

// serve runs a server until the input ends.
func serve(o lab.SMTPOptions, input io.Reader, output io.Writer) error {
	var mu sync.Mutex
	encoder := json.NewEncoder(output)
	print := func(v any) {
		mu.Lock()
		defer mu.Unlock()
		if err := encoder.Encode(v); err != nil {
			// A witness that can't be heard must not go on taking letters.
			panic(fmt.Sprintf("write what was taken: %v", err))
		}
	}
	o.Keep, o.Discard = lab.KeepHeaders, true
	o.OnAccept = func(m lab.Message) { print(describe(m)) }
	s, err := lab.StartSMTP(o)
	if err != nil {
		return err
	}
	defer s.Close()
	print(map[string]string{"listening": s.Addr()})
	lines := bufio.NewScanner(input)
	for lines.Scan() {
		if err := obey(s, strings.TrimSpace(lines.Text())); err != nil {
			print(map[string]string{"error": err.Error()})
		} else {
			print(map[string]string{"done": lines.Text()})
		}
	}
	return lines.Err()
}

func obey(s *lab.SMTP, line string) error {
	switch line {
	case "refuse":
		return s.Refuse()
	case "resume":
		return s.Resume()
	case "cut":
		s.Cut()
		return nil
	}
	script, err := lab.ParseScript(line)
	if err != nil {
		return err
	}
	s.SetScript(script)
	return nil
}

func describe(m lab.Message) letter {
	l := letter{ID: m.ID, From: m.From, To: m.To, Size: m.Size, Conn: m.Conn, At: m.At.UTC()}
	if parsed, err := mail.ReadMessage(bytes.NewReader(m.Raw)); err == nil { // else it has no header to speak of
		l.MessageID = strings.Trim(parsed.Header.Get("Message-Id"), "<> ")
		l.Kind = parsed.Header.Get("X-Convened-Kind")
	}
	return l
}
