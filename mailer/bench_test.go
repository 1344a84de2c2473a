package mailer

import (
	"crypto/ed25519"
	"fmt"
	"testing"

	"convened"
)

// BenchmarkCompose is one letter from its claim to its signed bytes.
func BenchmarkCompose(b *testing.B) {
	key, err := rsaKey()
	if err != nil {
		b.Fatal(err)
	}
	for name, s := range map[string]*Signer{"unsigned": nil, "rsa": signerFor(b, key), "ed25519": signerFor(b, ed25519.NewKeyFromSeed(make([]byte, 32)))} {
		b.Run(name, func(b *testing.B) {
			c := newComposer(b, func(o *ComposerOptions) { o.Signer = s })
			claim := claimOf(b, convened.ReminderKind, "fr")
			b.ReportAllocs()
			for b.Loop() {
				l, err := c.Compose(testNow, claim)
				if err != nil {
					b.Fatal(err)
				}
				l.Release()
			}
		})
	}
}

// BenchmarkBurst is one of many letters about one event, unsigned, from its claim
// to what goes on the wire. As in the daemon, a thousand others are drafted
// before it is sent.
func BenchmarkBurst(b *testing.B) {
	names := []string{"Ana Lima", "Amélie Laurent", "", "O'Neil & Söhne", "Jean-Baptiste de la Tour", "Zoë", "José García Márquez", "山田太郎"}
	claims := make([]*convened.Claim, 2000)
	base := claimOf(b, convened.ReminderKind, "fr")
	for i := range claims {
		c := *base
		c.Notice.ID += convened.NoticeID(i)
		c.Registration.ID += convened.RegistrationID(i)
		c.Registration.Name, c.Registration.Email = names[i%len(names)], fmt.Sprintf("reader%d@example.net", i)
		c.Registration.UID = fmt.Sprintf("%08x-6a5e-7c1d-9b40-3f2a1e5d7c86", i*7919)
		claims[i] = &c
	}
	c := newComposer(b, func(o *ComposerOptions) { o.Signer = nil })
	var waiting [1000]*Letter
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		l, err := c.Draft(testNow, claims[i%len(claims)])
		if err != nil {
			b.Fatal(err)
		}
		if l, waiting[i%len(waiting)] = waiting[i%len(waiting)], l; l == nil {
			continue
		}
		if _, err := check(l); err != nil {
			b.Fatal(err)
		}
		l.Release()
	}
}

// BenchmarkCheck is the last look at a letter before it goes on the wire.
func BenchmarkCheck(b *testing.B) {
	l := compose(b, newComposer(b, nil), testNow, claimOf(b, convened.ReminderKind, "fr"))
	b.SetBytes(int64(len(l.Data)))
	for b.Loop() {
		if _, err := check(l); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOutcome is what is made of the reply to a letter that was accepted.
func BenchmarkOutcome(b *testing.B) {
	rep := reply{250, []string{"2.0.0 Ok: queued as 4cFz0L1Qn5z2k"}}
	b.ReportAllocs()
	for b.Loop() {
		if o := outcome(rep, nil); o.Enhanced == "" {
			b.Fatal(o)
		}
	}
}
