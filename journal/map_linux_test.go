package journal

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"convened"
)

// unmapped has a journal written as where nothing can be mapped.
func unmapped(t *testing.T, j *Journal) {
	t.Helper()
	if err := errors.Join(j.fold(), j.rewrite()); err != nil {
		t.Fatal(err)
	}
}

// What a kill may not undo: what a writer was told, by notice, kept in a mapping of
// the same kind beside the journal.
const (
	untold = iota
	dotted
	replied
	settling
	settled
)

const most = 1 << 20 // letters of one writer

// attemptOf and replyOf are what the writers note of a letter, so that a reader
// knows what a line of it must say.
func attemptOf(n convened.NoticeID) int { return 1 + int(n%7)*13 }

func replyOf(n convened.NoticeID) convened.Outcome {
	o := reply(n)
	o.Attempt, o.Code = attemptOf(n), 200+int(n%50)
	o.Reply = fmt.Sprintf("250 dot %d \"reply\" %d\n%*d", n, n, int(n%40), n)
	return o
}

// TestAWriter is no test but the process that is killed: it writes from several
// goroutines, and settles most of it, until its end.
func TestAWriter(t *testing.T) {
	dir := os.Getenv("JOURNAL_WRITER")
	if dir == "" {
		return // TestAfterAKillAllIsThereThatWasNoted runs it
	}
	told, err := os.OpenFile(filepath.Join(dir, "told"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	tell, err := mapFile(told, most)
	if err != nil {
		t.Fatal(err)
	}
	size, _ := strconv.Atoi(os.Getenv("JOURNAL_SIZE"))
	o := owner(1)
	o.Unit = "u1"
	j, err := createOf(size, dir, o)
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("JOURNAL_UNMAPPED") != "" {
		unmapped(t, j)
	}
	if err := os.WriteFile(filepath.Join(dir, "begun"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var next atomic.Int64
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for {
				n := convened.NoticeID(next.Add(1))
				if n >= most {
					time.Sleep(time.Hour) // its kill is late
				}
				if err := j.BeforeDot(n, attemptOf(n), "smtp-"+strconv.Itoa(int(n)), int64(n)); err != nil {
					panic(err)
				}
				tell[n] = dotted
				if n%5000 == 7 {
					continue // no reply ever comes
				}
				if err := j.AfterReply(replyOf(n)); err != nil {
					panic(err)
				}
				tell[n] = replied
				if n%6000 == 11 {
					continue // the database never hears of it
				}
				tell[n] = settling
				j.Settled(n)
				tell[n] = settled
			}
		})
	}
	all.Wait()
}

// Not beside the others: between fork and exec its writers have the locks of all
// that is open here, and who closes a journal may not find it free.
func TestAfterAKillAllIsThereThatWasNoted(t *testing.T) {
	for _, c := range []struct {
		name, unmapped string
		size, kills    int
	}{
		{"in small areas", "", 16 << 10, 24},
		{"in large ones", "", compactAt, 4},
		{"not mapped", "1", 16 << 10, 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for range c.kills {
				killed(t, c.size, c.unmapped)
			}
		})
	}
}

// killed kills a writer and compares what its journal says with what it was told.
func killed(t *testing.T, size int, unmapped string) {
	t.Helper()
	dir := t.TempDir()
	writer := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestAWriter$")
	writer.Env = append(os.Environ(), "JOURNAL_WRITER="+dir, "JOURNAL_SIZE="+strconv.Itoa(size), "JOURNAL_UNMAPPED="+unmapped)
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(filepath.Join(dir, "begun")); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the writer does not begin")
		}
	}
	// A random instant is what is wanted, so nothing is waited for. Until then
	// others read what it writes.
	for end := time.Now().Add(time.Duration(rand.Int64N(int64(20 * time.Millisecond)))); time.Now().Before(end); time.Sleep(time.Millisecond) {
		replies, err := Replies(dir, owner(1))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range replies {
			if r.Notice <= 0 || r.Notice >= most || r != replyOf(r.Notice) {
				t.Errorf("of the living one a reply was read that nobody noted: %+v", r)
			}
		}
	}
	if err := writer.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := writer.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Fatalf("the writer ended with %v", err)
	}
	told, err := os.ReadFile(filepath.Join(dir, "told"))
	if err != nil {
		t.Fatal(err)
	}
	list := orphans(t, dir, owner(2))
	if len(list) != 1 {
		t.Fatalf("%d orphans, want 1", len(list))
	}
	o := list[0]
	data, err := os.ReadFile(o.path)
	if err != nil {
		t.Fatal(err)
	}
	asBefore(t, data)
	if !o.Complete || o.Unit != "u1" {
		t.Errorf("it says of itself %v, %q", o.Complete, o.Unit)
	}
	heard := map[convened.NoticeID]bool{}
	for _, r := range o.Replies {
		if r.Notice <= 0 || r.Notice >= most || r != replyOf(r.Notice) {
			t.Errorf("a reply was read that nobody noted: %+v", r)
			continue
		}
		heard[r.Notice] = true
	}
	for n, attempt := range o.Dots {
		if n <= 0 || n >= most || attempt != attemptOf(n) {
			t.Errorf("a dot was read that nobody noted: %d, %d", n, attempt)
		}
	}
	for n, k := range o.Kept {
		if want := (Kept{"smtp-" + strconv.Itoa(int(n)), int64(n)}); k != want {
			t.Errorf("of letter %d the connection is %v, want %v", n, k, want)
		}
		if told[n] != untold && told[n] != dotted {
			t.Errorf("letter %d waits for its reply, which was noted", n)
		}
	}
	last := 0
	for i, what := range told {
		n := convened.NoticeID(i)
		if what != untold {
			last = i
		}
		if (what == dotted || what == replied) && o.Dots[n] == 0 {
			t.Errorf("the dot of letter %d is lost", n)
		}
		if what == replied && !heard[n] {
			t.Errorf("the reply of letter %d is lost", n)
		}
		if _, kept := o.Kept[n]; what == dotted && !kept && !heard[n] {
			t.Errorf("the connection of letter %d is lost", n)
		}
	}
	if last == 0 {
		t.Log("it was killed before its first dot")
	}
	if err := o.Done(); err != nil {
		t.Fatal(err)
	}
}

func TestAShorterJournalKeepsItsFileItsLockAndWhatIsNotSettled(t *testing.T) {
	t.Parallel()
	for _, mapped := range []bool{true, false} {
		dir := t.TempDir()
		j, err := createOf(16<<10, dir, owner(1))
		if err != nil {
			t.Fatal(err)
		}
		if j.sheet == nil {
			t.Fatal("it is not mapped")
		}
		if !mapped {
			unmapped(t, j)
			j.size = 0 // nor will it be
		}
		before, err := os.Stat(j.path)
		if err != nil {
			t.Fatal(err)
		}
		var dots []convened.NoticeID
		for n := convened.NoticeID(1); n < 3000; n++ {
			if err := j.BeforeDot(n, 2, "", 0); err != nil {
				t.Fatal(err)
			}
			if n%1000 == 1 {
				dots = append(dots, n)
				continue
			}
			if err := j.AfterReply(reply(n)); err != nil {
				t.Fatal(err)
			}
			if n != 4 {
				j.Settled(n)
			}
			if n == 4 { // another attempt of the same
				if err := j.BeforeDot(n, 3, "smtp-a", 9); err != nil {
					t.Fatal(err)
				}
			}
		}
		after, err := os.Stat(j.path)
		if err != nil || !os.SameFile(before, after) || (j.sheet != nil) != mapped {
			t.Errorf("mapped %v: it is another file, %v", mapped, err)
		}
		if list := orphans(t, dir, owner(2)); len(list) != 0 {
			t.Errorf("mapped %v: its lock is free", mapped)
		}
		die(t, j)
		list := orphans(t, dir, owner(2))
		if len(list) != 1 {
			t.Fatalf("mapped %v: %d orphans", mapped, len(list))
		}
		o := list[0]
		for _, n := range dots {
			if o.Dots[n] != 2 {
				t.Errorf("mapped %v: the dot of %d is gone", mapped, n)
			}
		}
		if o.Dots[4] != 3 || fmt.Sprint(o.Kept) != "map[4:{smtp-a 9}]" || !slices.Contains(o.Replies, reply(4)) {
			t.Errorf("mapped %v: of letter 4 it says %d, %v", mapped, o.Dots[4], o.Kept)
		}
		if err := o.Done(); err != nil {
			t.Fatal(err)
		}
	}
}

// Whatever a kill in the middle of a line leaves of it, in whatever order its bytes
// are stored: as long as its first is not there, it says nothing.
func TestALineSaysNothingUntilItsFirstByteIsStored(t *testing.T) {
	t.Parallel()
	before, behind := "boot b00t\ndot 1 1 smtp-a\n", string(make([]byte, 40))
	for _, line := range []string{"dot 22 13 smtp-b 4711\n", "reply 1 1 sent 250 \"2.0.0\" \"dot\" \"\" \"dot 5 1\" 1\n", "unit u1\n"} {
		want, whole := fmt.Sprint(parse([]byte(before), "b00t")), fmt.Sprint(parse([]byte(before+line), "b00t"))
		if want == whole {
			t.Fatalf("%q says nothing", line)
		}
		for _, next := range []string{behind, behind + "\n" + "dot 1 1 smtp-a\n"} {
			for range 50 {
				page := []byte(before + string(make([]byte, len(line))) + next)
				for _, i := range rand.Perm(len(line) - 1) {
					if got := fmt.Sprint(parse(page, "b00t")); got != want {
						t.Fatalf("%q says %s", page, got)
					}
					page[len(before)+1+i] = line[1+i]
				}
				if got := fmt.Sprint(parse(page, "b00t")); got != want {
					t.Fatalf("%q says %s", page, got)
				}
				asBefore(t, page)
			}
		}
		page := []byte(before + line + behind)
		if got := fmt.Sprint(parse(page, "b00t")); got != whole {
			t.Errorf("%q says %s, want %s", page, got, whole)
		}
		// Nor does one that a reader sees with any byte missing.
		for i := range line {
			page[len(before)+i] = 0
			if got := fmt.Sprint(parse(page, "b00t")); got != want {
				t.Errorf("%q says %s", page, got)
			}
			page[len(before)+i] = line[i]
		}
	}
}

// At every instant of a turn the file says the same of what is not settled, and
// names no connection of what is.
func TestATurnThatIsCutAnywhereSaysTheSame(t *testing.T) {
	t.Parallel()
	head := "boot b00t\n"
	lines := []string{
		"dot 1 1 smtp-a\n", "dot 2 1 smtp-b\n", "reply 1 1 deferred 451 \"\" \"dot\" \"\" \"1st\" 1\n", "reply 2 1 sent 250 \"\" \"dot\" \"\" \"settled\" 1\n",
		"dot 1 2 smtp-b\n", "dot 3 1 smtp-c\n", "reply 1 2 sent 250 \"\" \"dot\" \"\" \"2nd\" 2\n", "dot 4 1 smtp-a\n", "reply 4 1 sent 250 \"\" \"dot\" \"\" \"settled\" 3\n", "dot 5 1 smtp-b\n",
	}
	for _, in := range []int{0, 1} {
		b := make([]byte, 2048)
		copy(b, head)
		s := newSheet(b, len(head))
		s.in = in
		if err := s.rule(); err != nil {
			t.Fatal(err)
		}
		j := &Journal{sheet: s, end: s.areas[in].from, waiting: map[convened.NoticeID]int{}}
		for _, line := range lines {
			n, ok := noticeOf([]byte(line))
			if err := s.put(j.end, []byte(line)); err != nil || !ok {
				t.Fatal(ok, err)
			}
			if _, waits := j.waiting[n]; !waits {
				j.waiting[n] = j.end
			}
			j.end += len(line)
		}
		j.Settled(2)
		j.Settled(4)
		check := func(page []byte) {
			t.Helper()
			o := parse(page, "b00t")
			told := map[string]bool{}
			for _, r := range o.Replies {
				told[r.Reply] = true
			}
			if !o.Complete || o.Dots[1] != 2 || o.Dots[3] != 1 || o.Dots[5] != 1 || !told["1st"] || !told["2nd"] || fmt.Sprint(o.Kept) != "map[3:{smtp-c 0} 5:{smtp-b 0}]" {
				t.Fatalf("in area %d it says %+v of %q", in, o, page)
			}
		}
		check(b)
		rest, _ := j.unsettled(b[s.areas[in].from:j.end], s.areas[in].from, 0)
		steps := 0
		for range s.turning(rest) {
			steps++
			check(b)
			asBefore(t, b)
		}
		check(b)
		if want := 2*6 + len(lines); steps != want {
			t.Errorf("it was looked at %d times, want %d", steps, want)
		}
		if got, want := string(written(b)), head+string(rest); got != want {
			t.Errorf("left is %q, want %q", got, want)
		}
	}
}

// A journal of which too much is not settled goes on without its mapping, and has
// one again when that is over.
func TestAJournalThatIsTooFullForItsMappingGoesOnWithoutAndComesBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, err := createOf(16<<10, dir, owner(1))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[bool]bool{}
	const n = 1000
	for i := range convened.NoticeID(n) {
		if err := j.BeforeDot(i+1, attemptOf(i+1), "", 0); err != nil {
			t.Fatal(err)
		}
		if err := j.AfterReply(replyOf(i + 1)); err != nil {
			t.Fatal(err)
		}
		seen[j.sheet != nil] = true
	}
	if !seen[true] || !seen[false] {
		t.Errorf("mapped was %v", slices.Collect(maps.Keys(seen)))
	}
	got, err := Replies(dir, owner(1))
	if err != nil || len(got) != n {
		t.Errorf("%d replies, %v; want %d", len(got), err, n)
	}
	for i := range convened.NoticeID(n) {
		j.Settled(i + 1)
	}
	for i := convened.NoticeID(n); i < 20*n && j.sheet == nil; i++ {
		if err := errors.Join(j.BeforeDot(i, 1, "", 0), j.AfterReply(replyOf(i))); err != nil {
			t.Fatal(err)
		}
		j.Settled(i)
	}
	if j.sheet == nil {
		t.Error("it is never mapped again")
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// Where the disk has no room for the whole file, the journal does with what there is.
func TestWhereNothingCanBeMappedAJournalIsWrittenAllTheSame(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, err := createOf(math.MaxInt&^0xfff, dir, owner(1))
	if err != nil {
		t.Fatal(err)
	}
	if j.sheet != nil {
		t.Fatal("so large a file was mapped")
	}
	if err := errors.Join(j.BeforeDot(1, 2, "", 0), j.BeforeDot(2, 2, "smtp-b", 7), j.AfterReply(reply(1))); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(j.path); err != nil || info.Size() != int64(j.end) {
		t.Errorf("the file is %d bytes long, %v; want %d", info.Size(), err, j.end)
	}
	die(t, j)
	list := orphans(t, dir, owner(2))
	if len(list) != 1 {
		t.Fatalf("%d orphans, want 1", len(list))
	}
	if o := list[0]; fmt.Sprint(o.Dots) != "map[1:2 2:2]" || len(o.Replies) != 1 || o.Replies[0] != reply(1) || fmt.Sprint(o.Kept) != "map[2:{smtp-b 7}]" {
		t.Errorf("it says %+v", o)
	}
	if err := list[0].Done(); err != nil {
		t.Fatal(err)
	}
}

// A store into a page that is not there is SIGBUS, which is an error here and not
// the end of the process.
func TestAMappedJournalThatCantBeStoredIntoIsRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := create(t, dir, owner(1))
	if j.sheet == nil {
		t.Fatal("it is not mapped")
	}
	for n := convened.NoticeID(1); j.end < 3*os.Getpagesize(); n++ {
		if err := j.BeforeDot(n, 1, "", 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Truncate(j.path, 0); err != nil {
		t.Fatal(err)
	}
	if err := j.BeforeDot(1, 2, "", 0); err == nil {
		t.Error("no error")
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "*")); len(names) != 0 {
		t.Errorf("left behind: %q, which would say that letter 1 never left", names)
	}
	if err := errors.Join(j.BeforeDot(2, 1, "", 0), j.AfterReply(reply(2)), j.Close()); err != nil {
		t.Errorf("without a journal: %v", err)
	}
}

// The kernel notes the time of a store once a page: how old a journal is must not
// be told by its last page.
func TestWhenAMappedJournalWasWrittenIsKnown(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := create(t, dir, owner(1))
	if err := j.BeforeDot(1, 1, "", 0); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(j.path, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if err := j.BeforeDot(1, 1, "", 0); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(j.path); err != nil {
			t.Fatal(err)
		} else if time.Since(info.ModTime()) < time.Minute {
			die(t, j)
			return
		}
	}
	t.Error("its time stays as it was")
}

// What is left behind in good order is the text alone.
func TestAMappedJournalThatIsClosedWithSomethingToSettleIsPlainText(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, err := createOf(16<<10, dir, owner(1))
	if err != nil {
		t.Fatal(err)
	}
	for n := convened.NoticeID(1); n < 2000; n++ {
		if err := j.BeforeDot(n, 1, "", 0); err != nil {
			t.Fatal(err)
		}
		if n != 17 {
			j.Settled(n)
		}
		if n > 100 && j.sheet.in == 1 {
			break // in the second area
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(j.path)
	if want := "boot b00t\ndot 17 1\n"; err != nil || string(b) != want {
		t.Errorf("left is %q, %v; want %q", b, err, want)
	}
}

// The version before wrote text and nothing else.
func TestAJournalOfTheVersionBeforeIsRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := "boot b00t\nunit u1\ndot 1 1 smtp-a 12\ndot 2 1\nreply 2 1 sent 250 \"2.0.0\" \"dot\" \"\" \"ok\" 1\ndot 33"
	if err := os.WriteFile(filepath.Join(dir, owner(1).file()), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	list := orphans(t, dir, owner(2))
	if len(list) != 1 {
		t.Fatalf("%d orphans, want 1", len(list))
	}
	if o := list[0]; !o.Complete || o.Unit != "u1" || fmt.Sprint(o.Dots) != "map[1:1 2:1]" || fmt.Sprint(o.Kept) != "map[1:{smtp-a 12}]" || len(o.Replies) != 1 {
		t.Errorf("it says %+v", o)
	}
	if err := list[0].Done(); err != nil {
		t.Fatal(err)
	}
}

// asBefore checks that the version before reads the same from a file.
func asBefore(t *testing.T, data []byte) {
	t.Helper()
	if got, want := fmt.Sprintf("%+v", parseBefore(data, "b00t")), fmt.Sprintf("%+v", parse(data, "b00t")); got != want {
		t.Fatalf("the version before reads %s, want %s", got, want)
	}
}

// parseBefore is the reader of the version that knew of no mapping, as it was.
func parseBefore(data []byte, boot string) *Orphan {
	o := &Orphan{Dots: map[convened.NoticeID]int{}, Kept: map[convened.NoticeID]Kept{}}
	for line := range bytes.Lines(data) {
		s, whole := strings.CutSuffix(string(line), "\n")
		if !whole {
			break
		}
		if b, ok := strings.CutPrefix(s, "boot "); ok {
			o.Complete = b == boot && boot != ""
			continue
		}
		if u, ok := strings.CutPrefix(s, "unit "); ok {
			o.Unit = u
			continue
		}
		var n convened.NoticeID
		var attempt int
		var kept Kept
		if k, _ := fmt.Sscanf(s, "dot %d %d %s %d", &n, &attempt, &kept.Name, &kept.End); k >= 2 {
			o.Dots[n] = attempt
			if delete(o.Kept, n); kept.Name != "" {
				o.Kept[n] = kept
			}
			continue
		}
		var out convened.Outcome
		var at int64
		if k, err := fmt.Sscanf(s, "reply %d %d %s %d %q %q %q %q %d", &out.Notice, &out.Attempt, &out.State, &out.Code, &out.Enhanced, &out.Phase, &out.Cause, &out.Reply, &at); err == nil && k == 9 {
			out.At = time.UnixMilli(at).UTC()
			o.Replies = append(o.Replies, out)
			if o.Dots[out.Notice] == out.Attempt {
				delete(o.Kept, out.Notice)
			}
		}
	}
	return o
}
