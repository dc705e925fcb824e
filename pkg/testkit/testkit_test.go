package testkit_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/pkg/testkit"
)

var things = pg.Migrations{Name: "things", FS: fstest.MapFS{
	"00001_things.sql": {Data: []byte("-- +goose Up\nCREATE TABLE things (id integer PRIMARY KEY);\n")},
}}

// Thirty tests at once, each with its own table of the same name.
func TestSchemasAreIsolated(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() {
			pool := testkit.Schema(t, things)
			for n := range i + 1 {
				if _, err := pool.Exec(t.Context(), "INSERT INTO things VALUES ($1)", n); err != nil {
					t.Error(err)
				}
			}
			var n int
			if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM things").Scan(&n); err != nil || n != i+1 {
				t.Errorf("%d rows (%v), want %d", n, err, i+1)
			}
		})
	}
	wg.Wait()
}

func TestSchemaIsDropped(t *testing.T) {
	t.Parallel()
	var schema string
	t.Run("inner", func(t *testing.T) {
		if err := testkit.Schema(t, things).QueryRow(t.Context(), "SELECT current_schema()").Scan(&schema); err != nil {
			t.Fatal(err)
		}
	})
	var left int
	err := testkit.Schema(t).QueryRow(t.Context(), "SELECT count(*) FROM pg_namespace WHERE nspname = $1", schema).Scan(&left)
	if err != nil || left != 0 || schema == "" {
		t.Errorf("schema %q: %d left, %v", schema, left, err)
	}
}

// recorder is a testing.TB that fails without ending the test that looks at it.
type recorder struct {
	testing.TB
	message string
}

func (r *recorder) Helper() {}
func (r *recorder) Fatalf(format string, args ...any) {
	r.message = fmt.Sprintf(format, args...)
	panic(r)
}

func failure(t *testing.T, fn func(t testing.TB)) (message string) {
	t.Helper()
	r := &recorder{TB: t}
	defer func() {
		if p := recover(); p != nil && p != any(r) {
			panic(p)
		}
		message = r.message
	}()
	fn(r)
	return ""
}

func TestSchemaWithoutServerFailsLoudly(t *testing.T) { // not parallel: changes the environment
	t.Setenv(testkit.DatabaseEnv, "")
	if got := failure(t, func(t testing.TB) { testkit.Schema(t) }); got == "" || !strings.Contains(got, "make test") {
		t.Errorf("failure %q", got)
	}
	t.Setenv(testkit.DatabaseEnv, "postgres://nobody:secret@127.0.0.1:1/x")
	if got := failure(t, func(t testing.TB) { testkit.Schema(t) }); got == "" || strings.Contains(got, "secret") {
		t.Errorf("failure %q", got)
	}
}

func TestEventually(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls, begin := 0, time.Now()
		testkit.Eventually(t, time.Minute, func() error {
			if calls++; calls < 10 {
				return errors.New("not yet")
			}
			return nil
		})
		if calls != 10 || time.Since(begin) > time.Second {
			t.Errorf("%d calls in %v", calls, time.Since(begin))
		}
		got := failure(t, func(t testing.TB) {
			testkit.Eventually(t, time.Second, func() error { return errors.New("never") })
		})
		if got != "not within 1s: never" {
			t.Errorf("failure %q", got)
		}
	})
}

func TestFreePort(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", testkit.FreePort(t)))
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

func TestFaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		faults := testkit.NewFaults(t, map[string]testkit.Rate{
			"Before": {Before: 1}, "After": {After: 1}, "Both": {Before: 0.3, After: 0.3},
			testkit.AnyMethod: {Delay: time.Second},
		})
		calls := 0
		count := func() error { calls++; return nil }
		ctx := t.Context()
		if err := faults.Do(ctx, "Before", count); fault.KindOf(err) != fault.Unavailable || calls != 0 {
			t.Errorf("before: %v, %d calls", err, calls)
		}
		if err := faults.Do(ctx, "After", count); fault.KindOf(err) != fault.Timeout || calls != 1 {
			t.Errorf("after: %v, %d calls", err, calls)
		}
		mine := errors.New("mine")
		if err := faults.Do(ctx, "After", func() error { return mine }); !errors.Is(err, mine) {
			t.Errorf("after a failure of its own: %v", err)
		}
		calls = 0
		var before, after int
		for range 2000 {
			switch err := faults.Do(ctx, "Both", count); {
			case errors.Is(err, testkit.ErrBefore):
				before++
			case errors.Is(err, testkit.ErrAfter):
				after++
			}
		}
		if calls != 2000-before || before < 450 || before > 750 || after < 450 || after > 750 || faults.Injected("Both") != before+after {
			t.Errorf("%d calls, %d before, %d after, %d injected", calls, before, after, faults.Injected("Both"))
		}
		begin := time.Now()
		n, err := testkit.Inject(ctx, faults, "Other", func() (int, error) { return 7, nil })
		if n != 7 || err != nil || time.Since(begin) > time.Second {
			t.Errorf("%d %v after %v", n, err, time.Since(begin))
		}
		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		for range 5 { // a delay of zero may be drawn
			if err := faults.Do(cancelled, "Other", func() error { return nil }); err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
		faults.Heal()
		if err := faults.Do(ctx, "Before", count); err != nil {
			t.Errorf("healed: %v", err)
		}
	})
}

func TestSeedRepeats(t *testing.T) { // not parallel: changes the environment
	t.Setenv(testkit.SeedEnv, "42")
	first, second := testkit.Rand(t), testkit.Rand(t)
	for range 10 {
		if a, b := first.Uint64(), second.Uint64(); a != b {
			t.Fatalf("%d and %d of one seed", a, b)
		}
	}
	if err := os.Unsetenv(testkit.SeedEnv); err != nil {
		t.Fatal(err)
	}
	if one, two := testkit.Seed(t), testkit.Seed(t); one == two {
		t.Error("without a seed from outside each is new")
	}
}

// counter is a port with one promise too many for one of its implementations.
type counter interface{ Add() int }

type locked struct {
	mu sync.Mutex
	n  int
}

func (c *locked) Add() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	return c.n
}

func TestContract(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	ran := map[string]int{}
	t.Run("all", func(t *testing.T) {
		testkit.Contract(t, map[string]func(*testing.T) counter{
			"one": func(*testing.T) counter { return &locked{} }, "two": func(*testing.T) counter { return &locked{} },
		},
			testkit.Case[counter]{Name: "starts at one", Run: func(t *testing.T, c counter) {
				mu.Lock()
				ran[t.Name()]++
				mu.Unlock()
				if n := c.Add(); n != 1 {
					t.Errorf("n = %d: each case has a port of its own", n)
				}
			}},
			testkit.Case[counter]{Name: "one winner", Run: func(t *testing.T, c counter) {
				errs := testkit.Race(20, func(int) error {
					if c.Add() != 7 {
						return errors.New("lost")
					}
					return nil
				})
				if n := testkit.Wins(errs); n != 1 || len(errs) != 20 {
					t.Errorf("%d winners of %d", n, len(errs))
				}
			}})
	})
	if len(ran) != 2 {
		t.Errorf("ran %v", ran)
	}
}
