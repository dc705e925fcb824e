package daprio

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
)

// asked is a service that takes its time, answers by the number of the call, and fails where it is told to.
type asked struct {
	calls atomic.Int64
	took  time.Duration
	fails error
}

func (a *asked) ask(context.Context, string) (int64, error) {
	n := a.calls.Add(1)
	<-time.After(a.took) // of the bubble's clock
	return n, a.fails
}

// Whoever needs what a hanging service has never told waits for a bounded time, however many they are and whenever they come.
func TestNobodyWaitsForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &asked{took: 3 * time.Second, fails: fault.New(fault.Timeout, "timeout", "it hangs")}
		m := newMemo(time.Now, time.Minute, patience, s.ask)
		var all sync.WaitGroup
		begun := time.Now()
		for i := range 50 {
			all.Go(func() {
				time.Sleep(time.Duration(i%5) * time.Second) //nolint:forbidigo // the bubble's clock
				came := time.Now()
				_, err := m.get(t.Context(), "key")
				if waited := time.Since(came); err == nil || waited > patience {
					t.Errorf("waited %v: %v", waited, err)
				}
			})
		}
		all.Wait()
		if n := s.calls.Load(); n != 2 || time.Since(begun) > 10*time.Second { // at 0 and, once that had failed, at 4 s
			t.Errorf("%d calls in %v", n, time.Since(begun))
		}
		synctest.Wait()
		time.Sleep(time.Minute) //nolint:forbidigo // the bubble's clock
	})
}

// A service that is away is asked for once a second at most, and what it told before is given meanwhile.
func TestTheLastAnswerIsGiven(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &asked{fails: errors.New("away")}
		m := newMemo(time.Now, time.Minute, patience, s.ask)
		want := func(step string, value int64, fails bool) {
			t.Helper()
			if got, err := m.get(t.Context(), "key"); (err != nil) != fails || !fails && got != value {
				t.Errorf("%s: %d %v", step, got, err)
			}
		}
		want("the first", 0, true)
		want("at once", 0, true)
		if s.calls.Load() != 1 {
			t.Error("it was asked again at once")
		}
		s.fails = nil
		time.Sleep(again) //nolint:forbidigo // the bubble's clock
		want("it is back", 2, false)
		s.took, s.fails = 3*time.Second, errors.New("away")
		time.Sleep(time.Minute) //nolint:forbidigo // the bubble's clock
		came := time.Now()
		want("it hangs", 2, false)
		if time.Since(came) > patience {
			t.Error("what is known was waited for")
		}
		time.Sleep(retry) //nolint:forbidigo // the bubble's clock
		synctest.Wait()
		s.took, s.fails = 0, nil
		time.Sleep(retry) //nolint:forbidigo // the bubble's clock
		want("it is back again", 4, false)
	})
}
