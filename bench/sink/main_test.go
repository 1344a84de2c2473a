//go:build linux

package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

const (
	envelope = "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n"
	ok       = "250 2.0.0 ok\r\n"
	goOn     = "354 go on\r\n"
	taken    = "250 2.0.0 taken\r\n"
	bye      = "221 2.0.0 bye\r\n"
)

// heard is what a dialogue says and counts when it is fed these parts.
func heard(parts ...string) (answers string, letters int, n int64) {
	var d dialogue
	var out []byte
	for _, p := range parts {
		out = d.hear([]byte(p), out)
	}
	return string(out), d.letters, d.bytes
}

func TestASessionIsTheSameWhereverItIsCut(t *testing.T) {
	letters := []string{
		"Subject: one\r\n\r\nA word.\r\n.\r\n",
		".\r\n", // nothing but its dot
		"..\r\n.\r\r\n..\r\n\n.\r\n\r\n.\n\r\n.\rx\r\n\r\n.\r\n", // many that are nearly one
		"\r\r\n.\r\n", // a CR too many
		"MAIL FROM:<a@example.org>\r\nDATA\r\nQUIT\r\n.x\r\n.\r\n", // commands that are none
	}
	session, want, length := "EHLO x\r\nNOOP\r\nrset\r\n", extensions+ok+ok, 0
	for _, l := range letters {
		session += envelope + l
		want += ok + ok + goOn + taken
		length += len(l)
	}
	session += "QUIT\r\n"
	want += bye
	check := func(where string, parts ...string) {
		t.Helper()
		got, n, b := heard(parts...)
		if got != want || n != len(letters) || b != int64(length) {
			t.Fatalf("cut %s: %d letters of %d bytes and %q, want %d of %d and %q", where, n, b, got, len(letters), length, want)
		}
	}
	check("nowhere", session)
	check("everywhere", strings.Split(session, "")...)
	for i := range session {
		check("once", session[:i], session[i:])
		for j := i; j <= min(i+8, len(session)); j++ {
			check("twice", session[:i], session[i:j], session[j:])
		}
	}
}

func TestLettersMayFollowEachOtherInOnePacket(t *testing.T) {
	letter := "Subject: x\r\n\r\nHello.\r\n.\r\n"
	got, n, b := heard(strings.Repeat(envelope+letter, 3))
	if want := strings.Repeat(ok+ok+goOn+taken, 3); got != want || n != 3 || b != int64(3*len(letter)) {
		t.Errorf("%d letters of %d bytes and %q, want 3 of %d and %q", n, b, got, 3*len(letter), want)
	}
}

func TestDATAIsAnsweredBeforeTheLetterComes(t *testing.T) {
	if got, _, _ := heard(envelope); got != ok+ok+goOn {
		t.Errorf("%q, want %q", got, ok+ok+goOn)
	}
}

func TestADoubledDotEndsNoLetter(t *testing.T) {
	if got, n, _ := heard("DATA\r\n", "..\r\na\r\n..\r\nb\r\n"); got != goOn || n != 0 {
		t.Errorf("%d letters and %q, want none and %q", n, got, goOn)
	}
}

func TestADotMayComeInParts(t *testing.T) {
	got, n, b := heard("DATA\r\n", "a\r", "\n", ".\r", "\nQUIT\r\n")
	if got != goOn+taken+bye || n != 1 || b != 6 {
		t.Errorf("%d letters of %d bytes and %q, want 1 of 6 and %q", n, b, got, goOn+taken+bye)
	}
}

func TestNothingIsHeardAfterTheEnd(t *testing.T) {
	for _, end := range []string{"QUIT\r\n", "\r\n", strings.Repeat("x", longestLine+1)} {
		var d dialogue
		d.hear([]byte(end), nil)
		if got := d.hear([]byte("NOOP\r\n"), nil); !d.over || len(got) > 0 {
			t.Errorf("after %.10q it says %q, and over is %v", end, got, d.over)
		}
	}
}

// serving starts a loop, which ends with the test's process, and a connection.
func serving(t *testing.T) (*sink, *net.TCPConn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{}
	go func() { panic(s.loop(listener)) }()
	c, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return s, c.(*net.TCPConn)
}

func TestALetterCountsBeforeItsReply(t *testing.T) {
	s, c := serving(t)
	io.WriteString(c, envelope+".\r\n")
	want := greeting + ok + ok + goOn + taken
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("%q and %v, want %q", got, err, want)
	}
	if r := s.report(); r.Letters != 1 || r.Bytes != 3 || r.First == 0 || r.First != r.Last {
		t.Errorf("it reports %+v", r)
	}
}

func TestWhoDoesNotListenIsNotListenedToAndLosesNothing(t *testing.T) {
	_, c := serving(t)
	const command = "NOOP\r\n"
	many := []byte(strings.Repeat(command, 10_000))
	var sent int
	for {
		c.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
		n, err := c.Write(many[sent%len(command):])
		if sent += n; errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	c.SetWriteDeadline(time.Time{})
	go io.WriteString(c, command[sent%len(command):]+"QUIT\r\n")
	got, err := io.ReadAll(bufio.NewReader(c))
	if err != nil {
		t.Fatal(err)
	}
	want := []byte(greeting + strings.Repeat(ok, sent/len(command)+1) + bye)
	if !bytes.Equal(got, want) {
		t.Errorf("%d bytes of commands are answered with %d bytes, want %d", sent, len(got), len(want))
	}
}
