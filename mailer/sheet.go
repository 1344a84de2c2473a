package mailer

import "sync"

// A sheet is what a letter from a form is written on. A burst would leave a
// gigabyte of them behind every minute, so one that is done with is used again.
type sheet struct {
	data    []byte
	checked bool  // that its lines can be sent, as findDots would say
	dots    []int // where they begin with one, if they are checked
}

// The free sheets. In a burst there are as many as connections.
var sheets sync.Pool

// newSheet returns an empty sheet with room for size bytes.
func newSheet(size int) *sheet {
	s, _ := sheets.Get().(*sheet)
	if s == nil || cap(s.data) < size {
		const page = 4 << 10
		return &sheet{data: make([]byte, 0, (size+page-1)/page*page)}
	}
	s.data, s.dots, s.checked = s.data[:0], s.dots[:0], false
	return s
}

// Write writes the Data of a draft, once; whatever else has Data already. It is for
// the one goroutine that has the letter.
func (l *Letter) Write() {
	if l.draft == nil {
		return
	}
	l.sheet = l.draft.fill(l)
	l.Data, l.draft = l.sheet.data, nil
}

// Ready writes the letter, too, and must be called before Line.Send is told of it
// as of the one that follows: from then on another goroutine may have it.
func (l *Letter) Ready() {
	l.Write()
	l.size = len(l.Data)
}

// maxSheet is how large a sheet may be to be used again, in bytes.
const maxSheet = 256 << 10

// dotted returns the letter as it goes on the wire. What its composer has looked
// at needs not be looked at again, if it still is what the letter holds.
func (l *Letter) dotted() (dotted, error) {
	l.Write()
	s := l.sheet
	if s == nil || !s.checked || len(l.Data) == 0 || len(l.Data) != len(s.data) || &l.Data[0] != &s.data[0] {
		return stuffDots(l.Data)
	}
	return dotted{s.data, s.dots}, nil
}

// Release says that the letter is done with: it is neither sent any more, nor is its
// Data looked at. It may be called once, on one copy of it, and need not be.
func (l *Letter) Release() {
	s := l.sheet
	l.draft, l.sheet, l.Data = nil, nil, nil
	if s == nil || cap(s.data) > maxSheet {
		return
	}
	sheets.Put(s)
}
