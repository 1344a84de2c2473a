//go:build systemd

package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"convened/internal/lab"
)

// TestSystemdKeepsTheConnections is the promise under systemd itself: a transient
// unit of the user's service manager is killed again and again, systemd starts it
// again, and nobody gets a letter twice. It wants a user manager that can be
// reached (XDG_RUNTIME_DIR); make systemd runs it.
func TestSystemdKeepsTheConnections(t *testing.T) {
	kills, n := 30, 6000
	if k, err := strconv.Atoi(os.Getenv("KILLS")); err == nil {
		kills, n = k, 200*k
	}
	s := newSiteWith(t, lab.SMTPOptions{Script: lab.At(lab.AtDot, lab.Reaction{Delay: 15 * time.Millisecond, Accept: true})}, "")
	file, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	s.apply("webinar", 240*time.Hour, "")
	s.burst(n)
	unit := fmt.Sprintf("convened-test-%d", os.Getpid())
	log := s.state() + "/log"
	run := exec.Command("systemd-run", "--user", "--quiet", "--unit="+unit, "--collect", "-pType=notify", "-pRestart=always", "-pRestartSec=50ms",
		"-pStartLimitIntervalSec=0", "-pFileDescriptorStoreMax=512", "-pStandardError=append:"+log, file, "run", "--config", s.config)
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", run, err, out)
	}
	t.Cleanup(func() { _ = exec.Command("systemctl", "--user", "stop", unit).Run() })
	show := func(property string) int {
		out, err := exec.Command("systemctl", "--user", "show", "--value", "--property="+property, unit).Output()
		k, bad := strconv.Atoi(strings.TrimSpace(string(out)))
		if err != nil || bad != nil {
			t.Fatalf("%s of %s is %q, %v", property, unit, out, err)
		}
		return k
	}
	last := 0
	for k := range kills {
		s.wait(n*(k+1)/(kills+2), 2*time.Minute)
		pid := 0
		s.until("systemd has started it again", func() bool { pid = show("MainPID"); return pid > 0 && pid != last })
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		last = pid
	}
	s.wait(n, 2*time.Minute)
	s.settled()
	s.once(n)
	said, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	heard := strings.Count(string(said), "a dead daemon's letter is answered")
	t.Logf("%d kills, %d letters, %d twice; %d replies heard by another process; %d connections kept", kills, n, s.smtp.Count()-n, heard, show("NFileDescriptorStore"))
	if heard == 0 {
		t.Errorf("no reply was ever waiting: this test shows nothing\n%.3000s", said)
	}
	// A restart in good order leaves nothing of the old process's.
	if out, err := exec.Command("systemctl", "--user", "restart", unit).CombinedOutput(); err != nil {
		t.Fatalf("restart: %v\n%s", err, out)
	}
	s.until("nothing is kept", func() bool { return show("NFileDescriptorStore") == 0 })
}
