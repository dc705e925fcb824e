package app

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// Announcer tells others how levels have changed.
type Announcer interface {
	// AnnounceLevels tells of all SKUs that changed and were not told of within the gap.
	AnnounceLevels(ctx context.Context, now time.Time, gap time.Duration) error
}

const (
	levelGap  = time.Second                    // the least time between two events of a SKU
	levelPoll = levelGap + 50*time.Millisecond // a little more, or a SKU that changes all the time would miss every other look
)

// Levels announces changed levels until ctx ends, once a second, so that changes of a SKU in between are one event and those of
// different SKUs go out together.
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
		if err := l.Store.AnnounceLevels(ctx, l.Now(), levelGap); err != nil && ctx.Err() == nil {
			l.Log.WarnContext(ctx, "levels not announced yet", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// SweepStore finds what the clock has ended.
type SweepStore interface {
	// ReleaseDue serves what up to limit SKUs owe since their release has come, and returns of how many.
	ReleaseDue(ctx context.Context, by Change, limit int) (released int, err error)
	// ExpireLots takes the free pieces of lots whose last day is over off up to limit SKUs, and returns of how many.
	ExpireLots(ctx context.Context, by Change, limit int) (expired int, err error)
	// Fold takes the holds that were taken or have expired out of the held totals of up to limit SKUs, and returns of how many.
	Fold(ctx context.Context, now time.Time, limit int) (folded int, err error)
	// AnnounceExpired tells of expired holds, some at a time, and returns how many it took.
	AnnounceExpired(ctx context.Context, now time.Time) (taken int, err error)
}

// Sweeper ends holds of SKUs that nobody asks for, tells of all that expired, acts on releases that have come and on lots
// that have expired.
type Sweeper struct {
	Store SweepStore
	Now   func() time.Time
}

const (
	sweepAtOnce = 200
	sweepRounds = 50
)

// Sweep does all of it, also when one part fails. Two sweeps at once do no harm.
func (s *Sweeper) Sweep(ctx context.Context) error {
	return errors.Join(
		s.repeat(func() (int, error) { return s.Store.ExpireLots(ctx, stamp("job:sweep", s.Now()), sweepAtOnce) }),
		s.repeat(func() (int, error) { return s.Store.ReleaseDue(ctx, stamp("job:sweep", s.Now()), sweepAtOnce) }),
		s.repeat(func() (int, error) { return s.Store.Fold(ctx, s.Now(), sweepAtOnce) }),
		s.repeat(func() (int, error) { return s.Store.AnnounceExpired(ctx, s.Now()) }))
}

// repeat calls until there is nothing more to do, in bounds: the next sweep goes on.
func (s *Sweeper) repeat(some func() (int, error)) error {
	for range sweepRounds {
		if n, err := some(); err != nil || n == 0 {
			return err
		}
	}
	return nil
}
