package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/emersion/go-message/mail"
)

// letterParts is a letter taken apart again, for people to look at.
type letterParts struct {
	from, to, subject, messageID string
	kind                         string // X-Convened-Kind
	text, html, calendar         []byte
}

// readLetter takes a letter apart.
func readLetter(data []byte) (*letterParts, error) {
	r, err := mail.CreateReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("read the letter: %w", err)
	}
	p := &letterParts{kind: r.Header.Get("X-Convened-Kind")}
	p.from, _ = r.Header.Text("From")
	p.to, _ = r.Header.Text("To")
	p.subject, _ = r.Header.Subject()
	p.messageID, _ = r.Header.MessageID()
	for {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return p, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the letter: %w", err)
		}
		body, err := io.ReadAll(part.Body)
		if err != nil {
			return nil, fmt.Errorf("read the letter: %w", err)
		}
		if h, ok := part.Header.(*mail.InlineHeader); ok {
			switch kind, _, _ := h.ContentType(); strings.ToLower(kind) {
			case "text/plain":
				p.text = body
			case "text/html":
				p.html = body
			case "text/calendar":
				p.calendar = body
			}
		}
	}
}
