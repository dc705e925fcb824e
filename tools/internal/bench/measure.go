package bench

import (
	"context"
	"fmt"
	"time"
)

// outcome is what one run of a scenario brought.
type outcome struct {
	operations float64 // that are done
	seconds    float64 // between the first request and the last answer
	p50        float64 // of a request, in milliseconds
	p95, p99   float64
	complete   float64 // p99 of those that complete a checkout, if there are any
	refused    float64 // share of requests
	generator  string  // who sent them
	cpu        float64 // that it spent on it, in seconds
	notes      []string
}

// scenario is what is measured: prepare, if there is one, comes before each run and is not measured.
type scenario struct {
	prepare func(ctx context.Context) error
	run     func(ctx context.Context, d time.Duration) (outcome, error)
	tidy    func(ctx context.Context) error // after each run, not measured
}

// runs are a scenario's figures over several runs.
type runs struct {
	rate, p50, p95, p99 float64 // medians; operations a second, and milliseconds of a request
	complete            float64 // median; p99 of completing a checkout, in milliseconds
	seconds             []float64
	refused             float64 // the largest share of requests
	operations          float64 // of all runs together
	usage               usage   // likewise
	peak                int64   // bytes, the highest
	notes               []string
}

// counted is how long the run is in which statements are counted.
const counted = 8 * time.Second

// measure repeats a scenario, each time on a quiet shop. Statements are counted in one more, short run, so that the counting costs the
// figures nothing.
func (r *runner) measure(ctx context.Context, s scenario, count bool) (runs, error) {
	var out runs
	var rate, p50, p95, p99, complete []float64
	for range r.Runs {
		o, u, peak, err := r.once(ctx, s, r.Duration)
		if err != nil {
			return out, err
		}
		rate, p50, p95, p99 = append(rate, o.operations/o.seconds), append(p50, o.p50), append(p95, o.p95), append(p99, o.p99)
		complete = append(complete, o.complete)
		out.seconds = append(out.seconds, o.seconds)
		out.refused, out.peak = max(out.refused, o.refused), max(out.peak, peak)
		out.operations += o.operations
		out.usage = out.usage.plus(u, 1)
		out.notes = append(out.notes, o.notes...)
	}
	out.rate, out.p50, out.p95, out.p99 = median(rate), median(p50), median(p95), median(p99)
	out.complete = median(complete)
	costs := append(out.usage.per(out.operations), fmt.Sprintf("peak memory %d MiB", out.peak>>20))
	if count && r.counter.able {
		statements, err := r.statements(ctx, s)
		if err != nil {
			return out, err
		}
		costs = append(costs, statements)
	}
	out.notes = append(costs, out.notes...)
	return out, nil
}

// once runs a scenario, and tells what it brought and what it cost the shop and the generator.
func (r *runner) once(ctx context.Context, s scenario, d time.Duration) (o outcome, u usage, peak int64, err error) {
	notes, err := r.ready(ctx, s)
	if err != nil {
		return o, u, 0, err
	}
	if err := r.forgetPeaks(); err != nil {
		return o, u, 0, err
	}
	before, err := r.used(ctx)
	if err != nil {
		return o, u, 0, err
	}
	if o, err = s.run(ctx, d); err != nil {
		return o, u, 0, err
	}
	after, err := r.used(ctx)
	if err != nil {
		return o, u, 0, err
	}
	if peak, err = r.peak(); err != nil {
		return o, u, 0, err
	}
	if o.seconds <= 0 || o.operations == 0 {
		return o, u, 0, fmt.Errorf("nothing was done in %.1f s, %.0f %% of the requests were refused", o.seconds, 100*o.refused)
	}
	o.notes = append(notes, o.notes...)
	u = after.plus(before, -1)
	u.cpu[o.generator] += o.cpu
	return o, u, peak, s.after(ctx)
}

func (r *runner) ready(ctx context.Context, s scenario) ([]string, error) {
	if s.prepare != nil {
		if err := s.prepare(ctx); err != nil {
			return nil, fmt.Errorf("prepare: %w", err)
		}
	}
	return r.quiet(ctx)
}

func (s scenario) after(ctx context.Context) error {
	if s.tidy == nil {
		return nil
	}
	return s.tidy(ctx)
}

// statements counts those of one operation.
func (r *runner) statements(ctx context.Context, s scenario) (string, error) {
	if _, err := r.ready(ctx, s); err != nil {
		return "", err
	}
	if err := r.counter.begin(ctx); err != nil {
		return "", err
	}
	o, err := s.run(ctx, min(counted, r.Duration))
	if err != nil {
		return "", err
	}
	all, err := r.counter.end(ctx)
	if err != nil {
		return "", err
	}
	if o.operations == 0 {
		return "", fmt.Errorf("nothing was done while statements were counted")
	}
	each := shares(nil).plus(all, 1/o.operations)
	return fmt.Sprintf("%s SQL statements an operation: %s", each.total(), each), s.after(ctx)
}

// quiet waits until the news of what was written have been taken in, so that they are not measured with what follows: until the shop's
// processes are as good as idle. It does not wait for ever; then it says so.
func (r *runner) quiet(ctx context.Context) (notes []string, err error) {
	const window, limit, idle = 2 * time.Second, 2 * time.Minute, 0.4 // CPU seconds a window
	for begun := time.Now(); ; {
		before, err := r.used(ctx)
		if err != nil {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(window):
		}
		after, err := r.used(ctx)
		if err != nil {
			return nil, err
		}
		spent := after.plus(before, -1).cpu.sum()
		if spent < idle {
			return nil, nil
		}
		if time.Since(begun) > limit {
			return []string{fmt.Sprintf("the shop was not at rest before: it spent %.1f s of CPU in %s", spent, window)}, nil
		}
	}
}

// byK6 is a run of a k6 scenario. It counts what k6 takes for done, or what total counts in the shop: before, and when as much is there
// as k6 was told of, or ten seconds later.
func (r *runner) byK6(name string, total func(ctx context.Context) (float64, error), env ...string) func(context.Context, time.Duration) (outcome, error) {
	return func(ctx context.Context, d time.Duration) (outcome, error) {
		before := 0.0
		var err error
		if total != nil {
			if before, err = total(ctx); err != nil {
				return outcome{}, err
			}
		}
		s, cpu, err := r.k6(ctx, name, d, env...)
		if err != nil {
			return outcome{}, err
		}
		o := s.outcome(cpu)
		if total == nil {
			return o, nil
		}
		told := o.operations
		for begun := time.Now(); ; {
			now, err := total(ctx)
			if err != nil {
				return outcome{}, err
			}
			o.operations = now - before
			if o.operations >= told || time.Since(begun) > 10*time.Second {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		if o.operations != told {
			o.notes = append(o.notes, fmt.Sprintf("k6 was told of %.0f, the database has %.0f", told, o.operations))
		}
		return o, nil
	}
}

// outcome reads k6's figures.
func (s summary) outcome(cpu float64) outcome {
	d := s["http_req_duration"]
	o := outcome{operations: s["done"]["count"], seconds: s.seconds(), p50: d["med"], p95: d["p(95)"], p99: d["p(99)"], refused: s["http_req_failed"]["rate"],
		complete: s["complete"]["p(99)"], generator: "k6", cpu: cpu}
	if n := s["dropped_iterations"]["count"]; n > 0 {
		o.notes = append(o.notes, fmt.Sprintf("%.0f operations were due and not begun: too many were under way", n))
	}
	return o
}

// figure writes the rate and the requests' times.
func (u runs) figure(unit string) string {
	s := fmt.Sprintf("%s %s/s, requests p50 %.0f ms, p95 %.0f ms, p99 %.0f ms", grouped(u.rate), unit, u.p50, u.p95, u.p99)
	if u.complete > 0 {
		s += fmt.Sprintf(", completing p99 %.0f ms", u.complete)
	}
	if u.refused > 0 {
		s += fmt.Sprintf(", %.2f %% refused", 100*u.refused)
	}
	return s
}
