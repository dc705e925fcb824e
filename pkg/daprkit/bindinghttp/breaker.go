package bindinghttp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/sidecart/sidecart/pkg/fault"
)

// Breaker is a circuit breaker around a RoundTripper. It stands in the app, because at the component the callers' own
// cancellations and the provider's declines would open it.
//
//	closed ──Failures in a row──▶ open ──OpenFor──▶ half-open ──one good answer──▶ closed
//	                               ▲──────────one more failure──────┘
//
// A failure is a 5xx, nothing sent, or an unknown outcome; any other answer is a success; what the caller gave up counts as
// neither.
type Breaker struct {
	next http.RoundTripper
	cb   *gobreaker.TwoStepCircuitBreaker[any]
	name string
}

// BreakerOptions of a Breaker. The zero value works.
type BreakerOptions struct {
	Name     string                      // for errors and OnChange
	Failures uint32                      // in a row, until it opens; zero: 5
	OpenFor  time.Duration               // until it lets one request pass again; zero: 10 s
	OnChange func(name, from, to string) // told of each change, within a request; must not call the Breaker; nil: nobody
}

// NewBreaker wraps next.
func NewBreaker(next http.RoundTripper, o BreakerOptions) *Breaker {
	if o.Failures == 0 {
		o.Failures = 5
	}
	if o.OpenFor <= 0 {
		o.OpenFor = 10 * time.Second
	}
	st := gobreaker.Settings{
		Name: o.Name, MaxRequests: 1, Timeout: o.OpenFor,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= o.Failures },
		IsExcluded:  func(err error) bool { return errors.Is(err, errGivenUp) },
	}
	if o.OnChange != nil {
		st.OnStateChange = func(name string, from, to gobreaker.State) { o.OnChange(name, from.String(), to.String()) }
	}
	return &Breaker{next: next, cb: gobreaker.NewTwoStepCircuitBreaker[any](st), name: o.Name}
}

var (
	errGivenUp = errors.New("the caller gave up")
	errAnswer  = errors.New("the provider failed")
)

// State is "closed", "open" or "half-open".
func (b *Breaker) State() string { return b.cb.State().String() }

// RoundTrip implements http.RoundTripper. While the breaker is open it answers fault.Unavailable with code "circuit-open".
func (b *Breaker) RoundTrip(req *http.Request) (*http.Response, error) {
	done, err := b.cb.Allow()
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close() // nothing was read
		}
		return nil, fault.New(fault.Unavailable, "circuit-open", "the provider is failing and is given a rest").
			WithCause(fmt.Errorf("%s: %w", b.name, err))
	}
	verdict := errAnswer // also when next panics
	defer func() { done(verdict) }()
	resp, err := b.next.RoundTrip(req)
	verdict = judge(req.Context(), resp, err)
	return resp, err
}

func judge(ctx context.Context, resp *http.Response, err error) error {
	switch {
	case err != nil && ctx.Err() != nil:
		return errGivenUp
	case err != nil:
		return err
	case resp.StatusCode >= http.StatusInternalServerError:
		return errAnswer
	}
	return nil
}
