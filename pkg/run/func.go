package run

import (
	"context"
	"errors"
	"fmt"
)

// loop is a Service of one function.
type loop struct {
	name   string
	fn     func(ctx context.Context) error
	cancel context.CancelFunc
	done   chan struct{}
	failed chan error
}

// Func makes a Service of a loop that runs until its context is cancelled. An error before that stops the group; nil
// means that there was nothing left to do. An error that is only the cancellation is none.
func Func(name string, fn func(ctx context.Context) error) Service {
	return &loop{name: name, fn: fn, done: make(chan struct{}), failed: make(chan error, 1)}
}

func (l *loop) Start(ctx context.Context) error {
	ctx, l.cancel = context.WithCancel(context.WithoutCancel(ctx)) // the loop outlives its start
	go func() {
		defer close(l.done)
		err := l.fn(ctx)
		if err != nil && !(ctx.Err() != nil && errors.Is(err, context.Canceled)) {
			l.failed <- err
		}
	}()
	return nil
}

func (l *loop) Failed() <-chan error { return l.failed }

func (l *loop) Stop(ctx context.Context) error {
	l.cancel()
	select {
	case <-l.done:
	case <-ctx.Done():
		return fmt.Errorf("%s does not end: %w", l.name, ctx.Err())
	}
	select {
	case err := <-l.failed: // of the way down; what failed earlier was taken by the group
		return err
	default:
		return nil
	}
}
