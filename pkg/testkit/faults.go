package testkit

import (
	"context"
	"maps"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
)

// SeedEnv names the variable that repeats the random choices of a test run.
const SeedEnv = "SIDECART_TEST_SEED"

// What injected faults answer unless a [Rate] says otherwise: the kinds of a refused connection and of a lost answer.
var (
	ErrBefore = fault.New(fault.Unavailable, "injected-before", "Injected: not executed.")
	ErrAfter  = fault.New(fault.Timeout, "injected-after", "Injected: executed, and the answer was lost.")
)

// AnyMethod is the [Rate] of all methods that have none of their own.
const AnyMethod = "*"

// Rate says how often a method fails, as probabilities from 0 to 1, and how long it may take.
type Rate struct {
	Before    float64       // fails without having been executed
	After     float64       // is executed, and fails nevertheless: the fault that lies
	Delay     time.Duration // waits up to this long before the call, evenly distributed
	ErrBefore error         // nil: the package's
	ErrAfter  error         // nil: the package's
}

// Faults injects faults into the calls of a hand-written decorator. It is safe for concurrent use.
//
//	func (d faultyGateway) Charge(ctx context.Context, c Charge) (Receipt, error) {
//		return testkit.Inject(ctx, d.faults, "Charge", func() (Receipt, error) { return d.Gateway.Charge(ctx, c) })
//	}
type Faults struct {
	mu       sync.Mutex
	rng      *rand.Rand
	rates    map[string]Rate
	injected map[string]int
}

// NewFaults returns faults with a rate per method name ([AnyMethod] for the rest). Its seed is that of [Seed].
func NewFaults(t testing.TB, rates map[string]Rate) *Faults {
	t.Helper()
	return &Faults{rng: Rand(t), rates: maps.Clone(rates), injected: map[string]int{}}
}

// Seed returns the seed of the test run: that of SIDECART_TEST_SEED, else a new one. It is printed with the test's log.
func Seed(t testing.TB) uint64 {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv(SeedEnv); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s: %v", SeedEnv, err)
		}
	}
	t.Logf("repeat with %s=%d", SeedEnv, seed)
	return seed
}

// Rand returns a random generator on [Seed]. It is not safe for concurrent use.
func Rand(t testing.TB) *rand.Rand {
	t.Helper()
	seed := Seed(t)
	return rand.New(rand.NewPCG(seed, seed))
}

// Heal stops injecting: from now on every call goes through.
func (f *Faults) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.rates)
}

// Injected returns how many faults of the method were injected, so that a test can tell that it met any.
func (f *Faults) Injected(method string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.injected[method]
}

// verdict is what happens to one call.
type verdict struct {
	delay         time.Duration
	before, after error
}

func (f *Faults) draw(method string) (v verdict) {
	f.mu.Lock()
	defer f.mu.Unlock()
	rate, ok := f.rates[method]
	if !ok {
		rate = f.rates[AnyMethod]
	}
	if rate.Delay > 0 {
		v.delay = time.Duration(f.rng.Int64N(int64(rate.Delay) + 1))
	}
	switch p := f.rng.Float64(); {
	case p < rate.Before:
		if v.before = rate.ErrBefore; v.before == nil {
			v.before = ErrBefore
		}
	case p < rate.Before+rate.After:
		if v.after = rate.ErrAfter; v.after == nil {
			v.after = ErrAfter
		}
	default:
		return v
	}
	f.injected[method]++
	return v
}

// Do runs fn as method: perhaps late, perhaps not at all, perhaps with its success turned into an error.
func (f *Faults) Do(ctx context.Context, method string, fn func() error) error {
	_, err := Inject(ctx, f, method, func() (struct{}, error) { return struct{}{}, fn() })
	return err
}

// Inject is [Faults.Do] for methods with a result. An error of fn itself is passed on.
func Inject[T any](ctx context.Context, f *Faults, method string, fn func() (T, error)) (T, error) {
	var zero T
	v := f.draw(method)
	if v.delay > 0 {
		timer := time.NewTimer(v.delay)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return zero, ctx.Err()
		case <-timer.C:
		}
	}
	if v.before != nil {
		return zero, v.before
	}
	res, err := fn()
	if err == nil && v.after != nil {
		return zero, v.after
	}
	return res, err
}
