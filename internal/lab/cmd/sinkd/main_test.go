package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/smtp"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"convened/internal/lab"
)

func TestSinkdSaysWhatItTookAndDoesAsItIsTold(t *testing.T) {
	defer goleak.VerifyNone(t)
	input, say := io.Pipe()
	heard, output := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := serve(lab.SMTPOptions{Script: lab.Rcpt550()}, input, output)
		output.Close()
		ended <- err
	}()
	lines := bufio.NewScanner(heard)
	next := func() (m map[string]any) {
		t.Helper()
		if !lines.Scan() {
			t.Fatalf("no line: %v", lines.Err())
		}
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			t.Fatalf("%s: %v", lines.Bytes(), err)
		}
		return m
	}
	addr, _ := next()["listening"].(string)
	send := func() error {
		return smtp.SendMail(addr, nil, "from@example.org", []string{"ana@example.com"},
			[]byte("Message-ID: <7@example.org>\r\nX-Convened-Kind: reminder\r\n\r\nHello\r\n"))
	}
	if err := send(); err == nil || !strings.Contains(err.Error(), "User unknown") {
		t.Errorf("got %v, want User unknown", err)
	}
	tell := func(line, key, want string) {
		t.Helper()
		io.WriteString(say, line+"\n")
		if got, _ := next()[key].(string); !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", line, got, want)
		}
	}
	tell("", "done", "")
	sent := make(chan error, 1)
	go func() { sent <- send() }()
	m := next()
	for key, want := range map[string]any{"message_id": "7@example.org", "kind": "reminder", "from": "from@example.org", "conn": 2.0} {
		if m[key] != want {
			t.Errorf("%s: got %v, want %v", key, m[key], want)
		}
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	tell("refuse", "done", "refuse")
	if conn, err := net.Dial("tcp", addr); err == nil {
		conn.Close()
		t.Error("it took a connection after refuse")
	}
	tell("resume", "done", "resume")
	tell("cut", "done", "cut")
	tell("rcpt999", "error", `no fault "rcpt999"`)
	say.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
