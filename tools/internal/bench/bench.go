// Package bench measures a running shop as its users load it, and writes what it found for people to read.
//
// The shoppers are k6 scenarios (tools/bench), on the same machine as the shop. Beside their figures it notes, for each scenario, how much
// CPU every process spent and how many transactions every database ran, so that a sidecar's share can be seen. Nothing here passes or
// fails: a figure is compared with its goal by whoever reads it.
//
// What may go wrong: another program on the machine takes its share. Runs are repeated and medians taken; the CPU per operation moves
// less than the rate.
package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/tools/internal/shop"
	"github.com/sidecart/sidecart/tools/internal/shopclient"
)

// Options say what is measured.
type Options struct {
	Layout   shop.Layout
	State    shop.State // of the running shop
	Tool     string     // the command line, for imports
	Staff    *shopclient.Client
	K6       string        // binary
	Runs     int           // of each scenario; medians are taken
	Duration time.Duration // of each run
	Only     []string      // names of measurements; empty: all
	Out      io.Writer
}

// Result is one line of the report.
type Result struct {
	Name   string
	What   string
	Figure string
	Goal   string
	Notes  []string
}

// runner is one session.
type runner struct {
	Options
	results []Result
}

// measurement is a named part of the session.
type measurement struct {
	name string
	run  func(ctx context.Context) error
}

// Run measures everything that was asked for, and returns the results in order.
func Run(ctx context.Context, o Options) ([]Result, error) {
	r := &runner{Options: o}
	all := []measurement{
		{"memory", r.memory}, {"browse", r.browse}, {"product", r.product}, {"cart", r.cart}, {"bigcart", r.bigCart}, {"checkout", r.checkout},
		{"events", r.events}, {"flash", r.flash}, {"import", r.imports},
	}
	for _, name := range o.Only {
		if !slices.ContainsFunc(all, func(m measurement) bool { return m.name == name }) {
			return nil, fmt.Errorf("there is no measurement %q", name)
		}
	}
	for _, m := range all {
		if len(o.Only) > 0 && !slices.Contains(o.Only, m.name) {
			continue
		}
		fmt.Fprintf(o.Out, "%s …\n", m.name)
		before := len(r.results)
		if err := m.run(ctx); err != nil {
			return r.results, fmt.Errorf("%s: %w", m.name, err)
		}
		for _, res := range r.results[before:] {
			fmt.Fprintf(o.Out, "  %s: %s\n", res.What, res.Figure)
		}
	}
	return r.results, nil
}

func (r *runner) note(name, what, figure, goal string, notes ...string) {
	r.results = append(r.results, Result{Name: name, What: what, Figure: figure, Goal: goal, Notes: notes})
}

// summary is what k6 says of a run.
type summary struct {
	Metrics map[string]map[string]any `json:"metrics"`
}

// of returns a figure of a metric, 0 when there is none.
func (s summary) of(metric, figure string) float64 {
	v, _ := s.Metrics[metric][figure].(float64)
	return v
}

// k6 runs a scenario once.
func (r *runner) k6(ctx context.Context, scenario string, env ...string) (summary, error) {
	out, err := os.CreateTemp("", "sidecart-bench-*.json")
	if err != nil {
		return summary{}, err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	cmd := exec.CommandContext(ctx, r.K6, "run", "--quiet", "--no-usage-report", "--summary-export", out.Name(),
		filepath.Join(r.Layout.Root, "tools", "bench", scenario+".js"))
	cmd.Env = append(append(os.Environ(), "BASE="+r.State.Gateway, "DURATION="+r.Duration.String(), "K6_NO_USAGE_REPORT=true"), env...)
	said, err := cmd.CombinedOutput()
	if err != nil {
		return summary{}, fmt.Errorf("k6 %s: %w\n%.2000s", scenario, err, said)
	}
	data, err := os.ReadFile(out.Name())
	if err != nil {
		return summary{}, err
	}
	var s summary
	return s, json.Unmarshal(data, &s)
}

// run is a scenario's figures over several runs.
type runs struct {
	rate, p50, p95, p99 float64 // medians; operations a second, and milliseconds of a request
	errors              float64 // share of requests that failed
	usage               usage   // of all runs together
	operations          float64
}

// repeat runs a scenario and counts its operations by a metric.
func (r *runner) repeat(ctx context.Context, scenario, operations string, env ...string) (runs, error) {
	var out runs
	var rate, p50, p95, p99 []float64
	for range r.Runs {
		before, err := r.used(ctx)
		if err != nil {
			return out, err
		}
		s, err := r.k6(ctx, scenario, env...)
		if err != nil {
			return out, err
		}
		after, err := r.used(ctx)
		if err != nil {
			return out, err
		}
		rate = append(rate, s.of(operations, "rate"))
		p50, p95, p99 = append(p50, s.of("http_req_duration", "med")), append(p95, s.of("http_req_duration", "p(95)")), append(p99, s.of("http_req_duration", "p(99)"))
		out.errors = max(out.errors, s.of("http_req_failed", "value"))
		out.operations += s.of(operations, "count")
		out.usage = out.usage.plus(after.minus(before))
	}
	out.rate, out.p50, out.p95, out.p99 = median(rate), median(p50), median(p95), median(p99)
	return out, nil
}

func median(all []float64) float64 {
	slices.Sort(all)
	if len(all) == 0 {
		return 0
	}
	return all[len(all)/2]
}

func (u runs) figure(unit string) string {
	s := fmt.Sprintf("%.0f %s/s, requests p50 %.0f ms, p95 %.0f ms, p99 %.0f ms", u.rate, unit, u.p50, u.p95, u.p99)
	if u.errors > 0 {
		s += fmt.Sprintf(", %.2f %% refused", 100*u.errors)
	}
	return s
}

func (r *runner) browse(ctx context.Context) error {
	u, err := r.repeat(ctx, "browse", "flows", "SHOPPERS=32")
	if err != nil {
		return err
	}
	r.note("browse", "listing of 24 products, 32 shoppers", u.figure("pages"), "", u.usage.per(u.operations)...)
	return nil
}

func (r *runner) product(ctx context.Context) error {
	u, err := r.repeat(ctx, "product", "http_reqs", "RATE=300")
	if err != nil {
		return err
	}
	r.note("product", "product page at 300 requests/s", u.figure("pages"), "p99 < 30 ms", u.usage.per(u.operations)...)
	return nil
}

func (r *runner) cart(ctx context.Context) error {
	for _, shoppers := range []int{8, 32} {
		u, err := r.repeat(ctx, "cart", "flows", "SHOPPERS="+strconv.Itoa(shoppers))
		if err != nil {
			return err
		}
		goal := ""
		if shoppers == 32 {
			goal = "≥ 120 flows/s, p99 < 300 ms"
		}
		r.note("cart", fmt.Sprintf("cart in 6 requests, %d shoppers", shoppers), u.figure("flows"), goal, u.usage.per(u.operations)...)
	}
	return nil
}

func (r *runner) checkout(ctx context.Context) error {
	for _, shoppers := range []int{8, 32} {
		if err := r.restock(ctx); err != nil {
			return err
		}
		u, err := r.repeat(ctx, "checkout", "orders", "SHOPPERS="+strconv.Itoa(shoppers))
		if err != nil {
			return err
		}
		goal := ""
		if shoppers == 32 {
			goal = "≥ 40 orders/s"
		}
		r.note("checkout", fmt.Sprintf("guest checkout in 10 requests, 2 lines, captured, %d shoppers", shoppers), u.figure("orders"), goal, u.usage.per(u.operations)...)
	}
	return nil
}

// bigCart measures what a line costs by the size of its cart.
func (r *runner) bigCart(ctx context.Context) error {
	cost := map[int]float64{}
	for _, lines := range []int{1, 10, 100, 450} {
		var p50 []float64
		for range r.Runs {
			s, err := r.k6(ctx, "bigcart", "LINES="+strconv.Itoa(lines), "SHOPPERS=2", "DURATION=10s")
			if err != nil {
				return err
			}
			p50 = append(p50, s.of("added_line", "med"))
		}
		cost[lines] = median(p50)
		r.note("bigcart", fmt.Sprintf("a line added to a cart of %d", lines), fmt.Sprintf("p50 %.1f ms", cost[lines]), "")
	}
	r.note("bigcart", "cart of 450 lines against one of 10", fmt.Sprintf("%.1f ×", cost[450]/cost[10]), "≤ 3 ×")
	return nil
}

// events measures how long an event waits in order's outbox until the broker has it on disk. Consumers keep no time of arrival.
func (r *runner) events(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, r.State.Databases["order"])
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var n int
	var p50, p95, p99 *float64
	err = conn.QueryRow(ctx, `
		SELECT count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY took), percentile_cont(0.95) WITHIN GROUP (ORDER BY took), percentile_cont(0.99) WITHIN GROUP (ORDER BY took)
		FROM (SELECT 1000 * extract(epoch FROM sent_at - created_at)::float8 AS took FROM outbox WHERE sent_at IS NOT NULL AND created_at > now() - interval '10 minutes') AS sent`).
		Scan(&n, &p50, &p95, &p99)
	if err != nil {
		return err
	}
	if n == 0 {
		return errors.New("order sent no event in the last ten minutes: run the checkout measurement first")
	}
	r.note("events", fmt.Sprintf("an event in order's outbox until the broker has it, %d events under the load above", n),
		fmt.Sprintf("p50 %.0f ms, p95 %.0f ms, p99 %.0f ms", *p50, *p95, *p99), "")
	return nil
}
