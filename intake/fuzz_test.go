package intake

import (
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"convened"
)

// FuzzReturn holds that whatever comes in is either one return or one drop, that
// an address is marked only for what the package comment says, and that nothing
// follows from a mail that shows nothing which others do not know.
func FuzzReturn(f *testing.F) {
	files, err := filepath.Glob("testdata/mail/*.eml")
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for i, file := range files {
		data := sample(f, strings.TrimSuffix(filepath.Base(file), ".eml"))
		f.Add(data, "", byte(i))
		f.Add(data, ana, byte(i+1))
	}
	boxes := []string{verp, replies, plainBox, fblBox}
	f.Fuzz(func(t *testing.T, data []byte, from string, to byte) {
		store := &fakeStore{address: ana}
		in, logs := newIntake(t, store)
		address := boxes[int(to)%len(boxes)]
		box, ours, err := in.mailbox(t.Context(), address)
		if err != nil || !ours {
			t.Fatal(address, err)
		}
		if err := in.take(t.Context(), box, readMail(from, data)); err != nil {
			t.Fatal(err)
		}
		if len(store.returned)+len(store.counted) != 1 {
			t.Fatalf("%d returns and %d drops", len(store.returned), len(store.counted))
		}
		if strings.Contains(logs.String(), "@") {
			t.Errorf("the log holds %q", logs)
		}
		for _, r := range store.returned {
			if !utf8.ValidString(r.Text) || len(r.Text) > maxText || strings.ContainsAny(r.Text, "\r\n\x00") {
				t.Errorf("the text is %q", r.Text)
			}
			if r.Effect == marked && (r.Kind != convened.HardBounce || r.Cause != noMailbox || r.Status == "" || r.Status[0] != '5') {
				t.Errorf("marked by %+v", r)
			}
			if s := strings.ToLower(string(data)); address != verp && r.Kind != convened.AnswerGiven &&
				!strings.Contains(s, "0da8529778e741ef0a9b") && !strings.Contains(s, "0b6f4f0e6a56") && !encoded(s) {
				t.Errorf("returned %+v though nothing proves it", r)
			}
		}
	})
}

// encoded reports whether a mail has parts in which what proves something does
// not stand in plain sight.
func encoded(s string) bool {
	return strings.Contains(s, "base64") || strings.Contains(s, "quoted-printable")
}

// FuzzWords holds that a bounce in words is never more than one code beside the
// address allows.
func FuzzWords(f *testing.F) {
	for _, name := range []string{"qmail-unknown-user", "exim-words", "exim-words-two-codes", "message"} {
		f.Add(readMail("", sample(f, name)).words)
	}
	f.Fuzz(func(t *testing.T, words string) {
		kind, r := readWords(words, ana)
		switch {
		case kind == convened.OddBounce && r.status != "":
			t.Errorf("odd, and yet %q", r.status)
		case kind != convened.OddBounce && (!strings.Contains(words, r.status) || !strings.Contains(strings.ToLower(words), ana)):
			t.Errorf("%s %q, of %q", kind, r.status, words)
		}
	})
}
