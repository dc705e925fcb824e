package testkit

import (
	"sync"
	"testing"
)

// Case is one promise of a port.
type Case[P any] struct {
	Name string
	Run  func(t *testing.T, port P)
}

// Contract holds every implementation of a port to the same promises: each case runs in parallel on a port of its own. The real
// adapter and the fake both stand in implementations, so the fake that other tests rely on cannot drift.
func Contract[P any](t *testing.T, implementations map[string]func(t *testing.T) P, cases ...Case[P]) {
	t.Helper()
	if len(implementations) == 0 || len(cases) == 0 {
		t.Fatal("a contract without implementations or cases proves nothing")
	}
	for name, make := range implementations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, c := range cases {
				t.Run(c.Name, func(t *testing.T) {
					t.Parallel()
					c.Run(t, make(t))
				})
			}
		})
	}
}

// Race runs fn n times at once, all let go together, and returns the error of each by its number.
func Race(n int, fn func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var ready, done sync.WaitGroup
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			ready.Done()
			<-start
			errs[i] = fn(i)
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
	return errs
}

// Wins counts the calls of a [Race] that succeeded.
func Wins(errs []error) (n int) {
	for _, err := range errs {
		if err == nil {
			n++
		}
	}
	return n
}
