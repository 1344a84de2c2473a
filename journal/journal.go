// Package journal writes down, on the machine that sends, what happens between
// the final dot of a letter and the database's knowing of it. Nobody can know
// whether a letter arrived whose sender died in between (RFC 1047); the journal
// makes that time as short as it can be. A line is written before each dot and
// another after each reply, into a file that is mapped into memory, or by write(2)
// where it can't be: either survives the death of the process, and the one costs
// no system call. The next start, or a sibling on the same machine, reads what
// the dead one left before it claims:
//
//	dot and reply   the outcome is known: settle it
//	dot, no reply   in doubt: at most one letter a connection
//	marked, no dot  it never left: it goes back
//
// A dot also says under which name its connection is kept, if it is: then the doubt ends
// as soon as whoever holds that connection now has heard the reply on it. That is
// not any sibling, but the next process of the same unit, which the head of the
// journal names. And it says how much that connection has carried once the dot is out,
// so that whoever holds it knows from the kernel whether it was.
//
// Its invariants: a journal belongs to one daemon of one database, and its lock,
// which the kernel frees when the process is dead and not before, is the proof
// of life. What a journal says is evidence and nothing else: reading it twice
// changes nothing. A journal that can't be written is removed at once, because
// one that misses a dot would say "it never left" of a letter that did; whoever
// finds none waits for the lease, as without. At every instant, whatever was being
// written then, the file holds each line whose call has returned until it is settled,
// and reads as lines that were written: a line that holds a NUL was not.
//
// It will not survive the machine: a journal of an earlier boot is good for the
// replies that it holds and proves nothing by what it lacks.
package journal

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"convened"
)

// An Owner says whose journal it is.
type Owner struct {
	System   string // the database cluster's system identifier
	Database string // the database's name
	Daemon   int64  // the daemon's row
	Boot     string // this boot of this machine: see Boot
	Unit     string // what the next process is told by that inherits this one's connections; "": none will. One word
}

// A Journal is open for writing. Its methods may be called by many goroutines.
type Journal struct {
	mu      sync.Mutex
	file    *os.File // nil: closed, or given up
	path    string
	size    int    // of the file, where it is mapped; otherwise what it may grow to
	sheet   *sheet // nil: it is written with write(2)
	end     int    // where the next line goes
	limit   int    // where the room for it ends
	head    []byte
	waiting map[convened.NoticeID]int // of what is not settled, where its first line begins
}

// compactAt is the size beyond which what is settled is dropped from the file.
const compactAt = 1 << 20

// Boot returns the kernel's name for this boot: 32 hexadecimal digits. Where
// the kernel's file is out of sight it is what told says, which is the same name
// with or without hyphens, such as a service manager's; or "" where that says
// nothing either: then no two boots are taken for the same.
func Boot(told string) string {
	if b, err := os.ReadFile("/proc/sys/kernel/random/boot_id"); err == nil {
		told = string(b)
	}
	return strings.ReplaceAll(strings.TrimSpace(told), "-", "")
}

func (o Owner) prefix() string {
	// A database's name may hold anything; the name of a file may not.
	return fmt.Sprintf("%s-%x-", o.System, o.Database)
}

func (o Owner) file() string { return fmt.Sprintf("%s%d.journal", o.prefix(), o.Daemon) }

// Create makes and locks the journal of a daemon.
func Create(dir string, o Owner) (*Journal, error) { return createOf(compactAt, dir, o) }

// createOf makes a journal of another size.
func createOf(size int, dir string, o Owner) (*Journal, error) {
	path := filepath.Join(dir, o.file())
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make the journal: %w", err)
	}
	if err := lock(f); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock the journal %s: %w", path, err)
	}
	j := &Journal{file: f, path: path, size: size, waiting: map[convened.NoticeID]int{}, head: []byte("boot " + o.Boot + "\n")}
	if o.Unit != "" {
		j.head = append(j.head, "unit "+o.Unit+"\n"...)
	}
	if err := j.shorten(0); err != nil {
		j.giveUp()
		return nil, fmt.Errorf("write the journal: %w", err)
	}
	return j, nil
}

func lock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }

// BeforeDot notes that the final dot of a letter is about to be written, the name
// under which its connection is kept, one word, "" if it is not, and how many bytes
// that has carried once the dot is out, 0 if nobody counts. On an error the
// journal is gone, and what follows is not written down any more.
func (j *Journal) BeforeDot(n convened.NoticeID, attempt int, kept string, end int64) error {
	line := make([]byte, 0, 64)
	line = strconv.AppendInt(append(line, "dot "...), int64(n), 10)
	line = strconv.AppendInt(append(line, ' '), int64(attempt), 10)
	if kept != "" {
		line = append(append(line, ' '), kept...)
		if end > 0 {
			line = strconv.AppendInt(append(line, ' '), end, 10)
		}
	}
	return j.append(n, append(line, '\n'))
}

// AfterReply notes what came of a letter.
func (j *Journal) AfterReply(o convened.Outcome) error {
	line := make([]byte, 0, 160)
	line = strconv.AppendInt(append(line, "reply "...), int64(o.Notice), 10)
	line = strconv.AppendInt(append(line, ' '), int64(o.Attempt), 10)
	line = append(append(line, ' '), o.State...)
	line = strconv.AppendInt(append(line, ' '), int64(o.Code), 10)
	for _, words := range []string{o.Enhanced, o.Phase, string(o.Cause), cut(o.Reply)} {
		line = strconv.AppendQuote(append(line, ' '), words)
	}
	line = strconv.AppendInt(append(line, ' '), o.At.UnixMilli(), 10)
	// A power cut may leave a line whose halves are of two: each page is on the disk or is
	// not, and room is used again. The replies of an earlier boot count, so they say
	// what they were.
	line = strconv.AppendUint(append(line, ' '), uint64(crc32.Checksum(line, castagnoli)), 16)
	return j.append(o.Notice, append(line, '\n'))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// whole reports whether a reply's line is what was written. A version before this one
// wrote no sum, and passes over one.
func whole(line string) bool {
	i := strings.LastIndexByte(line, ' ')
	if strings.HasSuffix(line[:i], `"`) {
		return true // the last is the instant
	}
	sum, err := strconv.ParseUint(line[i+1:], 16, 32)
	return err == nil && uint32(sum) == crc32.Checksum([]byte(line[:i]), castagnoli)
}

func cut(s string) string {
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "")
	}
	return s
}

func (j *Journal) append(n convened.NoticeID, line []byte) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file == nil {
		return nil
	}
	if j.end+len(line) > j.limit {
		if err := j.shorten(len(line)); err != nil {
			j.giveUp()
			return fmt.Errorf("shorten the journal: %w", err)
		}
	}
	if err := j.write(line); err != nil {
		j.giveUp()
		return fmt.Errorf("write the journal: %w", err)
	}
	if _, ok := j.waiting[n]; !ok {
		j.waiting[n] = j.end
	}
	j.end += len(line)
	return nil
}

func (j *Journal) write(line []byte) error {
	if j.sheet == nil {
		// The copy is for the other way, where a line never leaves the stack.
		_, err := j.file.WriteAt(bytes.Clone(line), int64(j.end))
		return err
	}
	if err := j.touch(); err != nil {
		return err
	}
	return j.sheet.put(j.end, line)
}

// Settled drops what the database knows now.
func (j *Journal) Settled(n convened.NoticeID) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.waiting, n)
}

// shorten drops what is settled from the file, to make room for need bytes. A
// mapped file for which the rest is too much is written with write(2) from then on,
// at any length, until the rest is small again.
func (j *Journal) shorten(need int) error {
	if j.sheet != nil {
		if done, err := j.turn(need); done || err != nil {
			return err
		}
		if err := j.fold(); err != nil {
			return err
		}
	}
	if err := j.rewrite(); err != nil {
		return err
	}
	return j.spread()
}

// unsettled picks from the part of the file that begins at from the lines of what
// is not settled, in their order, and says where the first of each will be if
// they are written to another place.
func (j *Journal) unsettled(part []byte, from, to int) ([]byte, map[convened.NoticeID]int) {
	var lines []byte
	waiting := make(map[convened.NoticeID]int, len(j.waiting))
	for line := range bytes.Lines(part) {
		at := from
		from += len(line)
		n, ok := noticeOf(line)
		if !ok {
			continue
		}
		if first, waits := j.waiting[n]; !waits || at < first {
			continue
		}
		if _, ok := waiting[n]; !ok {
			waiting[n] = to + len(lines)
		}
		lines = append(lines, line...)
	}
	return lines, waiting
}

// noticeOf reads of which letter a line is that was written here.
func noticeOf(line []byte) (n convened.NoticeID, ok bool) {
	rest, ok := bytes.CutPrefix(line, []byte("dot "))
	if !ok {
		if rest, ok = bytes.CutPrefix(line, []byte("reply ")); !ok {
			return 0, false
		}
	}
	digits, _, _ := bytes.Cut(rest, []byte(" "))
	id, err := strconv.ParseInt(string(digits), 10, 64)
	return convened.NoticeID(id), err == nil
}

// rewrite leaves a file that is not mapped with what is not settled. It writes that
// over the beginning, then cuts the rest off. If we crash before it is all written,
// what is missing still stands where it stood, because no line moves towards the
// end; the kernel may stop between two pages, and then one line is a half of each.
// If we crash between the two, the rest are replies, or whole dots with their
// replies after them, of letters that are settled: settling them again changes nothing.
func (j *Journal) rewrite() error {
	old := make([]byte, j.end)
	if _, err := j.file.ReadAt(old, 0); err != nil {
		return err
	}
	head := len(j.head)
	lines, waiting := j.unsettled(old[min(head, len(old)):], head, head)
	b := append(bytes.Clone(j.head), lines...)
	if _, err := j.file.WriteAt(b, 0); err != nil {
		return err
	}
	if err := j.file.Truncate(int64(len(b))); err != nil {
		return err
	}
	j.waiting, j.end, j.limit = waiting, len(b), max(j.size, 2*len(b))
	return nil
}

// giveUp removes a journal that can't be trusted any more.
func (j *Journal) giveUp() {
	_ = os.Remove(j.path)
	_ = j.fold()
	_ = j.file.Close()
	j.file = nil
	clear(j.waiting)
}

// Close ends the journal. It removes the file if all is settled; otherwise the
// file stays, with what is not, for the next start to read.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file == nil {
		return nil
	}
	err := j.fold()
	if len(j.waiting) == 0 {
		err = errors.Join(err, os.Remove(j.path))
	} else {
		err = errors.Join(err, j.rewrite())
	}
	err = errors.Join(err, j.file.Close())
	j.file = nil
	return err
}

// An Orphan is the journal of a daemon that is dead. It is held until Done or
// Keep.
type Orphan struct {
	Daemon int64
	// Complete says that what the journal lacks did not happen: the machine has
	// not been restarted since.
	Complete bool
	Unit     string                     // see Owner
	Dots     map[convened.NoticeID]int  // the latest attempt whose dot was about to be written
	Kept     map[convened.NoticeID]Kept // of these the connections, where they are kept and no reply was noted
	Replies  []convened.Outcome         // in the order in which they came
	Written  time.Time                  // when something was written last, by the kernel's clock; up to touchAfter too early

	file *os.File
	path string
}

// A Kept is a connection that outlives the process.
type Kept struct {
	Name string
	End  int64 // how many bytes it has carried if the dot is out; 0: nobody counted
}

// Orphans returns the journals in dir of this database's daemons, other than
// the owner's own, whose locks are free. One that can't be read is left alone
// and reported in the error, beside those that can.
func Orphans(dir string, o Owner) ([]*Orphan, error) {
	names, err := filepath.Glob(filepath.Join(escape(dir), escape(o.prefix())+"*.journal"))
	if err != nil {
		return nil, fmt.Errorf("look for journals: %w", err)
	}
	var found []*Orphan
	var errs []error
	for _, path := range names {
		if filepath.Base(path) == o.file() {
			continue
		}
		orphan, err := adopt(path, o)
		if err != nil {
			errs = append(errs, fmt.Errorf("read journal %s: %w", path, err))
		}
		if orphan != nil {
			found = append(found, orphan)
		}
	}
	return found, errors.Join(errs...)
}

func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(s)
}

// Replies returns what the journal of the owner's daemon says of answered
// letters, whether that daemon lives or not: evidence need not wait for a death.
// A daemon may be frozen with replies in hand that the database knows nothing of.
// None is no error.
func Replies(dir string, o Owner) ([]convened.Outcome, error) {
	path := filepath.Join(dir, o.file())
	read := func() ([]byte, error) {
		b, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			return nil, nil
		}
		return b, err
	}
	first, err := read()
	if err != nil {
		return nil, fmt.Errorf("read journal %s: %w", path, err)
	}
	second, err := read()
	if err != nil {
		return nil, fmt.Errorf("read journal %s: %w", path, err)
	}
	if !bytes.HasPrefix(written(second), written(first)) {
		return nil, nil // it is being rewritten, so whoever writes it lives
	}
	return parse(first, o.Boot).Replies, nil
}

// Named returns the connections on which a reply may still come, by the journals
// in dir of all other daemons of the owner's database, whoever may have them in hand.
func Named(dir string, o Owner) (map[string]bool, error) {
	files, err := filepath.Glob(filepath.Join(escape(dir), escape(o.prefix())+"*.journal"))
	if err != nil {
		return nil, fmt.Errorf("look for journals: %w", err)
	}
	named := map[string]bool{}
	for _, path := range files {
		if filepath.Base(path) == o.file() {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("read journal %s: %w", path, err)
		}
		for _, k := range parse(data, o.Boot).Kept {
			named[k.Name] = true
		}
	}
	return named, nil
}

// Alone reports whether there is no journal in dir but the owner's own, of all
// daemons of its database.
func Alone(dir string, o Owner) bool {
	names, err := filepath.Glob(filepath.Join(escape(dir), escape(o.prefix())+"*.journal"))
	return err == nil && (len(names) == 0 || len(names) == 1 && filepath.Base(names[0]) == o.file())
}

// adopt takes a journal whose lock is free; nil if it is not.
func adopt(path string, o Owner) (*Orphan, error) {
	id, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), o.prefix()), ".journal"), 10, 64)
	if err != nil {
		return nil, nil // of another database, whose name begins alike
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil // a sibling was quicker
	}
	if err != nil {
		return nil, err
	}
	if err := lock(f); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, nil // it lives
		}
		return nil, err
	}
	// Between opening and locking a sibling may have read and removed it.
	there, err1 := os.Stat(path)
	here, err2 := f.Stat()
	if err1 != nil || err2 != nil || !os.SameFile(there, here) {
		_ = f.Close()
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	orphan := parse(data, o.Boot)
	orphan.Daemon, orphan.file, orphan.path, orphan.Written = id, f, path, here.ModTime()
	return orphan, nil
}

// written returns the lines of a journal's file. What holds a NUL was not
// written, and neither was what has no end: the call that it is of did not return.
func written(data []byte) []byte {
	lines := make([]byte, 0, len(data))
	for line := range bytes.Lines(data) {
		if bytes.HasSuffix(line, []byte("\n")) && !bytes.Contains(line, []byte{0}) {
			lines = append(lines, line...)
		}
	}
	return lines
}

// parse reads the lines. One that is torn or makes no sense is passed over: the
// call that it is of did not return, so what it announces did not begin.
func parse(data []byte, boot string) *Orphan {
	o := &Orphan{Dots: map[convened.NoticeID]int{}, Kept: map[convened.NoticeID]Kept{}}
	for line := range bytes.Lines(written(data)) {
		s := strings.TrimSuffix(string(line), "\n")
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
		if k, err := fmt.Sscanf(s, "reply %d %d %s %d %q %q %q %q %d", &out.Notice, &out.Attempt, &out.State, &out.Code, &out.Enhanced, &out.Phase, &out.Cause, &out.Reply, &at); err == nil && k == 9 && whole(s) {
			out.At = time.UnixMilli(at).UTC()
			o.Replies = append(o.Replies, out)
			if o.Dots[out.Notice] == out.Attempt {
				delete(o.Kept, out.Notice)
			}
		}
	}
	return o
}

// Done removes the journal: all that it says is settled.
func (o *Orphan) Done() error {
	return errors.Join(os.Remove(o.path), o.file.Close())
}

// Keep lets go of the journal and leaves it for another time.
func (o *Orphan) Keep() error { return o.file.Close() }
