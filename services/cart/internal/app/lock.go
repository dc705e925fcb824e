package app

import (
	"context"
	"fmt"
	"sync"
)

// locks lets the commands of one cart in this process come one after the other, so that they do not race each other through
// rebuilds. It is a courtesy: other replicas know nothing of it, and the append decides.
type locks struct {
	mu   sync.Mutex
	held map[string]*lock
}

type lock struct {
	turn  chan struct{} // holds one token while nobody has the lock
	users int
}

// lock waits for its turn until ctx ends.
func (l *locks) lock(ctx context.Context, id string) (unlock func(), err error) {
	l.mu.Lock()
	if l.held == nil {
		l.held = map[string]*lock{}
	}
	k := l.held[id]
	if k == nil {
		k = &lock{turn: make(chan struct{}, 1)}
		k.turn <- struct{}{}
		l.held[id] = k
	}
	k.users++
	l.mu.Unlock()
	leave := func() {
		l.mu.Lock()
		if k.users--; k.users == 0 {
			delete(l.held, id)
		}
		l.mu.Unlock()
	}
	select {
	case <-k.turn:
		return func() { k.turn <- struct{}{}; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ErrBusy.WithCause(fmt.Errorf("wait for cart: %w", ctx.Err()))
	}
}
