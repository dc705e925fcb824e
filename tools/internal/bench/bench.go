// Package bench measures a shop as its users load it, and writes what it found for people to read.
//
//	own shop ── cold start ── warm starts ─┬─ quiet ── timed runs (k6, or holds through a sidecar) ── medians ─┬─ page
//	(or the one that runs already)         └─ quiet ── one short run in which every statement is counted ──────┘
//
// The shoppers are k6 scenarios (tools/bench), on the same machine as the shop. Beside their figures it notes, for each scenario, how much
// CPU every process spent, the load generator's too, how much memory they had at most, and how many statements and transactions every
// database ran, so that a sidecar's share can be seen. Nothing here passes or fails: a figure is compared with its goal, and read.
//
// A shop of its own begins with the seeded catalogue each time, lies in a folder of its own beside the shop's, and is deleted at the end.
// Its Postgres can count statements and tell when each row was committed; a shop that runs already cannot, and is asked for less.
//
// What may go wrong: another program on the machine takes its share. Runs are repeated and medians taken; the CPU per operation moves
// less than the rate. A shop that does not come to rest before a measurement is measured all the same, and the page says so.
package bench

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/sidecart/sidecart/tools/internal/ownshop"
	"github.com/sidecart/sidecart/tools/internal/shop"
	"github.com/sidecart/sidecart/tools/internal/shopclient"
)

// Options say what is measured.
type Options struct {
	Layout   shop.Layout
	Offset   int    // of the ports of a shop of its own
	Tool     string // the command line: it runs the shop, and imports
	Staff    func(shop.Layout, shop.State) (*shopclient.Client, error)
	K6       string        // binary
	Runs     int           // of each scenario; medians are taken
	Duration time.Duration // of each run
	Only     []string      // names of measurements; empty: all
	Out      io.Writer
}

// Result is one line of the report.
type Result struct {
	What   string
	Figure string
	Goals  []Goal
	Notes  []string // what an operation costs, and what is to be known about the figure
}

// Goal is what a figure should reach, and whether it did.
type Goal struct {
	Text string
	Met  bool
}

// atLeast is met by a figure that is not below the bound.
func atLeast(figure, bound float64, unit string) Goal {
	return Goal{Text: "≥ " + grouped(bound) + unit, Met: figure >= bound}
}

// atMost is met by a figure that is not above the bound.
func atMost(figure, bound float64, unit string) Goal {
	return Goal{Text: fmt.Sprintf("≤ %g%s", bound, unit), Met: figure <= bound}
}

// exactly is met when every figure is the wanted one.
func exactly(figures []float64, want float64) Goal {
	other := func(f float64) bool { return f != want }
	return Goal{Text: fmt.Sprintf("exactly %g", want), Met: len(figures) > 0 && !slices.ContainsFunc(figures, other)}
}

// below is met by a figure under the bound; name says of what, if there is more than one.
func below(name string, figure, bound float64, unit string) Goal {
	return Goal{Text: strings.TrimSpace(fmt.Sprintf("%s < %g%s", name, bound, unit)), Met: figure < bound}
}

// runner is one session.
type runner struct {
	Options
	state   shop.State         // of the shop that is measured
	staff   *shopclient.Client // its clerk
	goods   string             // file of what can be bought, for k6
	stocked bool               // see restock
	own     *ownshop.Shop      // nil: somebody else's shop is measured
	cold    time.Duration      // start of the own shop
	warm    []float64          // seconds
	grown   bool               // there are imported goods, see grow
	counter counter            // of statements
	browsed float64            // what a search costs in a catalogue of the usual size, in seconds of CPU; 0: not known
	results []Result
}

// measurement is a named part of the session.
type measurement struct {
	name string
	run  func(ctx context.Context) error
}

// Names lists the measurements in their order.
func Names() []string {
	var names []string
	for _, m := range (&runner{}).measurements() {
		names = append(names, m.name)
	}
	return names
}

func (r *runner) measurements() []measurement {
	return []measurement{
		{"start", r.starts}, {"memory", r.memory}, {"suggest", r.suggest}, {"product", r.product}, {"storefront", r.storefront}, {"cart", r.cart}, {"bigcart", r.bigCart}, {"holds", r.holds}, {"checkout", r.checkout},
		{"requests", r.requests}, {"events", r.events}, {"visible", r.visible}, {"flash", r.flash}, {"browse", r.browse}, {"import", r.imports}, {"browse-large", r.browseLarge},
	}
}

// Run measures everything that was asked for, and returns the results in order.
func Run(ctx context.Context, o Options) (_ []Result, err error) {
	r := &runner{Options: o}
	for _, name := range o.Only {
		if !slices.Contains(Names(), name) {
			return nil, fmt.Errorf("there is no measurement %q; there are %s", name, strings.Join(Names(), ", "))
		}
	}
	if err := r.inspect(ctx); err != nil {
		return nil, err
	}
	leave, err := r.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if left := leave(); err == nil {
			err = left
		}
	}()
	for _, m := range r.measurements() {
		if !r.asked(m.name) {
			continue
		}
		fmt.Fprintf(o.Out, "%s …\n", m.name)
		before := len(r.results)
		if err := m.run(ctx); err != nil {
			return r.results, fmt.Errorf("%s: %w", m.name, err)
		}
		for _, res := range r.results[before:] {
			fmt.Fprintf(o.Out, "  %s: %s\n", res.What, res.Figure)
			for _, note := range res.Notes {
				fmt.Fprintf(o.Out, "    %s\n", note)
			}
		}
	}
	return r.results, nil
}

// asked reports whether a measurement is to be made.
func (r *runner) asked(name string) bool { return len(r.Only) == 0 || slices.Contains(r.Only, name) }

func (r *runner) note(res Result) { r.results = append(r.results, res) }

// median is the middle one, or the mean of the two in the middle, 0 of nothing.
func median(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// quantile is the smallest one that a share of all does not exceed, 0 of nothing.
func quantile(all []float64, share float64) float64 {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	at := int(share * float64(len(sorted)))
	return sorted[min(at, len(sorted)-1)]
}
