package mailer

import (
	"crypto/ed25519"
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
