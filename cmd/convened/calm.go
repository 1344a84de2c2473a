package main

import (
	"time"

	"convened/scheduler"
)

// calmAfter is for how long nothing has been done before memory is given back: what
// comes again sooner would have to ask for it again.
const calmAfter = 20 * time.Second

// calmed has what a burst had needed given back by free, once, when there was nothing to do for
// calmAfter; then it tells f of the tick. The runtime gives it back by itself over many
// minutes, for it collects rarely where nothing is allocated: a daemon that idles for the rest
// of the day would hold what it needed in the morning.
func calmed(clock func() time.Time, free func(), f func(scheduler.Report, error)) func(scheduler.Report, error) {
	var moved time.Time // the last tick that did anything; zero: none since memory was given back
	return func(r scheduler.Report, err error) {
		switch now := clock(); {
		case r.Moved():
			moved = now
		case !moved.IsZero() && now.Sub(moved) >= calmAfter:
			moved = time.Time{}
			free()
		}
		f(r, err)
	}
}
