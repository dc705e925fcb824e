package daprio

import (
	"context"
	"sync"
	"time"
)

// retry is how soon an answer that failed is asked for again, while the last good one is given.
const retry = 5 * time.Second

// memo keeps the answers of few keys for a time, and asks for each once at a time. While an answer cannot be had, the last one is given.
type memo[K comparable, T any] struct {
	now   func() time.Time
	age   time.Duration
	ask   func(context.Context, K) (T, error)
	mu    sync.Mutex
	known map[K]*answer[T]
}

type answer[T any] struct {
	mu    sync.Mutex // held while it is asked for
	value T
	until time.Time
	had   bool
}

func newMemo[K comparable, T any](now func() time.Time, age time.Duration, ask func(context.Context, K) (T, error)) *memo[K, T] {
	return &memo[K, T]{now: now, age: age, ask: ask, known: map[K]*answer[T]{}}
}

// get returns the answer for a key. Keys must be few: none is ever forgotten.
func (m *memo[K, T]) get(ctx context.Context, key K) (T, error) {
	m.mu.Lock()
	a := m.known[key]
	if a == nil {
		a = &answer[T]{}
		m.known[key] = a
	}
	m.mu.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.had && m.now().Before(a.until) {
		return a.value, nil
	}
	value, err := m.ask(context.WithoutCancel(ctx), key) // others wait for it too
	if err == nil {
		a.value, a.until, a.had = value, m.now().Add(m.age), true
		return value, nil
	}
	if a.had {
		a.until = m.now().Add(retry)
		return a.value, nil
	}
	return value, err
}
