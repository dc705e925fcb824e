// Package chaos breaks a shop while guests buy, lets it settle, and holds it to its books.
//
//	seed ─┬─ guests (package load) ── fault proxy ──► gateway ──► the shop
//	      └─ schedule ── kill · freeze · events anew · wipe · provider · network · holds · disk ──► its processes and stores
//	                 when the last guest is served: everything is well again ── nothing is a dead letter ── the books are clean
//
// What goes wrong and when, and what each guest wants, is drawn from the seed, so that a run can be had again; how the two meet is up to
// the machine, so that the same seed may find something another time. A fault is undone when its time is over, and when the run ends for
// whatever reason. Nobody puts anything back by hand: what the shop does not mend by itself is a violation.
//
// What it does not do: it breaks one machine. Clocks of hosts do not drift apart, and a network between hosts does not split.
package chaos

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sidecart/sidecart/tools/internal/books"
	"github.com/sidecart/sidecart/tools/internal/eventlog"
	"github.com/sidecart/sidecart/tools/internal/load"
	"github.com/sidecart/sidecart/tools/internal/shop"
	"github.com/sidecart/sidecart/tools/internal/shopclient"
	"github.com/sidecart/sidecart/tools/internal/status"
)

// Options say what is broken, and how.
type Options struct {
	Layout   shop.Layout
	State    shop.State
	Guest    *shopclient.Client // its base is replaced by that of the fault proxy
	Staff    *shopclient.Client
	Seed     uint64
	Orders   int  // guests who come
	Shoppers int  // at once
	Disk     bool // the shop's databases lie on a disk of their own, which may be filled
	Out      io.Writer
}

// Report is what came of a run.
type Report struct {
	Seed        uint64         `json:"seed"`
	Load        load.Report    `json:"load"`
	Drawn       map[string]int `json:"drawn"`  // faults by kind
	Faults      map[string]int `json:"faults"` // those of them that took place
	DeadLetters int64          `json:"dead_letters"`
	Books       books.Report   `json:"books"`
	Took        time.Duration  `json:"took_ns"`
}

// often is how many faults of a kind cannot all have come at a bad moment.
const often = 4

// Err is what the shop did wrong, or that it was not put to the test.
func (r Report) Err() error {
	var errs []error
	if len(r.Faults) == 0 {
		errs = append(errs, errors.New("nothing went wrong: the run says nothing"))
	}
	for _, k := range slices.Sorted(maps.Keys(r.Drawn)) {
		if n := r.Drawn[k]; n >= often && r.Faults[k] == 0 {
			errs = append(errs, fmt.Errorf("%s was to happen %d times, and never did", k, n))
		}
	}
	if r.Load.Unexpected > 0 {
		errs = append(errs, fmt.Errorf("%d of %d guests met what they should not", r.Load.Unexpected, r.Load.Guests))
	}
	if r.DeadLetters > 0 {
		errs = append(errs, fmt.Errorf("%d events are dead letters", r.DeadLetters))
	}
	if !r.Books.Clean() {
		errs = append(errs, fmt.Errorf("the books have %d violations", len(r.Books.Violations)))
	}
	return errors.Join(errs...)
}

//go:embed seeds.txt
var seedList string

// Seeds are those that every version has to stand.
func Seeds() (all []uint64) {
	for s := range strings.FieldsSeq(seedList) {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			panic(err)
		}
		all = append(all, n)
	}
	return all
}

const (
	recovery = 2 * time.Minute // until everything runs and answers again
	settle   = 3 * time.Minute // until the books are clean: an authorisation that is absent is believed after one, looked for again after five
	atOnce   = 3               // faults
	fewest   = 8               // of them in a run: guests come until then, however fast the machine
)

// Run breaks the shop once. The error says that the run could not be made; what the shop did wrong is in the report.
func Run(ctx context.Context, o Options) (Report, error) {
	r := &run{Options: o, begun: time.Now(), busy: map[string]bool{}, report: Report{Seed: o.Seed, Drawn: map[string]int{}, Faults: map[string]int{}}}
	before, err := r.deadLetters(ctx)
	if err != nil {
		return r.report, err
	}
	proxy, err := listen(o.State.Gateway)
	if err != nil {
		return r.report, err
	}
	defer proxy.Close()
	r.proxy = proxy
	if r.report.Load, err = r.buy(ctx); err != nil {
		return r.report, err
	}
	if err := r.whole(ctx); err != nil {
		return r.report, err
	}
	src := books.Sources{Databases: o.State.Databases, Simulator: o.State.Simulator["braintree"]}
	r.report.Books, err = books.Settle(ctx, src, settle, func(s string) { r.say("%s", s) })
	if err != nil {
		return r.report, err
	}
	after, err := r.deadLetters(ctx)
	r.report.DeadLetters, r.report.Took = after-before, time.Since(r.begun)
	return r.report, err
}

type run struct {
	Options
	begun  time.Time
	proxy  *proxy
	report Report

	mu   sync.Mutex
	busy map[string]bool // what a fault has its hands on
}

func (r *run) say(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.Out, "%6.1f s  %s\n", time.Since(r.begun).Seconds(), fmt.Sprintf(format, args...))
}

// lines are the words of how far the guests are, between those of what goes wrong.
type lines struct{ r *run }

func (l lines) Write(p []byte) (int, error) {
	l.r.say("%s", strings.TrimSpace(string(p)))
	return len(p), nil
}

// buy serves the guests while things go wrong. All faults are over when it returns.
func (r *run) buy(ctx context.Context) (load.Report, error) {
	guests, served := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { r.wreck(guests) })
	client := *r.Guest
	client.Base = r.proxy.URL()
	report, err := load.Run(ctx, load.Options{Client: &client, Guests: r.Orders, Shoppers: r.Shoppers, Seed: r.Seed, Out: lines{r}, More: r.calm,
		Clerk: &load.Clerk{Staff: r.Staff, Simulator: r.State.Simulator["braintree"],
			SignIn: func(customer string) (string, error) { return shop.CustomerToken(r.Layout, customer, time.Now()) }}})
	served()
	wg.Wait()
	return report, err
}

// calm tells whether too little has gone wrong yet.
func (r *run) calm() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	drawn := 0
	for _, n := range r.report.Drawn {
		drawn += n
	}
	return drawn < fewest
}

// wreck lets the faults of the schedule happen until ctx ends, and returns when the last of them is over.
func (r *run) wreck(ctx context.Context) {
	processes, tellers := r.victims()
	s := newSchedule(r.Seed, processes, tellers, r.Disk)
	slots := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		f := s.next()
		select {
		case <-ctx.Done():
			return
		case <-time.After(f.after):
		}
		select {
		case <-ctx.Done():
			return
		case slots <- struct{}{}:
		}
		wg.Go(func() {
			defer func() { <-slots }()
			r.happen(ctx, f)
		})
	}
}

// happen lets a fault take place, unless another one has its hands on the same thing.
func (r *run) happen(ctx context.Context, f fault) {
	key := string(f.kind) // one of a kind at once, but for processes
	if f.on != "" && f.kind != repeated {
		key = f.on
	}
	r.mu.Lock()
	taken := r.busy[key]
	r.busy[key] = true
	if !taken {
		r.report.Drawn[string(f.kind)]++
	}
	r.mu.Unlock()
	if taken {
		return
	}
	err := r.do(ctx, f)
	r.mu.Lock()
	delete(r.busy, key)
	if err == nil {
		r.report.Faults[string(f.kind)]++
	}
	r.mu.Unlock()
	if err != nil && ctx.Err() == nil {
		r.say("%s: not done: %v", f, err)
	}
}

// whole waits until everything runs and answers.
func (r *run) whole(ctx context.Context) error {
	deadline := time.Now().Add(recovery)
	for {
		report, err := status.Get(ctx, r.Layout)
		if err == nil && report.Healthy() {
			return nil
		}
		if time.Now().After(deadline) {
			if err != nil {
				return err
			}
			for _, p := range report.Processes {
				if p.Health != "ok" {
					return fmt.Errorf("after %s %s is not well: %s", recovery, p.Name, p.Health)
				}
			}
			return fmt.Errorf("after %s the shop is %s", recovery, report.Phase)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// deadLetters counts them on all topics.
func (r *run) deadLetters(ctx context.Context) (n int64, err error) {
	events, err := eventlog.Status(ctx, r.Layout, r.State)
	for _, t := range events.Topics {
		if strings.Contains(t.Name, ".dead.") {
			n += t.Published
		}
	}
	return n, err
}

// Print writes the report for people.
func (r Report) Print(out io.Writer) {
	r.Load.Print(out)
	var faults []string
	for _, k := range slices.Sorted(maps.Keys(r.Faults)) {
		faults = append(faults, fmt.Sprintf("%d × %s", r.Faults[k], k))
	}
	fmt.Fprintf(out, "\nwhat went wrong meanwhile: %s\ndead letters: %d\n", strings.Join(faults, ", "), r.DeadLetters)
	r.Books.Print(out)
}
