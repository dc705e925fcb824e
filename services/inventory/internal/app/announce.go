package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
)

// Announcer tells others how levels have changed.
type Announcer interface {
	// AnnounceLevels tells of SKUs that changed and were not told of within the gap, some at a time; it returns how many it took.
	AnnounceLevels(ctx context.Context, now time.Time, gap time.Duration) (taken int, err error)
}

const (
	levelGap  = time.Second // between two events of a SKU
	levelPoll = 250 * time.Millisecond
)

// Levels announces changed levels until ctx ends, at most one event a second per SKU.
type Levels struct {
	Store Announcer
	Now   func() time.Time
	Log   *slog.Logger
}

// Run is the loop. Every replica runs it; the store lets one at a time announce. What fails is tried again.
func (l *Levels) Run(ctx context.Context) error {
	tick := time.NewTicker(levelPoll)
	defer tick.Stop()
	for {
		taken, err := l.Store.AnnounceLevels(ctx, l.Now(), levelGap)
		if err != nil && ctx.Err() == nil {
			l.Log.WarnContext(ctx, "levels not announced yet", "error", err)
		}
		if taken > 0 {
			continue
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// SweepStore finds holds that have ended.
type SweepStore interface {
	TurnStore
	// Lapsed returns SKUs with holds that no turn has folded since they were taken or expired.
	Lapsed(ctx context.Context, now time.Time, limit int) ([]string, error)
	// AnnounceExpired tells of expired holds, some at a time, and returns how many it took.
	AnnounceExpired(ctx context.Context, now time.Time) (taken int, err error)
}

// Sweeper ends holds of SKUs that nobody asks for, and tells of all that expired.
type Sweeper struct {
	Store SweepStore
	Now   func() time.Time
}

const (
	sweepAtOnce = 200
	sweepRounds = 50
)

// Sweep runs an empty turn for each SKU with dead holds, then announces. Two sweeps at once do no harm. A SKU whose turn fails
// does not stop the others.
func (s *Sweeper) Sweep(ctx context.Context) error {
	var failed []error
	for range sweepRounds {
		skus, err := s.Store.Lapsed(ctx, s.Now(), sweepAtOnce)
		if err != nil {
			return fmt.Errorf("sweep: %w", err)
		}
		for _, sku := range skus {
			if _, err := s.Store.Turn(ctx, sku, []inventory.Change{}, s.Now()); err != nil {
				failed = append(failed, err)
			}
		}
		if len(skus) < sweepAtOnce || len(failed) > 0 {
			break
		}
	}
	for range sweepRounds {
		taken, err := s.Store.AnnounceExpired(ctx, s.Now())
		if err != nil {
			failed = append(failed, err)
		}
		if taken == 0 {
			break
		}
	}
	return errors.Join(failed...)
}
