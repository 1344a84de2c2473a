//go:build linux

package main

import (
	"bytes"
	"net/mail"
	"strconv"
	"strings"
	"sync"
	"time"

	"convened/internal/lab"
)

// A letter is what the mail server took.
type letter struct {
	notice    int64 // by its envelope sender, which is made from the row
	to        string
	messageID string
	kind      string
	conn      int
	at        time.Time
	raw       []byte // all of it where the scenario keeps letters, else the header
}

// A witness writes down what the mail server takes, before the daemon hears of it.
type witness struct {
	mu      sync.Mutex
	letters []letter
	hook    func(letter) // called after a letter was written down; the reply waits for it
}

func (w *witness) accept(m lab.Message) {
	l := letter{notice: noticeOf(m.From), conn: m.Conn, at: m.At, raw: m.Raw}
	if len(m.To) > 0 {
		l.to = m.To[0]
	}
	if parsed, err := mail.ReadMessage(bytes.NewReader(m.Raw)); err == nil {
		l.messageID = strings.Trim(parsed.Header.Get("Message-Id"), "<> ")
		l.kind = parsed.Header.Get("X-Convened-Kind")
	}
	w.mu.Lock()
	w.letters = append(w.letters, l)
	hook := w.hook
	w.mu.Unlock()
	if hook != nil {
		hook(l)
	}
}

// noticeOf reads the notice from bounce+N.MAC@domain; 0 if it has none.
func noticeOf(from string) int64 {
	rest, ok := strings.CutPrefix(from, "bounce+")
	number, _, _ := strings.Cut(rest, ".")
	n, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil {
		return 0
	}
	return n
}

// all returns what was taken so far, in its order.
func (w *witness) all() []letter {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.letters[:len(w.letters):len(w.letters)]
}

func (w *witness) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.letters)
}

func (w *witness) setHook(hook func(letter)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hook = hook
}
