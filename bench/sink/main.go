// Sink is a mail server that takes letters as fast as a program can read them,
// and forgets them. It is the light one of the benchmark's two sinks: what a
// sender gains beyond the speed of a real server shows here.
//
//	sink [-delay 20ms]
//
// It listens on a free port of loopback and prints its address. For each line on
// its standard input it prints, in one line of JSON, what it has taken since the line
// before: how many letters, of how many bytes, and when the first, the median
// and the last of them came. It ends with its standard input.
//
// It offers PIPELINING, answers what came in one packet in one packet, and looks at
// nothing but the ends of lines and of letters. With -delay, each packet takes
// half of that time to come in and half of it to go out, and no longer, however
// many follow each other: the latency of a distant server, not its narrowness.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

// A Report says what was taken since the last one. Times are in nanoseconds of
// Unix time; zero where nothing came.
type Report struct {
	Letters             int
	Bytes               int64
	First, Median, Last int64
}

type sink struct {
	mu    sync.Mutex
	bytes int64
	at    []int64
}

func main() {
	delay := flag.Duration("delay", 0, "the round trip that it seems to be away")
	flag.Parse()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, "sink:", err)
		os.Exit(1)
	}
	fmt.Println(listener.Addr())
	s := &sink{}
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			if *delay > 0 {
				c = distant(c, *delay/2)
			}
			go s.serve(c)
		}
	}()
	out := json.NewEncoder(os.Stdout)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		_ = out.Encode(s.report()) // who does not read it is gone
	}
}

func (s *sink) report() Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := Report{Letters: len(s.at), Bytes: s.bytes}
	if n := len(s.at); n > 0 {
		r.First, r.Median, r.Last = s.at[0], s.at[n/2], s.at[n-1]
	}
	s.at, s.bytes = nil, 0
	return r
}

func (s *sink) took(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = append(s.at, time.Now().UnixNano())
	s.bytes += int64(n)
}

// serve speaks SMTP until the other side says QUIT or is gone.
func (s *sink) serve(c net.Conn) {
	defer c.Close()
	r := bufio.NewReaderSize(c, 64<<10)
	var out []byte
	say := func(words string) { out = append(out, words...) }
	say("220 sink ESMTP\r\n")
	for {
		if r.Buffered() == 0 && len(out) > 0 {
			if _, err := c.Write(out); err != nil {
				return
			}
			out = out[:0]
		}
		line, err := r.ReadSlice('\n')
		if err != nil || len(line) < 4 {
			return
		}
		switch string(bytes.ToUpper(line[:4])) {
		case "EHLO":
			say("250-sink\r\n250-PIPELINING\r\n250-SIZE 10485760\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 SMTPUTF8\r\n")
		case "DATA":
			say("354 go on\r\n")
			if _, err := c.Write(out); err != nil {
				return
			}
			out = out[:0]
			n, err := swallow(r)
			if err != nil {
				return
			}
			s.took(n)
			say("250 2.0.0 taken\r\n")
		case "QUIT":
			_, _ = c.Write([]byte("221 2.0.0 bye\r\n"))
			return
		default:
			say("250 2.0.0 ok\r\n")
		}
	}
}

// swallow reads a letter to its dot and returns its length.
func swallow(r *bufio.Reader) (int, error) {
	end := []byte("\r\n.\r\n")
	tail := []byte("\r\n") // of what was read: the dot may come in two parts
	n := 0
	for {
		if _, err := r.Peek(1); err != nil {
			return n, err
		}
		b, _ := r.Peek(r.Buffered())
		if i := bytes.Index(b, end); i >= 0 {
			_, _ = r.Discard(i + len(end))
			return n + i + len(end), nil
		}
		// The dot may have begun before this part.
		joint := append(tail[:len(tail):len(tail)], b[:min(len(b), len(end)-1)]...)
		if i := bytes.Index(joint, end); i >= 0 {
			k := i + len(end) - len(tail)
			_, _ = r.Discard(k)
			return n + k, nil
		}
		joint = append(tail[:len(tail):len(tail)], b[max(0, len(b)-len(end)+1):]...)
		tail = append([]byte(nil), joint[max(0, len(joint)-len(end)+1):]...)
		n += len(b)
		_, _ = r.Discard(len(b))
	}
}

// A far is a connection whose packets take their time, each way.
type far struct {
	net.Conn
	delay time.Duration
	in    chan packet
	out   chan packet
	rest  []byte
}

type packet struct {
	due  time.Time
	data []byte
	err  error
}

func distant(c net.Conn, delay time.Duration) net.Conn {
	f := &far{Conn: c, delay: delay, in: make(chan packet, 1024), out: make(chan packet, 1024)}
	go func() {
		for {
			b := make([]byte, 32<<10)
			n, err := c.Read(b)
			f.in <- packet{time.Now().Add(delay), b[:n], err}
			if err != nil {
				return
			}
		}
	}()
	go func() {
		for p := range f.out {
			time.Sleep(time.Until(p.due))
			if _, err := c.Write(p.data); err != nil {
				_ = c.Close() // the reader notices
			}
		}
		_ = c.Close()
	}()
	return f
}

func (f *far) Read(b []byte) (int, error) {
	if len(f.rest) == 0 {
		p := <-f.in
		time.Sleep(time.Until(p.due))
		if p.err != nil {
			return 0, p.err
		}
		f.rest = p.data
	}
	n := copy(b, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}

func (f *far) Write(b []byte) (int, error) {
	f.out <- packet{due: time.Now().Add(f.delay), data: bytes.Clone(b)}
	return len(b), nil
}

func (f *far) Close() error {
	close(f.out)
	return nil
}
