package main

import (
	"fmt"
	"time"

	"convened/config"
	"convened/desk"
	"convened/store"
)

type failuresCommand struct {
	Event string `arg:"" help:"The event's slug."`
}

// Run says what does not arrive, why, and what to do about it.
func (c failuresCommand) Run(e *env) error {
	return e.withDesk(func(_ *config.Config, d *desk.Desk) error {
		groups, err := d.Failures(e.ctx, c.Event)
		if err != nil {
			return err
		}
		if e.cli.JSON {
			return e.printJSON(failuresJSON(groups))
		}
		if len(groups) == 0 {
			fmt.Fprintln(e.stdout, "Nothing is known to have failed.")
			return nil
		}
		for i, g := range groups {
			if i > 0 {
				fmt.Fprintln(e.stdout)
			}
			e.showFailures(g)
		}
		return nil
	})
}

func (e *env) showFailures(g desk.FailureGroup) {
	a := g.Fault.Advice("en")
	least := ""
	if g.More {
		least = "at least "
	}
	fmt.Fprintf(e.stdout, "%s: %s%s of %s\n", a.What, least, letters(g.Letters), people(g.People))
	for _, part := range []struct {
		n    int
		what string
	}{{g.Returned, "taken by the server, and came back"}, {g.Again, "tried again by itself"}, {g.Held, "held for a decision: see `convened notices release`"}} {
		if part.n > 0 {
			fmt.Fprintf(e.stdout, "  %s: %s\n", letters(part.n), part.what)
		}
	}
	fmt.Fprintf(e.stdout, "  What to do: %s\n", a.Do)
	for _, x := range g.Examples {
		fmt.Fprintf(e.stdout, "    %s  %s  %s\n", x.At.UTC().Format("2006-01-02 15:04Z"), plain(x.Email), plain(x.Words))
	}
}

func letters(n int) string {
	if n == 1 {
		return "1 letter"
	}
	return thousands(n) + " letters"
}

func failuresJSON(groups []desk.FailureGroup) any {
	type group struct {
		Cause    desk.Fault             `json:"cause"`
		What     string                 `json:"what"`
		Do       string                 `json:"do"`
		Letters  int                    `json:"letters"`
		People   int                    `json:"people"`
		Returned int                    `json:"returned"`
		Again    int                    `json:"tried_again"`
		Held     int                    `json:"held"`
		More     bool                   `json:"more"`
		Latest   time.Time              `json:"latest"`
		Examples []store.FailureExample `json:"examples"`
	}
	out := []group{}
	for _, g := range groups {
		a := g.Fault.Advice("en")
		out = append(out, group{g.Fault, a.What, a.Do, g.Letters, g.People, g.Returned, g.Again, g.Held, g.More, g.Latest, g.Examples})
	}
	return out
}
