package lab

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Answer is a reaction that replies with a code, an enhanced code ("" is
// none) and a text.
func Answer(code int, enhanced, text string) Reaction {
	return Reaction{Reply: Reply{Code: code, Enhanced: enhanced, Text: text}}
}

// StallGreet accepts connections and never says a word.
func StallGreet() Script { return At(AtGreeting, Reaction{Stall: true}) }

// Tarpit answers everything as usual, one byte each pause.
func Tarpit(pause time.Duration) Script {
	return func(Step) Reaction { return Reaction{Drip: pause} }
}

// Rcpt451 puts off recipients with probability p.
func Rcpt451(p float64, seed uint64) Script {
	return Sometimes(p, seed, At(AtRcpt, Answer(451, "4.7.1", "Greylisted, try again later")))
}

// Rcpt452 puts off every recipient: the server's disk is full.
func Rcpt452() Script {
	return At(AtRcpt, Answer(452, "4.3.1", "Insufficient system storage"))
}

// Rcpt550 refuses every recipient: no such mailbox.
func Rcpt550() Script {
	return At(AtRcpt, Answer(550, "5.1.1", "User unknown"))
}

// Mail421 closes each transaction at its start: too much mail.
func Mail421() Script {
	return At(AtMail, Answer(421, "4.7.0", "Too many messages, closing the connection"))
}

// Mail530 wants a login, whoever asks.
func Mail530() Script {
	return At(AtMail, Answer(530, "5.7.0", "Authentication required"))
}

// Auth535 takes no password.
func Auth535() Script {
	return At(AtAuth, Answer(535, "5.7.8", "Authentication credentials invalid"))
}

// NoStartTLS does not offer STARTTLS, as if somebody on the way had cut it out.
func NoStartTLS() Script { return At(AtEHLO, Reaction{Hide: "STARTTLS"}) }

// Dot451 reads the letter and puts it off.
func Dot451() Script {
	return At(AtDot, Answer(451, "4.3.0", "Local error in processing"))
}

// Dot554 reads the letter and refuses it.
func Dot554() Script {
	return At(AtDot, Answer(554, "5.7.1", "Message refused by policy"))
}

// DotAcceptDrop takes the letter, and the connection dies before the reply.
func DotAcceptDrop() Script { return At(AtDot, Reaction{Drop: true, Accept: true}) }

// DotDropBeforeAccept reads the letter, and the connection dies before it is taken.
func DotDropBeforeAccept() Script { return At(AtDot, Reaction{Drop: true}) }

// DotDelay takes the letter and is slow to say so.
func DotDelay(delay time.Duration) Script { return At(AtDot, Reaction{Delay: delay, Accept: true}) }

// DropAt closes the connection instead of answering at a phase.
func DropAt(phase Phase) Script { return At(phase, Reaction{Drop: true}) }

// ResetDrop closes the connection at RSET, after the 250 of a letter that is taken.
func ResetDrop() Script { return DropAt(AtReset) }

// faults are the scripts by the names that command lines give them.
var faults = map[string]func(options) Script{
	"stall-greet":            func(options) Script { return StallGreet() },
	"tarpit":                 func(o options) Script { return Tarpit(o.delay(time.Second)) },
	"rcpt451":                func(options) Script { return Rcpt451(1, 0) },
	"rcpt452":                func(options) Script { return Rcpt452() },
	"rcpt550":                func(options) Script { return Rcpt550() },
	"mail421":                func(options) Script { return Mail421() },
	"mail530":                func(options) Script { return Mail530() },
	"auth535":                func(options) Script { return Auth535() },
	"no-starttls":            func(options) Script { return NoStartTLS() },
	"dot-451":                func(options) Script { return Dot451() },
	"dot-554":                func(options) Script { return Dot554() },
	"dot-accept-drop":        func(options) Script { return DotAcceptDrop() },
	"dot-drop-before-accept": func(options) Script { return DotDropBeforeAccept() },
	"dot-delay":              func(o options) Script { return DotDelay(o.delay(30 * time.Second)) },
	"rset-drop":              func(options) Script { return ResetDrop() },
}

// dropAt is what a phase is prefixed with to name the fault that drops there.
const dropAt = "drop-"

// FaultNames lists what ParseScript knows, in alphabetical order.
func FaultNames() []string {
	names := slices.Collect(maps.Keys(faults))
	for _, phase := range Phases() {
		names = append(names, dropAt+string(phase))
	}
	slices.Sort(names)
	return names
}

func fault(name string, o options) (Script, bool) {
	if make, ok := faults[name]; ok {
		return make(o), true
	}
	phase, ok := strings.CutPrefix(name, dropAt)
	if !ok || !slices.Contains(Phases(), Phase(phase)) {
		return nil, false
	}
	return DropAt(Phase(phase)), true
}

// options are the key=value pairs after a fault's name.
type options struct {
	values map[string]string
	wait   time.Duration
}

func (o options) delay(otherwise time.Duration) time.Duration {
	if o.wait > 0 {
		return o.wait
	}
	return otherwise
}

// ParseScript reads faults as a command line has them, divided by spaces; the
// first that reacts wins. Each is a name, and after a colon what limits it:
//
//	rcpt451:p=0.5,seed=7 dot-554:to=@example.org dot-delay:delay=30s rcpt550:to=bo@example.com,until=1
//
// p is a probability and seed its seed; to an address or @domain, and until the number
// of attempts of each recipient, both of effect from RCPT to the dot alone; times
// the number in all; delay a duration for dot-delay (30s) and tarpit (1s, for each
// byte). The names are those of FaultNames. "" is nil, a server without surprises.
func ParseScript(s string) (Script, error) {
	var scripts []Script
	for _, field := range strings.Fields(s) {
		name, rest, _ := strings.Cut(field, ":")
		o, err := parseOptions(rest)
		if err != nil {
			return nil, fmt.Errorf("parse script: %s: %w", name, err)
		}
		script, ok := fault(name, o)
		if !ok {
			return nil, fmt.Errorf("parse script: there is no fault %q; there are %s", name, strings.Join(FaultNames(), ", "))
		}
		script, err = o.limit(script)
		if err != nil {
			return nil, fmt.Errorf("parse script: %s: %w", name, err)
		}
		scripts = append(scripts, script)
	}
	if len(scripts) == 0 {
		return nil, nil
	}
	return First(scripts...), nil
}

func parseOptions(s string) (options, error) {
	o := options{values: map[string]string{}}
	for pair := range strings.SplitSeq(s, ",") {
		if pair == "" {
			continue
		}
		key, value, ok := strings.Cut(pair, "=")
		switch key {
		case "p", "seed", "to", "until", "times", "delay":
		default:
			return o, fmt.Errorf("there is no %q; there are p, seed, to, until, times, delay", key)
		}
		if !ok || value == "" {
			return o, fmt.Errorf("%s wants a value", key)
		}
		o.values[key] = value
	}
	if value, ok := o.values["delay"]; ok {
		wait, err := time.ParseDuration(value)
		if err != nil || wait <= 0 {
			return o, fmt.Errorf("delay=%s is not a duration such as 30s", value)
		}
		o.wait = wait
	}
	return o, nil
}

// limit wraps a script in what its options say.
func (o options) limit(script Script) (Script, error) {
	number := func(key string) (uint64, bool, error) {
		value, ok := o.values[key]
		if !ok {
			return 0, false, nil
		}
		n, err := strconv.ParseUint(value, 10, 63)
		if err != nil {
			return 0, false, fmt.Errorf("%s=%s is not a whole number", key, value)
		}
		return n, true, nil
	}
	seed, _, err := number("seed")
	if err != nil {
		return nil, err
	}
	if value, ok := o.values["p"]; ok {
		p, err := strconv.ParseFloat(value, 64)
		if err != nil || !(p >= 0 && p <= 1) { // so NaN is none
			return nil, fmt.Errorf("p=%s is not a probability from 0 to 1", value)
		}
		script = Sometimes(p, seed, script)
	}
	if to, ok := o.values["to"]; ok {
		if domain, ok := strings.CutPrefix(to, "@"); ok {
			script = For(ToDomain(domain), script)
		} else {
			script = For(ToAddress(to), script)
		}
	}
	if n, ok, err := number("until"); err != nil {
		return nil, err
	} else if ok {
		script = Until(int(n), script)
	}
	if n, ok, err := number("times"); err != nil {
		return nil, err
	} else if ok {
		script = Times(int(n), script)
	}
	return script, nil
}
