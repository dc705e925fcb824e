package chaos

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// kind is a way in which things go wrong.
type kind string

const (
	killed   kind = "kill -9"          // a process
	outage   kind = "outage"           // what runs all apps and sidecars dies, and they with it
	frozen   kind = "freeze"           // a process, for a while
	repeated kind = "events told anew" // each twice, late, in any order
	wiped    kind = "carts wiped"      // the state store loses all it has
	provider kind = "provider"         // the payment provider loses calls before and after their effect, is slow, is down
	network  kind = "network"          // what guests and the shop say to each other is lost, cut or late
	hurried  kind = "holds run out"    // the clock of some holds is turned on
	full     kind = "disk full"        // of the databases
)

// kinds are how often each is drawn.
var kinds = []struct {
	kind  kind
	share int
}{{killed, 28}, {outage, 2}, {frozen, 20}, {repeated, 10}, {wiped, 6}, {provider, 12}, {network, 10}, {hurried, 8}, {full, 4}}

// Faults follow each other within these bounds, and last so long.
const (
	gapLeast, gapMost       = 500 * time.Millisecond, 5 * time.Second
	freezeLeast, freezeMost = time.Second, 30 * time.Second
	spellLeast, spellMost   = 2 * time.Second, 10 * time.Second
	fullLeast, fullMost     = time.Second, 5 * time.Second
)

// fault is one of them, drawn in advance.
type fault struct {
	after time.Duration // the one before
	kind  kind
	on    string        // a process or a service; "": there is but one
	how   string        // of a provider: the simulator's name of the fault
	lasts time.Duration // 0: it is over at once
	seed  uint64        // of what the fault draws itself
}

func (f fault) String() string {
	var b strings.Builder
	b.WriteString(string(f.kind))
	for _, s := range []string{f.on, f.how} {
		if s != "" {
			b.WriteString(" " + s)
		}
	}
	if f.lasts > 0 {
		fmt.Fprintf(&b, " for %s", f.lasts.Round(100*time.Millisecond))
	}
	return b.String()
}

// schedule draws the faults of a seed, one after the other and without end. What is drawn hangs on the seed and on what the shop
// consists of, and on nothing that happens.
type schedule struct {
	dice      *rand.Rand
	processes []string // that may be killed and frozen
	tellers   []string // services with events
	disk      bool     // the disk may be filled
}

func newSchedule(seed uint64, processes, tellers []string, disk bool) *schedule {
	return &schedule{dice: rand.New(rand.NewPCG(seed, 0)), processes: processes, tellers: tellers, disk: disk}
}

// providerFaults are those of the payment simulator.
var providerFaults = []string{"timeout_before", "timeout_after", "drop_before", "drop_after", "error_before", "error_after", "empty_after", "slow", "unavailable", "rate_limited"}

func (s *schedule) next() fault {
	f := fault{after: s.between(gapLeast, gapMost, 1), kind: s.kind(), seed: s.dice.Uint64()}
	switch f.kind {
	case outage:
		f.on = runner
	case killed:
		f.on = s.one(s.processes)
	case frozen: // short ones mostly
		f.on, f.lasts = s.one(s.processes), s.between(freezeLeast, freezeMost, 3)
	case repeated:
		f.on = s.one(s.tellers)
	case provider:
		f.how, f.lasts = s.one(providerFaults), s.between(spellLeast, spellMost, 1)
	case network:
		f.lasts = s.between(spellLeast, spellMost, 1)
	case full:
		f.lasts = s.between(fullLeast, fullMost, 1)
	}
	return f
}

func (s *schedule) kind() kind {
	for {
		draw := s.dice.IntN(100)
		for _, k := range kinds {
			if draw -= k.share; draw < 0 {
				if k.kind == full && !s.disk {
					break
				}
				return k.kind
			}
		}
	}
}

func (s *schedule) one(of []string) string { return of[s.dice.IntN(len(of))] }

// between draws a time; the higher the power the shorter it is.
func (s *schedule) between(least, most time.Duration, power int) time.Duration {
	x := s.dice.Float64()
	share := 1.0
	for range power {
		share *= x
	}
	return least + time.Duration(share*float64(most-least))
}
