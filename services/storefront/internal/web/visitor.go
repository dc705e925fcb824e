package web

import (
	"context"
	"crypto/rand"
	"net/http"
	"regexp"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/search/searchapi"
)

// visitorCookie is the random name by which tests of rules know a browser. It is made only where the shop tests rules (Config.Tests): the law of some countries wants a consent first.
const (
	visitorCookie = "__Host-visitor"
	visitorDays   = 30
)

var visitorName = regexp.MustCompile(`^[A-Z2-7]{26}$`)

// visitor is the browser's name, "" where the shop tests nothing. One that is new is kept with the answer.
func (s *Shop) visitor(w http.ResponseWriter, r *http.Request) string {
	if !s.Tests {
		return ""
	}
	name := cookie(r, visitorCookie)
	if !visitorName.MatchString(name) {
		name = rand.Text()
		keep(w, visitorCookie, name, visitorDays)
	}
	return name
}

// What is told of visitors waits here, and is lost when search does not take it in time: no page waits for it.
const (
	untold   = 1000
	tellTime = 2 * time.Second
)

// did says what a browser that has a name did.
func (s *Shop) did(r *http.Request, what, order string, value *money.Amount) {
	name := cookie(r, visitorCookie)
	if !s.Tests || !visitorName.MatchString(name) {
		return
	}
	select {
	case s.deeds <- searchapi.Interaction{Visitor: name, Type: what, OrderID: order, Value: value}:
	default:
	}
}

// Run tells search of what visitors do until ctx ends.
func (s *Shop) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case d := <-s.deeds:
			call, cancel := context.WithTimeout(ctx, tellTime)
			if err := s.Services.Interact(call, d); err != nil && ctx.Err() == nil {
				s.Log.WarnContext(ctx, "what a visitor did is not counted", "error", err)
			}
			cancel()
		}
	}
}
