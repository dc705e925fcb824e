package app_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sidecart/sidecart/services/inventory/internal/app"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
)

// announcer counts what it is asked.
type announcer struct {
	left  int // SKUs that wait
	fails int // calls that fail first
	asked int
}

func (a *announcer) AnnounceLevels(context.Context, time.Time, time.Duration) (int, error) {
	a.asked++
	if a.fails > 0 {
		a.fails--
		return 0, errors.New("away")
	}
	n := min(a.left, 2)
	a.left -= n
	return n, nil
}

func TestLevelsGoOnAfterFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &announcer{left: 5, fails: 2}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- (&app.Levels{Store: a, Now: time.Now, Log: quiet}).Run(ctx) }()
		<-time.After(550 * time.Millisecond) // of the bubble: two failures, then all at once
		synctest.Wait()
		if a.left != 0 || a.asked != 2+4 {
			t.Errorf("%d left after %d calls", a.left, a.asked)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// swept is a stock with dead holds of which one SKU cannot be folded.
type swept struct {
	lapsed map[string]bool
	stuck  string
	told   int
}

func (s *swept) Turn(_ context.Context, sku string, _ []inventory.Change, _ time.Time) ([]inventory.Outcome, error) {
	if sku == s.stuck {
		return nil, errors.New("stuck")
	}
	if s.lapsed[sku] {
		s.told++
	}
	delete(s.lapsed, sku)
	return nil, nil
}

func (s *swept) Lapsed(context.Context, time.Time, int) (all []string, err error) {
	for sku := range s.lapsed {
		all = append(all, sku)
	}
	return all, nil
}

func (s *swept) AnnounceExpired(context.Context, time.Time) (n int, err error) {
	n, s.told = s.told, 0
	return n, nil
}

func TestSweepGoesRoundWhatIsStuck(t *testing.T) {
	t.Parallel()
	s := &swept{lapsed: map[string]bool{"a": true, "b": true, "c": true}, stuck: "b"}
	err := (&app.Sweeper{Store: s, Now: clock}).Sweep(t.Context())
	if err == nil || len(s.lapsed) != 1 || s.told != 0 {
		t.Errorf("%v, left %v, %d not told", err, s.lapsed, s.told)
	}
	s.stuck = ""
	if err := (&app.Sweeper{Store: s, Now: clock}).Sweep(t.Context()); err != nil || len(s.lapsed) != 0 {
		t.Errorf("%v, left %v", err, s.lapsed)
	}
}
