package bench

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/evanw/esbuild/pkg/api"

	"github.com/sidecart/sidecart/tools/internal/proc"
	"github.com/sidecart/sidecart/tools/internal/shop"
)

func TestMedianAndQuantile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		all  []float64
		want float64
	}{{nil, 0}, {[]float64{7}, 7}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 3, 2}, 2.5}} {
		given := slices.Clone(c.all)
		if got := median(c.all); got != c.want {
			t.Errorf("median of %v = %g, want %g", c.all, got, c.want)
		}
		if !slices.Equal(given, c.all) {
			t.Errorf("median sorted what it was given: %v", c.all)
		}
	}
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(100 - i) // 1 … 100
	}
	for share, want := range map[float64]float64{0: 1, 0.5: 51, 0.95: 96, 0.99: 100, 1: 100} {
		if got := quantile(hundred, share); got != want {
			t.Errorf("quantile %g = %g, want %g", share, got, want)
		}
	}
	if got := quantile(nil, 0.5); got != 0 {
		t.Errorf("quantile of nothing = %g", got)
	}
}

func TestGoals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		goal Goal
		text string
		met  bool
	}{
		{atLeast(2000, 2000, " holds/s"), "≥ 2,000 holds/s", true},
		{atLeast(1999.9, 2000, " holds/s"), "≥ 2,000 holds/s", false},
		{atMost(1.3, 1.3, " ×"), "≤ 1.3 ×", true},
		{atMost(41, 40, " ms"), "≤ 40 ms", false},
		{below("p99", 299.9, 300, " ms"), "p99 < 300 ms", true},
		{below("", 20, 20, " s"), "< 20 s", false},
		{exactly([]float64{200, 200}, 200), "exactly 200", true},
		{exactly([]float64{10, 11, 10}, 10), "exactly 10", false},
		{exactly(nil, 200), "exactly 200", false},
	} {
		if c.goal.Text != c.text || c.goal.Met != c.met {
			t.Errorf("%+v, want %q, met %v", c.goal, c.text, c.met)
		}
	}
}

func TestPageSaysWhatWasReachedAndWhatWasMissed(t *testing.T) {
	t.Parallel()
	p := Page{Date: time.Date(2026, 5, 4, 23, 0, 0, 0, time.UTC), Commit: "abc1234", Command: "make bench", Machine: "2 × CPU", Runs: 3, Each: 30 * time.Second, Results: []Result{
		{What: "cart, 8 shoppers", Figure: "64 flows/s"},
		{What: "cart, 32 shoppers", Figure: "81 flows/s, p99 131 ms", Goals: []Goal{atLeast(81, 120, " flows/s"), below("p99", 131, 300, " ms")}, Notes: []string{"CPU 20.4 ms an operation"}},
	}}
	got := p.String()
	for _, want := range []string{
		"Written by `make bench` on 2026-05-04, at commit `abc1234`: 3 × 30s a scenario",
		"| cart, 8 shoppers | 64 flows/s |  |\n",
		"| cart, 32 shoppers | 81 flows/s, p99 131 ms | **≥ 120 flows/s**, p99 < 300 ms |\n",
		"Missed, 1 of 2 goals (bold above):\n- cart, 32 shoppers: 81 flows/s, p99 131 ms (goal ≥ 120 flows/s)\n",
		"\n**cart, 32 shoppers**\n- CPU 20.4 ms an operation\n",
		"\n## How it is measured\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the page lacks %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "**cart, 8 shoppers**") {
		t.Error("a result without notes has a paragraph of its own")
	}
	p.Results[1].Goals = p.Results[1].Goals[1:]
	if got := p.String(); !strings.Contains(got, "All of 1 goals are met.") || strings.Contains(got, "Missed") {
		t.Errorf("nothing was missed:\n%s", got)
	}
	path := filepath.Join(t.TempDir(), "page.md")
	if err := p.Write(path); err != nil {
		t.Fatal(err)
	}
	if written, err := os.ReadFile(path); err != nil || string(written) != p.String() {
		t.Errorf("%v, wrote %q", err, written)
	}
	const own = "\n## Relevance\n\nfigures\n"
	if err := os.WriteFile(path, []byte("what was measured before\n"+own), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := p.Write(path); err != nil {
			t.Fatal(err)
		}
	}
	if written, err := os.ReadFile(path); err != nil || string(written) != p.String()+own {
		t.Errorf("%v, wrote %q", err, written)
	}
}

func TestGrouped(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{0: "0", 999.4: "999", 999.5: "1,000", 1234567: "1,234,567", -1000: "-1,000", -100: "-100"} {
		if got := grouped(v); got != want {
			t.Errorf("grouped(%g) = %q, want %q", v, got, want)
		}
	}
}

func TestUsageOfOneOperation(t *testing.T) {
	t.Parallel()
	before := usage{cpu: shares{"cart": 1, "postgres": 10}, transactions: shares{"cart": 100}}
	after := usage{cpu: shares{"cart": 3, "postgres": 11, "late": 0.001}, transactions: shares{"cart": 180, "order": 20}}
	used := after.plus(before, -1)
	if before.cpu["cart"] != 1 || after.cpu["cart"] != 3 {
		t.Fatal("adding changed what was added")
	}
	both := usage{}.plus(used, 1).plus(used, 1)
	want := []string{"CPU 60.0 ms an operation: cart 40.0 · postgres 20.0", "2.00 transactions an operation: cart 1.60 · order 0.40"}
	if got := both.per(100); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := used.per(0); got != nil {
		t.Errorf("the cost of no operation: %q", got)
	}
}

func TestSharesAreListedMostFirst(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		all         shares
		list, total string
	}{
		{shares{"b": 2, "a": 2, "small": 0.04, "c": 30}, "c 30.0 · a 2.0 · b 2.0", "34.0"},
		{shares{"a": 0.5, "b": 0.25, "small": 0.004}, "a 0.50 · b 0.25", "0.75"},
	} {
		if got := c.all.String(); got != c.list || c.all.total() != c.total {
			t.Errorf("got %q and %s, want %q and %s", got, c.all.total(), c.list, c.total)
		}
	}
}

func TestProcFiles(t *testing.T) {
	t.Parallel()
	// utime 150, stime 50, cutime 20, cstime 5 ticks; a name that ends like the field should not be believed.
	if got := parseSeconds("42 (od) d (x)) S 1 42 42 0 -1 4194560 100 0 0 0 150 50 20 5 20 0 1 0 12345 0 0\n"); got != 2.25 {
		t.Errorf("CPU %g s, want 2.25", got)
	}
	for _, broken := range []string{"", "42 (x) S 1", "42 (x) S 1 2 3 4 5 6 7 8 9 10 a b c d e f"} {
		if got := parseSeconds(broken); got != 0 {
			t.Errorf("CPU of %q = %g", broken, got)
		}
	}
	if got := pastPeak("Name:\tx\nVmPeak:\t  9999 kB\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n"); got != 1<<20 {
		t.Errorf("%d more at the peak, want 1 MiB", got)
	}
	if got := pastPeak("Name:\tkthread\n"); got != 0 {
		t.Errorf("peak of a process without memory: %d", got)
	}
	if got := seconds(os.Getpid()); got < 0 || got > 3600 {
		t.Errorf("own CPU %g s", got)
	}
}

func TestOutcomeOfASummary(t *testing.T) {
	t.Parallel()
	var s summary
	err := json.Unmarshal([]byte(`{"done":{"count":90,"rate":9},"clock":{"min":1795771180461,"med":5,"max":1795771183461},"dropped_iterations":{"count":4,"rate":1},
		"complete":{"med":100,"p(99)":200},"http_req_duration":{"min":1,"med":10,"p(95)":20,"p(99)":30,"max":40},"http_req_failed":{"passes":1,"fails":99,"rate":0.01}}`), &s)
	if err != nil {
		t.Fatal(err)
	}
	o := s.outcome(1.5)
	if o.operations != 90 || o.seconds != 3 || o.p50 != 10 || o.p95 != 20 || o.p99 != 30 || o.complete != 200 || o.refused != 0.01 || o.generator != "k6" || o.cpu != 1.5 {
		t.Errorf("%+v", o)
	}
	if len(o.notes) != 1 || !strings.HasPrefix(o.notes[0], "4 operations were due") {
		t.Errorf("notes %q", o.notes)
	}
	if got, want := (runs{rate: 1234.4, p50: 1, p95: 2.4, p99: 3.6, complete: 9, refused: 0.0125}).figure("pages"), "1,234 pages/s, requests p50 1 ms, p95 2 ms, p99 4 ms, completing p99 9 ms, 1.25 % refused"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestAnEventArrivesWithItsLastConsumer(t *testing.T) {
	t.Parallel()
	at := func(ms int) time.Time { return time.UnixMilli(int64(1_000_000 + ms)) }
	one, two, lost, older := news{"a", 1}, news{"b", 7}, news{"c", 1}, news{"d", 5}
	took, missing := arrivals(
		map[news]time.Time{one: at(0), two: at(100), lost: at(0), older: at(0)},
		map[news]time.Time{one: at(50), two: at(105), lost: at(9), {"d", 4}: at(3)},
		map[news]time.Time{one: at(20), two: at(130), older: at(1)},
	)
	slices.Sort(took)
	if !slices.Equal(took, []float64{30, 50}) || missing != 2 {
		t.Errorf("took %v, %d missing", took, missing)
	}
}

func TestUnknownMeasurement(t *testing.T) {
	t.Parallel()
	_, err := Run(t.Context(), Options{Only: []string{"cart", "chart"}})
	if err == nil || !strings.Contains(err.Error(), `"chart"`) || !strings.Contains(err.Error(), "bigcart") {
		t.Errorf("%v", err)
	}
}

// A start cannot be timed, nor a commit dated, in a shop that runs already: the session says so before it measures anything.
func TestRunningShopIsAskedForLess(t *testing.T) {
	t.Parallel()
	l := shop.Layout{Root: t.TempDir(), Data: t.TempDir()}
	me, err := proc.Find(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(l.Run(), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := (shop.State{Tool: me, Phase: shop.PhaseServing}).Save(l); err != nil {
		t.Fatal(err)
	}
	for _, only := range [][]string{nil, {"start"}, {"cart", "events"}} {
		_, err := Run(t.Context(), Options{Layout: l, Only: only, Out: io.Discard})
		if err == nil || !strings.Contains(err.Error(), "make stop") {
			t.Errorf("only %q: %v", only, err)
		}
	}
}

// The scripts run in k6, which takes minutes to build; what k6 also does with them first, tells whether they parse and find each other.
func TestScriptsParse(t *testing.T) {
	t.Parallel()
	all, err := filepath.Glob("../../bench/*.js")
	if err != nil || len(all) < 7 {
		t.Fatalf("%v, %d scripts", err, len(all))
	}
	// Every scenario that is asked for has its script, and what the runner reads of it.
	for _, name := range []string{"browse", "suggest", "product", "storefront-listing", "storefront-product", "cart", "bigcart", "checkout", "flash"} {
		if !slices.Contains(all, filepath.Join("../../bench", name+".js")) {
			t.Errorf("no script %s", name)
		}
	}
	for _, script := range all {
		res := api.Build(api.BuildOptions{EntryPoints: []string{script}, Bundle: true, Format: api.FormatESModule, External: []string{"k6", "k6/*"}, LogLevel: api.LogLevelSilent})
		for _, m := range append(res.Errors, res.Warnings...) {
			t.Errorf("%s: %s (%+v)", script, m.Text, m.Location)
		}
		if len(res.OutputFiles) != 1 {
			t.Fatalf("%s: nothing came of it", script)
		}
		for _, export := range []string{"default", "options", "handleSummary"} {
			if filepath.Base(script) != "shop.js" && !exports(string(res.OutputFiles[0].Contents), export) {
				t.Errorf("%s does not export %s", script, export)
			}
		}
	}
}

// exports looks into the export list that esbuild writes at the end.
func exports(module, name string) bool {
	_, list, found := strings.Cut(module, "export {")
	for _, e := range strings.Split(strings.TrimSuffix(strings.TrimSpace(list), "};"), ",") {
		fields := strings.Fields(e)
		if found && len(fields) > 0 && fields[len(fields)-1] == name {
			return true
		}
	}
	return false
}

func TestNobodyGoesAhead(t *testing.T) {
	t.Parallel()
	const ranks = 20
	spent := 0.0
	m := march{ranks: ranks, gate: make(chan struct{}), costs: map[string]usage{}, count: func() (usage, error) {
		spent++
		return usage{cpu: shares{"cart": spent * spent}}, nil
	}}
	steps := []string{"cart", "line", "line", ""}
	var taken [4]atomic.Int64
	var all sync.WaitGroup
	for range ranks {
		all.Go(func() {
			for i, step := range steps {
				if err := m.together(t.Context(), step); err != nil {
					t.Error(err)
				}
				if n := taken[max(0, i-1)].Load(); i > 0 && n != ranks {
					t.Errorf("somebody takes step %d when %d have taken the one before", i, n)
				}
				taken[i].Add(1)
			}
		})
	}
	all.Wait()
	if !slices.Equal(m.steps, []string{"cart", "line", "line again"}) || m.costs["cart"].cpu["cart"] != 3 || m.costs["line again"].cpu["cart"] != 7 {
		t.Errorf("%v %v", m.steps, m.costs)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.together(ctx, "cart"); !errors.Is(err, context.Canceled) {
		t.Errorf("who waits for somebody who does not come: %v", err)
	}
}
