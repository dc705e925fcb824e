// Package limit says how fast somebody may ask, and who somebody is: a token bucket for each key, and the address of a client behind proxies of ours.
//
// All is kept in memory and may be lost: a process that starts anew counts from zero. Each replica counts for itself, so n replicas let n times the
// rate through.
package limit

import (
	"hash/maphash"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	shards     = 16
	firstSweep = 1024
	maxBuckets = 1 << 16 // of one shard; about 10 MB
)

// Rate is a token bucket: so many a second, and so many at once.
type Rate struct {
	PerSecond float64
	Burst     int
}

// Limiter keeps a bucket for each key. Full buckets are forgotten; should more keys come than fit, all of a shard are: a
// limit that is too mild for a moment is better than no memory. It is safe for use by many.
type Limiter[K comparable] struct {
	limit  Rate
	now    func() time.Time
	seed   maphash.Seed
	shards [shards]shard[K]
}

type shard[K comparable] struct {
	mu      sync.Mutex
	buckets map[K]*rate.Limiter
	sweepAt int
}

// New returns a limiter without keys.
func New[K comparable](limit Rate, now func() time.Time) *Limiter[K] {
	l := &Limiter[K]{limit: limit, now: now, seed: maphash.MakeSeed()}
	for i := range l.shards {
		l.shards[i] = shard[K]{buckets: map[K]*rate.Limiter{}, sweepAt: firstSweep}
	}
	return l
}

// Take takes a token of key. Zero: there was one. Else it says how long to wait, and nothing was taken.
func (l *Limiter[K]) Take(key K) time.Duration {
	s := &l.shards[maphash.Comparable(l.seed, key)%shards]
	now := l.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[key]
	if b == nil {
		if len(s.buckets) >= s.sweepAt {
			s.sweep(now, float64(l.limit.Burst))
		}
		b = rate.NewLimiter(rate.Limit(l.limit.PerSecond), l.limit.Burst)
		s.buckets[key] = b
	}
	r := b.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	return wait
}

// sweep forgets the buckets that are full again: a new one would be the same.
func (s *shard[K]) sweep(now time.Time, full float64) {
	for key, b := range s.buckets {
		if b.TokensAt(now) >= full {
			delete(s.buckets, key)
		}
	}
	if len(s.buckets) >= maxBuckets {
		clear(s.buckets)
	}
	s.sweepAt = min(max(firstSweep, 2*len(s.buckets)), maxBuckets)
}

// Len returns how many keys are remembered.
func (l *Limiter[K]) Len() (n int) {
	for i := range l.shards {
		s := &l.shards[i]
		s.mu.Lock()
		n += len(s.buckets)
		s.mu.Unlock()
	}
	return n
}
