package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"convened"
)

var at = time.Date(2026, 11, 25, 15, 0, 0, 123e6, time.UTC)

func owner(daemon int64) Owner {
	return Owner{System: "7300000000000000001", Database: "con/vened*", Daemon: daemon, Boot: "b00t"}
}

func create(t *testing.T, dir string, o Owner) *Journal {
	t.Helper()
	j, err := Create(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// die ends a journal as a killed process does: the kernel ends its mappings and
// closes its files.
func die(t *testing.T, j *Journal) {
	t.Helper()
	if err := errors.Join(j.fold(), j.file.Close()); err != nil {
		t.Fatal(err)
	}
}

func orphans(t *testing.T, dir string, o Owner) []*Orphan {
	t.Helper()
	list, err := Orphans(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func reply(n convened.NoticeID) convened.Outcome {
	return convened.Outcome{Notice: n, Attempt: 2, State: convened.Sent, Code: 250, Enhanced: "2.0.0", Phase: "dot", Reply: "250 2.0.0 Ok: queued as \"4F2A\"\n<é@example.org>", At: at}
}

func TestTheNextStartReadsWhatADeadOneLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := create(t, dir, owner(1))
	for n := range convened.NoticeID(3) {
		if err := j.BeforeDot(n+1, 2, "", 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.AfterReply(reply(2)); err != nil {
		t.Fatal(err)
	}
	if list := orphans(t, dir, owner(2)); len(list) != 0 {
		t.Fatal("a living daemon's journal was taken for an orphan")
	}
	die(t, j)
	list := orphans(t, dir, owner(2))
	if len(list) != 1 {
		t.Fatalf("%d orphans, want 1", len(list))
	}
	o := list[0]
	if o.Daemon != 1 || !o.Complete || fmt.Sprint(o.Dots) != "map[1:2 2:2 3:2]" || len(o.Replies) != 1 || o.Replies[0] != reply(2) {
		t.Errorf("it says %+v", o)
	}
	// Two siblings don't work on it at the same time.
	if again := orphans(t, dir, owner(3)); len(again) != 0 {
		t.Error("an orphan was adopted twice")
	}
	if err := o.Keep(); err != nil {
		t.Fatal(err)
	}
	list = orphans(t, dir, owner(3))
	if len(list) != 1 {
		t.Fatalf("%d orphans after the first was kept, want 1", len(list))
	}
	if err := list[0].Done(); err != nil {
		t.Fatal(err)
	}
	if list = orphans(t, dir, owner(3)); len(list) != 0 {
		t.Errorf("%d orphans after it was done", len(list))
	}
}

func TestAnotherDatabasesJournalIsNeverRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	die(t, create(t, dir, owner(1)))
	for _, other := range []Owner{{System: "7300000000000000002", Database: "con/vened*", Daemon: 2, Boot: "b00t"}, {System: "7300000000000000001", Database: "con", Daemon: 2, Boot: "b00t"}, {System: "*", Database: "*", Daemon: 2, Boot: "b00t"}} {
		if list := orphans(t, dir, other); len(list) != 0 {
			t.Errorf("%+v reads %d journals of another", other, len(list))
		}
	}
}

func TestAJournalOfAnEarlierBootIsNotComplete(t *testing.T) {
	t.Parallel()
	for _, boot := range []string{"another", ""} {
		dir := t.TempDir()
		die(t, create(t, dir, owner(1)))
		o := owner(2)
		o.Boot = boot
		if list := orphans(t, dir, o); len(list) != 1 || list[0].Complete {
			t.Errorf("after boot %q: %+v", boot, list)
		}
	}
}

func TestATornLineSaysNothing(t *testing.T) {
	t.Parallel()
	whole := "boot b00t\ndot 1 1\nreply 1 1 sent 250 \"2.0.0\" \"dot\" \"\" \"ok\" 1\ndot 22 1\n"
	for i := range len(whole) {
		o := parse([]byte(whole[:i]), "b00t")
		if _, half := o.Dots[2]; half || len(o.Replies) > 1 || len(o.Dots) > 2 {
			t.Fatalf("cut at %d it says %+v", i, o)
		}
	}
}

// After a power cut one page may be of one time and the next of another.
func TestAReplyThatIsHalfAnothersSaysNothing(t *testing.T) {
	dir := t.TempDir()
	j := create(t, dir, owner(1))
	for _, o := range []convened.Outcome{reply(1000), {Notice: 2000, Attempt: 1, State: convened.Refused, Code: 550, Phase: "dot", Reply: "no", At: reply(1).At}} {
		if err := j.AfterReply(o); err != nil {
			t.Fatal(err)
		}
	}
	die(t, j)
	path := filepath.Join(dir, owner(1).file())
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(written(data), []byte("\n"))
	sent, refused := lines[1], lines[2]
	cut := bytes.Index(refused, []byte(" refused"))
	hybrid := append(bytes.Clone(refused[:cut]), sent[bytes.Index(sent, []byte(" sent")):]...)
	if err := os.WriteFile(path, append(bytes.Clone(lines[0]), append(hybrid, sent...)...), 0o600); err != nil {
		t.Fatal(err)
	}
	got := orphans(t, dir, owner(2))[0].Replies
	if len(got) != 1 || got[0].Notice != 1000 {
		t.Errorf("of %q and a whole line it reads %+v", hybrid, got)
	}
}

func TestAJournalStaysSmallAndKeepsWhatIsNotSettled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := create(t, dir, owner(1))
	if err := j.BeforeDot(7, 1, "", 0); err != nil {
		t.Fatal(err)
	}
	var largest int64
	for n := convened.NoticeID(100); n < 20_100; n++ {
		if err := j.BeforeDot(n, 1, "", 0); err != nil {
			t.Fatal(err)
		}
		if err := j.AfterReply(reply(n)); err != nil {
			t.Fatal(err)
		}
		j.Settled(n)
		if n%100 == 0 {
			info, err := os.Stat(j.path)
			if err != nil {
				t.Fatal(err)
			}
			largest = max(largest, info.Size())
		}
	}
	if largest > compactAt+1000 {
		t.Errorf("it grew to %d bytes", largest)
	}
	die(t, j)
	list := orphans(t, dir, owner(2))
	if len(list) != 1 || list[0].Dots[7] != 1 || !list[0].Complete {
		t.Errorf("the one that waits is gone: %+v", list)
	}
}

func TestAJournalThatCantBeWrittenIsRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := create(t, dir, owner(1))
	die(t, j) // a write fails now
	if err := j.BeforeDot(1, 1, "", 0); err == nil {
		t.Error("no error")
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "*")); len(names) != 0 {
		t.Errorf("left behind: %q, which would say that letter 1 never left", names)
	}
	if err := j.BeforeDot(2, 1, "", 0); err != nil {
		t.Errorf("without a journal: %v", err)
	}
}

func TestAStopInGoodOrderLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := create(t, dir, owner(1))
	if err := j.BeforeDot(1, 1, "", 0); err != nil {
		t.Fatal(err)
	}
	j.Settled(1)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "*")); len(names) != 0 {
		t.Errorf("left behind: %q", names)
	}
}

// A daemon that is frozen keeps its lock, and what it was told is true all the
// same.
func TestWhatALivingOneWasToldCanBeRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if !Alone(dir, owner(2)) {
		t.Error("who is the first is not alone")
	}
	j := create(t, dir, owner(1))
	for n := range convened.NoticeID(2) {
		if err := j.BeforeDot(n+1, 2, "", 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.AfterReply(reply(2)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		got, err := Replies(dir, owner(1))
		if err != nil || len(got) != 1 || got[0] != reply(2) {
			t.Errorf("it says %+v, %v", got, err)
		}
	}
	if got, err := Replies(dir, owner(7)); err != nil || len(got) != 0 {
		t.Errorf("a journal that is not there says %+v, %v", got, err)
	}
	if Alone(dir, owner(2)) || !Alone(dir, owner(1)) {
		t.Error("it is not seen whose journals there are")
	}
	die(t, j)
}

// A dot says on which connection its reply may still come, until it is noted.
func TestAJournalNamesTheConnectionsOnWhichAReplyMayCome(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mine := owner(1)
	mine.Unit = "u1"
	j := create(t, dir, mine)
	note := func(n convened.NoticeID, attempt int, kept string) {
		t.Helper()
		if err := j.BeforeDot(n, attempt, kept, int64(n-1)*1000); err != nil {
			t.Fatal(err)
		}
	}
	note(1, 2, "smtp-a")
	note(2, 2, "smtp-b")
	if err := j.AfterReply(reply(2)); err != nil {
		t.Fatal(err)
	}
	note(3, 2, "") // not kept
	note(2, 3, "smtp-b")
	note(4, 1, "smtp-c")
	note(4, 2, "") // another attempt, not kept
	for _, living := range []bool{true, false} {
		named, err := Named(dir, owner(2))
		if want := "map[smtp-a:true smtp-b:true]"; err != nil || fmt.Sprint(named) != want {
			t.Errorf("living %v: named are %v, %v; want %s", living, named, err, want)
		}
		if living {
			die(t, j)
		}
	}
	if named, err := Named(dir, mine); err != nil || len(named) != 0 {
		t.Errorf("of its own it names %v, %v", named, err)
	}
	list := orphans(t, dir, owner(2))
	if len(list) != 1 {
		t.Fatalf("%d orphans, want 1", len(list))
	}
	o := list[0]
	if fmt.Sprint(o.Kept) != "map[1:{smtp-a 0} 2:{smtp-b 1000}]" || fmt.Sprint(o.Dots) != "map[1:2 2:3 3:2 4:2]" || o.Unit != "u1" {
		t.Errorf("it says %+v", o)
	}
	if info, err := os.Stat(o.path); err != nil || !o.Written.Equal(info.ModTime()) {
		t.Errorf("written at %s, %v", o.Written, err)
	}
	if err := o.Done(); err != nil {
		t.Fatal(err)
	}
}
