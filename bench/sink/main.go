//go:build linux

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
//
// What is said is a dialogue's business, which is fed with whatever was read and
// does not care where it was cut. One thread and one epoll feed all of them: a
// packet costs a read and a write, and one wait serves all that are ready. With a
// goroutine for each connection a third of a letter's cost was the runtime's, for finding
// out who may run. With -delay each has one nevertheless: there most of the time is slept.
package main

import (
	"bufio"
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
		end(err)
	}
	fmt.Println(listener.Addr())
	s := &sink{}
	if *delay > 0 {
		go s.serveDistant(listener, *delay/2)
	} else {
		go func() { end(s.loop(listener)) }()
	}
	out := json.NewEncoder(os.Stdout)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		_ = out.Encode(s.report()) // who does not read it is gone
	}
}

func end(err error) {
	fmt.Fprintln(os.Stderr, "sink:", err)
	os.Exit(1)
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

// answer lets a dialogue hear what was read and appends what it says to out. The
// letters count before anybody can be told that they were taken.
func (s *sink) answer(d *dialogue, in, out []byte) []byte {
	out = d.hear(in, out)
	if d.letters > 0 {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.bytes += d.bytes
		for now := time.Now().UnixNano(); d.letters > 0; d.letters-- {
			s.at = append(s.at, now)
		}
		d.bytes = 0
	}
	return out
}
