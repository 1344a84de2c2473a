package intake

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"convened"
	"convened/mailer"
	"convened/store"
)

// The letter that the mails in testdata are about: a confirmation to Ana.
const (
	notice    = convened.NoticeID(4711)
	ana       = "ana@example.net"
	messageID = "confirmation.4711.0b6f4f0e6a56@example.org"
	uid       = "0b6f4f0e-6a56-4a7e-9a30-1f6f7a6d2c11"
	verp      = "bounce+4711.0da8529778e741ef0a9b@bounces.example.org"
)

var noon = time.Date(2026, 11, 12, 12, 0, 0, 0, time.UTC)

// A fakeStore knows one letter, and remembers what it is told.
type fakeStore struct {
	mu       sync.Mutex
	address  string // of the letter's seat; "" is a preflight's
	err      error  // what everything fails with
	returned []convened.Return
	counted  []string
	hang     chan struct{} // if not nil, Return waits for it to be closed
	entered  chan struct{} // if not nil, Return says that it waits
}

func (f *fakeStore) letter() store.Addressee {
	return store.Addressee{Notice: notice, Registration: 12, Event: "webinar", Kind: convened.Confirmation, Address: f.address}
}

func (f *fakeStore) AddresseeOf(_ context.Context, id convened.NoticeID) (store.Addressee, error) {
	if f.err != nil || id != notice {
		return store.Addressee{}, cmpErr(f.err, store.ErrNotFound)
	}
	return f.letter(), nil
}

func (f *fakeStore) AddresseeOfCopy(_ context.Context, id convened.NoticeID, copied string) (store.Addressee, error) {
	if f.err != nil || id != notice || copied != messageID {
		return store.Addressee{}, cmpErr(f.err, store.ErrNotFound)
	}
	return f.letter(), nil
}

func (f *fakeStore) AddresseeOfInvitation(_ context.Context, of string) (store.Addressee, error) {
	if f.err != nil || of != uid {
		return store.Addressee{}, cmpErr(f.err, store.ErrNotFound)
	}
	return store.Addressee{Registration: 12, Event: "webinar", Address: f.address}, nil
}

func cmpErr(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

func (f *fakeStore) IsOrganizer(_ context.Context, email string) (bool, error) {
	return strings.EqualFold(email, "organiser@example.org"), f.err
}

func (f *fakeStore) Return(_ context.Context, event string, r convened.Return) (convened.Effect, error) {
	if f.hang != nil {
		f.entered <- struct{}{}
		<-f.hang
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return convened.NoEffect, f.err
	}
	if event != "webinar" {
		return convened.NoEffect, fmt.Errorf("there is no event %q", event)
	}
	f.returned = append(f.returned, r)
	return r.Effect, nil
}

func (f *fakeStore) CountIncoming(_ context.Context, _ time.Time, what string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return f.err
	}
	f.counted = append(f.counted, what)
	return nil
}

func (f *fakeStore) returns() []convened.Return {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]convened.Return(nil), f.returned...)
}

// composer makes and reads return paths as the daemon's does.
func composer(t testing.TB) *mailer.Composer {
	t.Helper()
	c, err := theComposer()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var theComposer = sync.OnceValues(func() (*mailer.Composer, error) {
	return mailer.NewComposer(mailer.ComposerOptions{From: "Metropolis <events@example.org>", BounceDomain: "bounces.example.org", PublicURL: "https://example.org",
		Keys: convened.Keyring{{ID: 1, Secret: []byte("the key of the tests of intake..")}}})
})

// newIntake returns one that knows Ana's letter, and what it logs above Debug.
func newIntake(t testing.TB, f *fakeStore) (*Intake, *bytes.Buffer) {
	t.Helper()
	logs := &bytes.Buffer{}
	in, err := New(Options{Store: f, Paths: composer(t), Domain: "bounces.example.org", Addresses: []string{"events@example.org", ""},
		Hostname: "convened.test", Now: func() time.Time { return noon }, Logger: slog.New(slog.NewTextHandler(logs, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return in, logs
}

// sample reads a mail of testdata, with the line ends that it has on the wire.
func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "mail", name+".eml"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b, []byte("\r")) {
		t.Fatalf("%s has line ends of the wire in its file", name)
	}
	return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n"))
}
