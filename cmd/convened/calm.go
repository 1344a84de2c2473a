package main

import (
	"os"
	"runtime/debug"
	"time"

	"convened/scheduler"
)

// calmAfter is for how long nothing has been done before memory is given back: what
// comes again sooner would have to ask for it again.
const calmAfter = 20 * time.Second

// calmed calls busy when there is something to do for the first time, and free, once, when
// there was nothing for calmAfter, to give back what a burst had needed; then it tells f of
// the tick. The runtime gives it back by itself over many minutes, for it collects rarely
// where nothing is allocated: a daemon that idles for the rest of the day would hold what
// it needed in the morning.
func calmed(clock func() time.Time, busy, free func(), f func(scheduler.Report, error)) func(scheduler.Report, error) {
	var moved time.Time // the last tick that did anything; zero: none since memory was given back
	return func(r scheduler.Report, err error) {
		switch now := clock(); {
		case r.Moved():
			if moved.IsZero() {
				busy()
			}
			moved = now
		case !moved.IsZero() && now.Sub(moved) >= calmAfter:
			moved = time.Time{}
			free()
		}
		f(r, err)
	}
}

// In a burst garbage is collected when the heap is four times what is in use, which
// is some 15 MB: that costs 20 MB and saves a tenth of the daemon's CPU. Else, and where
// GOGC is set, it is as Go has it.
const burstPercent, calmPercent = 300, 100

func collectLess() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(burstPercent)
	}
}

func giveBack() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(calmPercent)
	}
	debug.FreeOSMemory()
}
