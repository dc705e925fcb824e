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
	levelGap  = time.Second // the least time between two events of a SKU, so that its changes in between are one event
	levelPoll = 210 * time.Millisecond
)

// Levels announces changed levels until ctx ends. It looks a few times within the gap: the SKUs of one look go out together, and those
// of a whole second, all at once, would wait for each other at whoever keeps a copy. Five looks are a little more than the gap, or a SKU
// that changes all the time would miss one.
type Levels struct {
	Store Announcer
	Now   func() time.Time
	Log   *slog.Logger
}

// Run is the loop. Every replica runs it; the store lets one at a time announce. What fails is tried again.
func (l *Levels) Run(ctx context.Context) error {
	for {
		pause := levelPoll
		if err := l.Store.AnnounceLevels(ctx, l.Now(), levelGap); err != nil && ctx.Err() == nil {
			l.Log.WarnContext(ctx, "levels not announced yet", "error", err)
			pause = levelGap
		}
		select {
		case <-time.After(pause):
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
