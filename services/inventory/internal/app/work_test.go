package app_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidecart/sidecart/services/inventory/internal/app"
)

// announcer counts what it is asked.
type announcer struct {
	fails int // calls that fail first
	asked []time.Time
}

func (a *announcer) AnnounceLevels(_ context.Context, now time.Time, gap time.Duration) error {
	a.asked = append(a.asked, now)
	if a.fails > 0 {
		a.fails--
		return errors.New("away")
	}
	return nil
}

// Whoever changes all the time is told of as soon as the gap is over, failures or not; these wait a gap each.
func TestLevelsGoOnAfterFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &announcer{fails: 2}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		begun := time.Now()
		go func() { done <- (&app.Levels{Store: a, Now: time.Now, Log: quiet}).Run(ctx) }()
		<-time.After(10 * time.Second) // of the bubble
		synctest.Wait()
		if n := len(a.asked); n < 30 || n > 60 || a.asked[2].Sub(begun) != 2*time.Second {
			t.Fatalf("asked %d times: %v", n, a.asked)
		}
		for told, next := 2, 3; next < len(a.asked); next++ {
			switch gap := a.asked[next].Sub(a.asked[told]); {
			case gap > 1100*time.Millisecond:
				t.Errorf("told again after %s", gap)
			case gap >= time.Second:
				told = next
			}
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// swept is a stock with SKUs to fold, two at a time, and expired holds to tell of.
type swept struct{ old, due, lapsed, told, fails int }

func (s *swept) ReleaseDue(_ context.Context, _ app.Change, limit int) (int, error) {
	n := min(s.due, limit)
	s.due -= n
	return n, nil
}

func (s *swept) ExpireLots(_ context.Context, _ app.Change, limit int) (int, error) {
	n := min(s.old, limit)
	s.old -= n
	return n, nil
}

func (s *swept) Fold(context.Context, time.Time, int) (int, error) {
	if s.fails > 0 {
		s.fails--
		return 0, errors.New("away")
	}
	n := min(s.lapsed, 2)
	s.lapsed -= n
	s.told += n
	return n, nil
}

func (s *swept) AnnounceExpired(context.Context, time.Time) (n int, err error) {
	n = min(s.told, 2)
	s.told -= n
	return n, nil
}

func TestSweepGoesOnUntilAllIsTold(t *testing.T) {
	t.Parallel()
	s := &swept{old: 300, due: 500, lapsed: 5, told: 3, fails: 1}
	sweeper := &app.Sweeper{Store: s, Now: clock}
	if err := sweeper.Sweep(t.Context()); err == nil || s.lapsed != 5 || s.told != 0 || s.due != 0 || s.old != 0 {
		t.Errorf("%v, %d left, %d not told", err, s.lapsed, s.told)
	}
	if err := sweeper.Sweep(t.Context()); err != nil || s.lapsed != 0 || s.told != 0 {
		t.Errorf("%v, %d left, %d not told", err, s.lapsed, s.told)
	}
}
