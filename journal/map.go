package journal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
	"runtime"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"
	"unsafe"
)

// A sheet is the file of a journal, mapped into memory and of a fixed length:
//
//	head | first area, NUL … NUL | \n | second area, NUL … NUL
//
// A store into it is in the kernel's page cache when it is done, as what write(2)
// was given is, and stays there when the process dies. It costs no system call.
//
// One area is written to. What is no line in it is NUL, and so is the first byte
// of a line until the rest of it stands: a line that begins with a NUL says
// nothing to any reader, and neither do those between the areas, which end with
// the line break. So there is one store, of one byte, by which a line begins to be.
//
// When the lock is free no store is to come: the mapping holds it as the descriptor
// does, and a thread of a dying process leaves the memory before it leaves the files.
//
// A kill stops a thread between two instructions, and what it had stored before is
// stored, whatever the machine: on arm64, too, only other processors see stores in
// another order, and whoever reads what a dead process left was told of its death
// by the kernel, which is order enough. So the order of the program is all that
// counts, and the compiler keeps it around an atomic store.
type sheet struct {
	b     []byte
	areas [2]area
	in    int       // the area that is written to
	fresh time.Time // when the kernel was last told: see touch
}

type area struct{ from, to int }

// newSheet lays the areas out behind the head. The length of b is a multiple of 4.
func newSheet(b []byte, head int) *sheet {
	middle := len(b) / 2
	return &sheet{b: b, areas: [2]area{{head, middle - 1}, {middle, len(b)}}}
}

// rule draws the line break between the areas, behind which the second is read.
func (s *sheet) rule() error {
	return guarded(func() { s.show(s.areas[0].to, '\n') })
}

// put writes a line where NULs are.
func (s *sheet) put(at int, line []byte) error {
	return guarded(func() {
		copy(s.b[at+1:], line[1:])
		s.show(at, line[0])
	})
}

// show stores one byte after all that was stored before it. There is no atomic
// store of a byte; the others of its word are the ones that are there.
func (s *sheet) show(at int, c byte) {
	var word [4]byte
	there := s.b[at&^3 : at&^3+4]
	copy(word[:], there)
	word[at&3] = c
	atomic.StoreUint32((*uint32)(unsafe.Pointer(&there[0])), binary.NativeEndian.Uint32(word[:]))
}

// turn writes lines to the other area and wipes the one that was written to, of
// which they are what is not settled, in their order.
func (s *sheet) turn(lines []byte) error {
	err := guarded(func() {
		for range s.turning(lines) {
		}
	})
	s.in = 1 - s.in
	return err
}

// turning is a turn, store by store. If we crash at any of them, the file says the
// same of what is not settled.
//
// First the copies stand without their first bytes, which says nothing. They are
// shown from the last to the first: so behind a dot there is at every instant all
// that came after it, and an earlier one is never the latest. (Where the copies are
// read before the originals that is no question, for the last word is theirs.)
// Then the originals are hidden from the first to the last: of what is settled a
// reply may be left without its dot, but no dot without its reply, which would
// name a connection on which nothing comes. At the end nothing is left to be
// seen there, and it is wiped in whatever order.
func (s *sheet) turning(lines []byte) iter.Seq[int] {
	from, to := s.areas[s.in], s.areas[1-s.in]
	return func(yield func(at int) bool) {
		var starts []int
		at := to.from
		for line := range bytes.Lines(lines) {
			copy(s.b[at+1:], line[1:])
			if !yield(at) {
				return
			}
			starts = append(starts, at)
			at += len(line)
		}
		for _, at := range slices.Backward(starts) {
			s.show(at, lines[at-to.from])
			if !yield(at) {
				return
			}
		}
		for at := from.from; at < from.to && s.b[at] != 0; {
			length := bytes.IndexByte(s.b[at:from.to], '\n') + 1
			s.show(at, 0)
			if !yield(at) {
				return
			}
			at += length
		}
		clear(s.b[from.from:from.to])
	}
}

// guarded calls what touches the mapping. Once the file has its disk no store should
// fail; where one does, because the disk is broken, because a file system
// promised what it doesn't keep or because somebody cut the file, the kernel's
// SIGBUS becomes an error and not the end of the daemon.
func guarded(touch func()) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		switch r := recover().(type) {
		case nil:
		case interface {
			runtime.Error
			Addr() uintptr
		}:
			err = fmt.Errorf("store into the mapping: %w", r)
		default:
			panic(r)
		}
	}()
	touch()
	return nil
}

// touchAfter is how far the time of the last write, as the kernel has it, may be
// behind.
const touchAfter = 100 * time.Millisecond

// touch has the kernel write down that the file is being written to, which for a
// store it does once a page and not again before that is on the disk. How old a
// journal is decides whether a dot may go out once more, so it is never made
// younger than it is: touch comes before what is stored then. It writes one byte
// again, because versions that know nothing of mappings go by the same time.
func (j *Journal) touch() error {
	now := time.Now() //nolint:forbidigo // the time of a file is of this clock
	if now.Sub(j.sheet.fresh) < touchAfter {
		return nil
	}
	j.sheet.fresh = now
	_, err := j.file.WriteAt(j.head[:1], 0)
	return err
}

// spread maps the file, where that can be done and what is in it leaves room.
// Otherwise the journal is written with write(2), at several times the cost.
func (j *Journal) spread() error {
	if j.end > j.size/4 {
		return nil
	}
	b, err := mapFile(j.file, j.size)
	if err != nil {
		// What fallocate got before it failed goes back.
		return j.file.Truncate(int64(j.end))
	}
	j.sheet = newSheet(b, len(j.head))
	j.limit = j.sheet.areas[0].to
	return j.sheet.rule()
}

// fold ends the mapping. The file stays as it is.
func (j *Journal) fold() error {
	if j.sheet == nil {
		return nil
	}
	b := j.sheet.b
	j.sheet = nil
	return unmapFile(b)
}

// turn leaves a mapped file with what is not settled, and reports false where that
// with need bytes more is too much for it.
func (j *Journal) turn(need int) (bool, error) {
	var lines []byte
	var err error
	from, to := j.sheet.areas[j.sheet.in], j.sheet.areas[1-j.sheet.in]
	waiting := j.waiting
	err = guarded(func() { lines, waiting = j.unsettled(j.sheet.b[from.from:j.end], from.from, to.from) })
	if err != nil || len(lines)+need > (to.to-to.from)/2 {
		return false, err
	}
	if err := j.sheet.turn(lines); err != nil {
		return false, err
	}
	j.waiting, j.end, j.limit = waiting, to.from+len(lines), to.to
	return true, nil
}
