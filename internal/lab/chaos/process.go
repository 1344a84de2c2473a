//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

func processScenarios() []*scenario {
	return []*scenario{
		{Row: 22, Name: "a configuration with an error", People: 300, Quiet: true,
			Fault:    "the configuration file is broken under a running daemon; a reload and another start are tried",
			Required: "the reload is refused and the old configuration stays; the start ends with 2; both name file and line",
			Run:      brokenConfiguration,
			Missing:  "systemctl reload and its exit code: the harness sends SIGHUP, as ExecReload does"},
		{Row: 31, Name: "a secret is missing", People: 100, Quiet: true,
			Fault:    "password_file names a file that is not there, one that can't be read, a credential that systemd did not hand over",
			Required: "it refuses to start, with 2, and says which file",
			Run:      missingSecret},
		{Row: 32, Part: "a", Name: "nobody reads the log", People: 5000, Full: 12_000, // more lines than are kept
			Fault:    "standard error is a pipe that is full and that nobody reads any more",
			Required: "sending goes on; lines are dropped and counted",
			Run:      logIsStuck,
			Missing:  "journald itself, stopped and started; the harness holds its end of the pipe"},
		{Row: 32, Part: "b", Name: "the log's reader is gone", People: 600, Quiet: true,
			Fault:    "standard error is a pipe whose reader has gone (EPIPE, SIGPIPE), or closed from the beginning",
			Required: "sending goes on",
			Run:      logIsGone},
		{Row: 32, Part: "c", Name: "state_dir is full", People: 1500, Full: 6000,
			Fault:    "the file system of the journal of dots is full, and the daemon is killed then",
			Required: "it goes on without a journal and says so; what was in doubt waits for its lease",
			Run:      stateIsFull},
		{Row: 33, Name: "two versions together", People: 2000, Full: 12_000,
			Fault:    "a daemon of the version before and one of this, on the same schema, replaced one by one under load",
			Required: "each person one letter",
			Run:      rollingUpgrade,
			Missing:  "a version before: there is none yet, so both are this program (-old PROGRAM names another)"},
	}
}

func outOfMemory(r *rig) {
	limit := "a limit of address space"
	before := r.lab.program
	cgroup, err := os.MkdirTemp("/sys/fs/cgroup/memory", "convened-chaos-")
	wrapper := filepath.Join(r.dir, "limited.sh")
	text := "#!/bin/sh\nulimit -v 3000000\n"
	if err == nil {
		if os.WriteFile(filepath.Join(cgroup, "memory.limit_in_bytes"), []byte("268435456"), 0) == nil {
			limit = "a memory cgroup of 256 MiB"
			text = "#!/bin/sh\necho $$ > " + cgroup + "/cgroup.procs\n"
		}
		r.cleanups = append(r.cleanups, func() { _ = os.Remove(cgroup) })
	}
	r.must(os.WriteFile(wrapper, []byte(text+"exec "+before+" \"$@\"\n"), 0o755))
	r.stage(slowly(10 * time.Millisecond))
	r.register(r.people)
	c := r.crew(1, start{program: wrapper, env: []string{"CONVENED_CHAOS=balloon@after-claim:0.15"}})
	for deadline := time.Now().Add(2 * time.Minute); c.killed() < 5 && r.unfinished() != "" && time.Now().Before(deadline); {
		r.sleep(50 * time.Millisecond)
	}
	if c.killed() == 0 {
		r.fail("it never ran out of memory")
	}
	r.note("died %d times of %s", c.killed(), limit)
	r.bound = (c.killed() + 1) * connections
	c.change(start{})
	c.member(0).kill()
}

func hanging(r *rig) {
	const watchdog = 3 * time.Second
	m := r.manager()
	r.stage(slowly(10 * time.Millisecond))
	r.register(r.people)
	s := start{env: append(m.env(watchdog), "CONVENED_CHAOS=hang@after-claim:0.2")}
	hangs := 0
	var slowest time.Duration
	for hangs < 3 && r.unfinished() != "" {
		m.forget()
		d := r.start(s)
		for d.alive() && r.unfinished() != "" && !m.starved(watchdog) {
			r.sleep(50 * time.Millisecond)
		}
		if r.unfinished() == "" || !d.alive() {
			break
		}
		hangs++
		d.setEnded()
		noticed := time.Now()
		d.send(syscall.SIGABRT)
		if !d.wait(5 * time.Second) {
			r.fail("SIGABRT does not end it")
			d.kill()
		}
		slowest = max(slowest, time.Since(noticed))
	}
	if hangs == 0 {
		r.fail("it never hung, or the watchdog was fed all the same")
	}
	r.note("%d hangs, each noticed by the watchdog (%s)", hangs, watchdog)
	r.bound = hangs * connections
	r.start(start{})
}

func brokenConfiguration(r *rig) {
	r.stage(nil)
	running := r.start(start{})
	r.register(r.people / 2)
	r.mails(r.people/2, time.Minute)
	good, err := os.ReadFile(r.config)
	r.must(err)
	r.must(os.WriteFile(r.config, append(good, "batch: many\n"...), 0o600))
	second := r.start(start{})
	if !second.wait(20*time.Second) || second.code() != 2 {
		r.fail("a start with a broken configuration ended with %v, want 2", second.state)
	}
	line := fmt.Sprintf("%s:%d", filepath.Base(r.config), strings.Count(string(good), "\n")+1)
	if said := second.said(); !strings.Contains(said, line) {
		r.fail("it does not say %s:\n%s", line, said)
	} else {
		r.note("it says: %s", strings.Split(strings.TrimSpace(said[strings.Index(said, line):]), "\n")[0])
	}
	running.send(syscall.SIGHUP)
	r.until(20*time.Second, "the reload is refused, and says where", func() bool {
		_, refused, ok := strings.Cut(running.said(), "reload refused")
		return ok && strings.Contains(refused, line)
	})
	r.register(r.people - r.people/2)
	r.mails(r.people, time.Minute)
	r.must(os.WriteFile(r.config, good, 0o600))
	running.send(syscall.SIGHUP)
	r.until(20*time.Second, "a reload of what is mended", func() bool { return strings.Contains(running.said(), "reloaded") })
	r.register(1)
	r.mails(r.people+1, time.Minute)
}

func missingSecret(r *rig) {
	r.stage(nil)
	good := r.config
	secret := filepath.Join(r.dir, "secret")
	r.config = filepath.Join(r.dir, "wrong.yaml")
	try := func(what, file string, env ...string) {
		r.set("smtp.username", "convened")
		r.set("smtp.password_file", file)
		r.configure()
		d := r.start(start{env: env})
		switch {
		case !d.wait(20 * time.Second):
			r.fail("%s: it runs", what)
			d.kill()
		case d.code() != 2:
			r.fail("%s: it ended with %s, want 2", what, d.state)
		case !strings.Contains(d.said(), "smtp.password_file"):
			r.fail("%s: it does not name the key:\n%s", what, d.said())
		}
	}
	try("a file that is not there", secret)
	r.must(os.Mkdir(secret, 0o700))
	try("a directory", secret)
	r.must(os.Remove(secret))
	r.must(os.WriteFile(secret, nil, 0o600))
	try("an empty file", secret)
	try("no credential", "", "CREDENTIALS_DIRECTORY="+filepath.Join(r.dir, "none"))
	r.note("4 starts without their secret, each ended with 2 and named the key")
	r.config = good
	r.register(r.people)
	r.start(start{})
}

func logIsStuck(r *rig) {
	r.stage(nil)
	read, write, err := os.Pipe()
	r.must(err)
	defer read.Close()
	d := r.start(start{output: write})
	write.Close()
	r.register(r.people)
	began := time.Now()
	r.mails(r.people, time.Minute)
	r.finish(30 * time.Second)
	r.note("%d letters in %.1f s, and nobody read a line", r.taken.count(), time.Since(began).Seconds())
	if _, err := d.stop(60 * time.Second); err != nil {
		r.fail("a daemon whose log is stuck: %v", err)
	}
	// What is still in the pipe must end with how much was dropped, or the next
	// lines that get through must say it: here the reader comes back.
	r.register(1)
	second, writer, err := os.Pipe()
	r.must(err)
	defer second.Close()
	d = r.start(start{output: writer})
	writer.Close()
	r.register(r.people)
	r.mails(2*r.people+1, time.Minute)
	r.finish(30 * time.Second) // a line is written when a letter is settled
	said := make(chan string, 1)
	go func() {
		var text strings.Builder
		b := make([]byte, 64<<10)
		for {
			n, err := second.Read(b)
			text.Write(b[:n])
			if err != nil {
				said <- text.String()
				return
			}
		}
	}()
	r.sleep(500 * time.Millisecond)
	r.register(1)
	r.mails(2*r.people+2, time.Minute)
	if _, err := d.stop(60 * time.Second); err != nil {
		r.fail("a daemon whose log is read again: %v", err)
	}
	text := <-said
	if i := strings.Index(text, "dropped"); i < 0 {
		r.fail("when the log is read again it does not say how much was dropped")
	} else {
		start := strings.LastIndexByte(text[:i], '\n') + 1
		r.note("read again it says: %s", strings.Split(text[start:], "\n")[0])
	}
}

func logIsGone(r *rig) {
	r.stage(nil)
	read, write, err := os.Pipe()
	r.must(err)
	d := r.start(start{output: write})
	write.Close()
	r.register(r.people / 2)
	r.mails(r.people/4, time.Minute)
	read.Close()
	r.mails(r.people/2, time.Minute)
	r.finish(30 * time.Second)
	if !d.alive() {
		r.fail("it died with its log's reader: %s", d.state)
	} else if _, err := d.stop(60 * time.Second); err != nil {
		r.fail("after its log's reader went: %v", err)
	}
	d = r.start(start{closed: true})
	r.register(r.people - r.people/2)
	r.mails(r.people, time.Minute)
	r.finish(30 * time.Second)
	if _, err := d.stop(60 * time.Second); err != nil {
		r.fail("without standard output and error: %v", err)
	}
}

func stateIsFull(r *rig) {
	if err := syscall.Mount("tmpfs", r.state, "tmpfs", 0, "size=64k,mode=0755"); err != nil {
		r.notShown("a small file system for state_dir has to be mounted, which wants root: %v", err)
	}
	r.cleanups = append(r.cleanups, func() { _ = syscall.Unmount(r.state, syscall.MNT_DETACH) })
	r.set("lease", "5s")
	r.set("smtp.dot_timeout", "5s")
	r.stage(slowly(10 * time.Millisecond))
	r.register(r.people)
	d := r.start(start{})
	r.mails(r.people/3, time.Minute)
	// The rest of the file system, and then there is not a byte left for a dot.
	_ = os.WriteFile(filepath.Join(r.state, "ballast"), make([]byte, 1<<20), 0o600)
	r.mails(r.people*2/3, time.Minute)
	if !strings.Contains(d.said(), "without a journal") {
		r.fail("it does not say that it goes on without a journal")
	}
	d.kill()
	killed := time.Now()
	_ = os.Remove(filepath.Join(r.state, "ballast"))
	r.start(start{})
	r.finish(2 * time.Minute)
	// Without a journal, whatever was marked may have been sent: two batches.
	r.bound = 2 * 100
	r.note("killed without a journal: all was over %.0f s later, %d letters in all", time.Since(killed).Seconds(), r.taken.count())
}

func rollingUpgrade(r *rig) {
	old := r.lab.old
	if old == "" {
		old = r.lab.program
	}
	r.stage(slowly(15 * time.Millisecond))
	r.register(r.people)
	a, b := r.start(start{program: old}), r.start(start{program: old})
	for i, d := range []*daemon{a, b} {
		r.mails(r.people*(i+1)/4, time.Minute)
		r.start(start{})
		r.mails(r.people*(i+1)/4+r.people/8, time.Minute)
		if _, err := d.stop(60 * time.Second); err != nil {
			r.fail("%v", err)
		}
	}
}
