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

// Whoever changes all the time is told of at each look: looks are a gap apart, failures or not.
func TestLevelsGoOnAfterFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &announcer{fails: 2}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- (&app.Levels{Store: a, Now: time.Now, Log: quiet}).Run(ctx) }()
		<-time.After(4500 * time.Millisecond) // of the bubble
		synctest.Wait()
		if len(a.asked) != 5 {
			t.Errorf("asked %d times", len(a.asked))
		}
		for i := range len(a.asked) - 1 {
			if gap := a.asked[i+1].Sub(a.asked[i]); gap <= time.Second {
				t.Errorf("look %d came %s after the one before", i+1, gap)
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
