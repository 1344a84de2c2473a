package main

import "convened/desk"

// letterParts is a letter taken apart again, for people to look at.
type letterParts struct {
	from, to, subject, messageID string
	kind                         string // X-Convened-Kind
	text, html, calendar         []byte
}

// readLetter takes a letter apart.
func readLetter(data []byte) (*letterParts, error) {
	l, err := desk.OpenLetter(data)
	if err != nil {
		return nil, err
	}
	return &letterParts{from: l.From, to: l.To, subject: l.Subject, messageID: l.MessageID, kind: l.Kind, text: l.Text, html: l.HTML, calendar: l.Calendar}, nil
}
