package app

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/sidecart/sidecart/pkg/fault"
)

// How often one checkout may try to pay: a few times at once, then slowly. It stops those who try stolen cards one after the
// other; a shopper with three cards never meets it. It counts attempts, not calls: repeats of a call join or replay.
const (
	limitBurst = 5
	limitEvery = 10 * time.Second
	limitKept  = 10_000 // checkouts that are remembered; then those that have recovered are forgotten
)

var errTooMany = fault.New(fault.RateLimited, "rate-limited", "Too many attempts to pay: wait a little.").WithRetryAfter(limitEvery)

// limiter counts within this process: several replicas allow as many times more.
type limiter struct {
	mu   sync.Mutex
	each map[string]*rate.Limiter
}

func newLimiter() *limiter { return &limiter{each: map[string]*rate.Limiter{}} }

func (l *limiter) allow(id string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.each[id]
	if one == nil {
		if len(l.each) >= limitKept {
			for other, r := range l.each {
				if r.TokensAt(now) >= limitBurst {
					delete(l.each, other)
				}
			}
		}
		one = rate.NewLimiter(rate.Every(limitEvery), limitBurst)
		l.each[id] = one
	}
	return one.AllowN(now, 1)
}
