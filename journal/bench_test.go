package journal

import (
	"testing"

	"convened"
)

// What a letter costs here: a line before its dot, another after its reply, and
// that the database has it.
func BenchmarkALetter(b *testing.B) {
	j, err := Create(b.TempDir(), owner(1))
	if err != nil {
		b.Fatal(err)
	}
	o := reply(0)
	o.Reply = "250 2.0.0 Ok: queued as 4F2A81C0D3"
	b.ReportAllocs()
	n := convened.NoticeID(1_000_000)
	for b.Loop() {
		n++
		if err := j.BeforeDot(n, 1, "smtp-4711-3", 123_456); err != nil {
			b.Fatal(err)
		}
		o.Notice = n
		if err := j.AfterReply(o); err != nil {
			b.Fatal(err)
		}
		j.Settled(n - 100) // a batch later
	}
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}
}
