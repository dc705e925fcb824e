package daprio

import (
	"context"
	"sync"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
)

const (
	retry = 5 * time.Second // how soon an answer that failed is asked for again, while the last good one is given
	again = time.Second     // and where there is none, so that not everybody waits for a service that is away
)

// patience is how long a page waits for an answer that is kept. Whoever has waited so long goes on without it; the call itself goes on too.
const patience = time.Second

// memo keeps the answers of few keys for a time, and asks for each once at a time. While an answer cannot be had, the last one is given.
type memo[K comparable, T any] struct {
	now      func() time.Time
	age      time.Duration
	patience time.Duration
	ask      func(context.Context, K) (T, error)
	mu       sync.Mutex
	known    map[K]*answer[T]
}

// answer is what is known of a key. All of it is guarded by the memo's mutex.
type answer[T any] struct {
	value  T
	had    bool
	err    error // of the last call, where no value was ever had
	until  time.Time
	asking chan struct{} // closed at the end of the call that is under way; nil: there is none
}

// errSlow is returned to those who have waited for long enough.
var errSlow = fault.New(fault.Unavailable, "unavailable", "no answer yet")

func newMemo[K comparable, T any](now func() time.Time, age, patience time.Duration, ask func(context.Context, K) (T, error)) *memo[K, T] {
	return &memo[K, T]{now: now, age: age, patience: patience, ask: ask, known: map[K]*answer[T]{}}
}

// get returns the answer for a key. Keys must be few: none is ever forgotten.
func (m *memo[K, T]) get(ctx context.Context, key K) (T, error) {
	m.mu.Lock()
	a := m.known[key]
	if a == nil {
		a = &answer[T]{}
		m.known[key] = a
	}
	if m.now().Before(a.until) {
		defer m.mu.Unlock()
		return a.value, a.err
	}
	if a.asking == nil {
		a.asking = make(chan struct{})
		go m.refresh(context.WithoutCancel(ctx), key, a) // others wait for it too
	}
	asking := a.asking
	m.mu.Unlock()

	limit := time.NewTimer(m.patience)
	defer limit.Stop()
	slow := false
	select {
	case <-asking:
	case <-limit.C:
		slow = true
	case <-ctx.Done():
		slow = true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if slow && !a.had {
		return a.value, errSlow
	}
	return a.value, a.err
}

// refresh asks, and wakes those who wait.
func (m *memo[K, T]) refresh(ctx context.Context, key K, a *answer[T]) {
	value, err := m.ask(ctx, key)
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case err == nil:
		a.value, a.err, a.had, a.until = value, nil, true, m.now().Add(m.age)
	case a.had:
		a.until = m.now().Add(retry)
	default:
		a.err, a.until = err, m.now().Add(again)
	}
	close(a.asking)
	a.asking = nil
}
