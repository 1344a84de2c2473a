// Package lab is where the program is tried out: a private Postgres, a mail
// server that does as it is told, and an authority for their certificates.
// The demo, the tests, the fault harness and the benchmark stand on it.
//
// # What it promises
//
// Nothing here touches what the machine has already. A Postgres is made in a
// directory of its own, listens on a socket in that directory and on a free
// port of 127.0.0.1, and is gone with its directory when it is stopped. It
// does not outlive the process that started it, even one killed with SIGKILL.
// A mail server listens on loopback, and no mail ever leaves it.
//
// What the mail server says it has accepted, it has: a [Message] is recorded
// byte for byte before the reply that promises it is written, because a test
// of "no letter is lost, none is sent twice" is worth as much as its witness.
// A [Script] makes it misbehave precisely, and the same script misbehaves in the
// same way each time it runs.
//
// # What it will not do
//
// It speaks no SQL: databases are created and dropped by the programs that come
// with Postgres, and whoever wants a schema migrates it there. It delivers
// no mail, checks no signatures and stores nothing on disk.
//
// The product does not import this package, except for its demo. What only a
// test needs is in lab/labtest, which nothing but tests import. The
// page on which one reads what the mail server took is lab/mailbox.
package lab
