package mailer

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"convened"
)

// fromForm composes a claim until it comes from a form.
func fromForm(t testing.TB, c *Composer, claim *convened.Claim) *Letter {
	t.Helper()
	for range 3 {
		if l := compose(t, c, testNow, claim); l.sheet != nil {
			return l
		}
	}
	t.Fatal("the letter does not come from a form")
	return nil
}

// onWire is what a server reads of a letter.
func onWire(d dotted) []byte { return bytes.Join(d.pieces(nil), nil) }

func TestWhatWasPutInPlaceOfACheckedLetterIsCheckedInFull(t *testing.T) {
	t.Parallel()
	c := newComposer(t, func(o *ComposerOptions) { o.Signer = nil })
	for name, change := range map[string]func(*Letter){
		"another letter":   func(l *Letter) { l.Data = []byte("A: b\r\n\r\nx\n.\n\r\n") },
		"a copy, smuggled": func(l *Letter) { l.Data = bytes.Replace(l.Data, []byte("\r\n"), []byte("\n"), 1) },
		"its beginning":    func(l *Letter) { l.Data = l.Data[:len(l.Data)-1] },
		"its end":          func(l *Letter) { l.Data = l.Data[bytes.IndexByte(l.Data, '\n'):] },
		"more":             func(l *Letter) { l.Data = append(l.Data, "\n.\n"...) },
		"nothing":          func(l *Letter) { l.Data = l.Data[:0] },
		"none":             func(l *Letter) { l.Release() },
	} {
		l := fromForm(t, c, claimOf(t, convened.ReminderKind, "fr"))
		if _, err := check(l); err != nil {
			t.Errorf("before: %v", err)
		}
		if change(l); len(l.Data) > 0 && !l.sheet.checked {
			t.Errorf("%s: it was not checked before", name)
		}
		if dotted, err := check(l); err == nil {
			t.Errorf("%s: it goes out as %q", name, onWire(dotted))
		}
	}
	l := fromForm(t, c, claimOf(t, convened.ReminderKind, "fr"))
	l.Data = []byte("A: b\r\n\r\n.\r\n")
	if dotted, err := check(l); err != nil || string(onWire(dotted)) != "A: b\r\n\r\n..\r\n" {
		t.Errorf("it goes out as %q, %v", onWire(dotted), err)
	}
}

func TestADraftIsWrittenWhenItIsSentOrLookedAt(t *testing.T) {
	t.Parallel()
	for name, signer := range map[string]*Signer{"unsigned": nil, "signed": testSigner(t)} {
		c := newComposer(t, func(o *ComposerOptions) { o.Signer = signer })
		claim := claimOf(t, convened.ReminderKind, "fr")
		want := bytes.Clone(compose(t, c, testNow, claim).Data)
		compose(t, c, testNow, claim) // from now on there is a form
		for _, write := range []func(*Letter){(*Letter).Write, func(l *Letter) { l.Write(); l.Write() }, func(l *Letter) {
			if _, err := check(l); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}} {
			l, err := c.Draft(testNow, claim)
			if err != nil {
				t.Fatal(err)
			}
			if drafted := l.Data == nil; drafted != (signer == nil) {
				t.Errorf("%s: a draft has %d bytes", name, len(l.Data))
			}
			if write(l); !bytes.Equal(l.Data, want) {
				t.Errorf("%s: %s", name, firstDifference(l.Data, want))
			}
			l.Release()
		}
		l, err := c.Draft(testNow, claim)
		if err != nil {
			t.Fatal(err)
		}
		if l.Release(); l.Data != nil {
			t.Errorf("%s: it has bytes after it was done with", name)
		}
		if l.Write(); l.Data != nil {
			t.Errorf("%s: it can be written after it was done with", name)
		}
	}
}

// However the pieces of a form come together, a line that can't be sent is found.
func TestAFormWhoseLinesCannotBeSentIsNotTakenForChecked(t *testing.T) {
	t.Parallel()
	c := newComposer(t, nil)
	claim := claimOf(t, convened.ReminderKind, "en")
	to, err := recipient(claim)
	if err != nil {
		t.Fatal(err)
	}
	fixed := func(s string) section { return section{fixed: []byte(s)} }
	tag := section{slot: tagSlot}
	for _, tt := range []struct {
		name string
		head []section
		want string // "": can't be sent; <> is what boundaries are made of
	}{
		{"as it should be", []section{fixed("A: b\r\nC: "), tag, fixed("\r\n\r\n.\r\n.x\r\n")}, "A: b\r\nC: <>\r\n\r\n..\r\n..x\r\n"},
		{"dots at the seams", []section{fixed(".a\r\n."), tag, fixed("\r\n.."), tag, fixed(".\r\n.")}, ""},
		{"dots at the seams, whole", []section{fixed(".a\r\n."), tag, fixed("\r\n.."), tag, fixed(".\r\n"), tag, fixed("\r\n.\r\n")}, "..a\r\n..<>\r\n...<>.\r\n<>\r\n..\r\n"},
		{"one line", []section{fixed(".a\r\n")}, "..a\r\n"},
		{"a bare LF inside", []section{fixed("a\r\nx\n.\r\n"), tag, fixed("\r\n")}, ""},
		{"a bare LF at first", []section{fixed("x\n.\r\ny\r\n"), tag, fixed("\r\n")}, ""},
		{"a bare LF at last", []section{tag, fixed("\r\ny\n")}, ""},
		{"a bare LF at a seam", []section{fixed("x\r\n"), tag, fixed("\n.\r\n")}, ""},
		{"a bare CR inside", []section{fixed("a\r\nx\r.\r\ny\r\n"), tag, fixed("\r\n")}, ""},
		{"a bare CR at a seam", []section{fixed("x\r\n\r"), tag, fixed("\r\n")}, ""},
		{"CR and LF apart", []section{fixed("x\r\n\r"), tag, fixed("\n.\r\n")}, ""},
		{"an end that is none", []section{fixed("x\r\n"), tag}, ""},
		{"a long line inside", []section{fixed("a\r\n" + strings.Repeat("x", maxLine+1) + "\r\nb\r\n"), tag, fixed("\r\n")}, ""},
		{"a long line at a seam", []section{fixed("a\r\n" + strings.Repeat("x", maxLine-10)), tag, fixed("\r\n")}, ""},
		{"nothing", nil, ""},
	} {
		f := &form{head: tt.head}
		f.prove()
		l := &Letter{To: "ana@example.net", MessageID: "a@example.org"}
		l.draft = &draft{form: f, composer: c, now: testNow, to: to}
		l.Write()
		got, err := check(l)
		full, fullErr := stuffDots(bytes.Clone(l.Data))
		if (err == nil) != (tt.want != "") || (fullErr == nil) != (tt.want != "") {
			t.Errorf("%s: %v, want the same as %v", tt.name, err, fullErr)
			continue
		}
		if want := strings.ReplaceAll(tt.want, "<>", c.tag(l.MessageID)); err == nil && (string(onWire(got)) != want || !bytes.Equal(onWire(got), onWire(full)) || !l.sheet.checked) {
			t.Errorf("%s: it goes out as %q, want %q; checked: %v", tt.name, onWire(got), want, l.sheet.checked)
		}
	}
}

// A sheet is used again only when its letter is done with.
func TestALetterKeepsItsBytesWhileOthersComeAndGo(t *testing.T) {
	t.Parallel()
	c := newComposer(t, func(o *ComposerOptions) { o.Signer = nil })
	base := claimOf(t, convened.ReminderKind, "fr")
	fromForm(t, c, base)
	var wg sync.WaitGroup
	for hand := range 4 {
		wg.Go(func() {
			var held []*Letter
			var wants, dotted [][]byte
			for i := range 300 {
				claim := *base
				claim.Notice.ID, claim.Registration.Name = convened.NoticeID(hand*1000+i), oddNames[i%len(oddNames)]
				l, err := c.Compose(testNow, &claim)
				if err != nil {
					t.Error(err)
					return
				}
				if d, err := check(l); err != nil {
					t.Error(err)
				} else if i%3 == 0 {
					held, wants, dotted = append(held, l), append(wants, bytes.Clone(l.Data)), append(dotted, onWire(d))
					continue
				}
				l.Release()
			}
			for i, l := range held {
				d, err := check(l)
				if err != nil || !bytes.Equal(l.Data, wants[i]) || !bytes.Equal(onWire(d), dotted[i]) {
					t.Errorf("letter %d of hand %d is another one, %v", i, hand, err)
				}
				l.Release()
				if _, err := check(l); err == nil {
					t.Error("a letter that was released can be sent")
				}
			}
		})
	}
	wg.Wait()
}
