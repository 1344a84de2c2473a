package console

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/emersion/go-message"
)

// part returns the first part of a letter of a type, as another parser finds it.
func part(t testing.TB, letter []byte, kind string) string {
	t.Helper()
	entity, err := message.Read(bytes.NewReader(letter))
	if err != nil {
		t.Fatal(err)
	}
	var found string
	err = entity.Walk(func(_ []int, e *message.Entity, err error) error {
		if err != nil {
			return err
		}
		if is, _, _ := e.Header.ContentType(); is == kind && found == "" {
			b, err := io.ReadAll(e.Body)
			found = string(b)
			return err
		}
		return nil
	})
	if err != nil || found == "" {
		t.Fatalf("no %s in the letter: %v", kind, err)
	}
	return found
}

func calendarOf(t testing.TB, letter []byte) string {
	t.Helper()
	return part(t, letter, "text/calendar")
}

// text is the text of a letter, with plain line ends.
func text(t testing.TB, letter []byte) string {
	t.Helper()
	return strings.ReplaceAll(part(t, letter, "text/plain"), "\r\n", "\n")
}

// lines unfolds an iCalendar object.
func lines(ics string) []string {
	return strings.Split(strings.ReplaceAll(ics, "\r\n ", ""), "\r\n")
}
