package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/ledger"
	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/merchant"
	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/settlement"
)

// switches routes what no real gateway has. There are no credentials, so pages of other origins are kept out.
func (s *Server) switches(mux *http.ServeMux) {
	own := http.NewCrossOriginProtection()
	handle := func(pattern string, h func(*http.Request) (int, any, error)) {
		mux.Handle(pattern, own.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			status, answer, err := h(r)
			if err != nil {
				status, answer = statusOf(err), map[string]string{"error": err.Error()}
			}
			if err == nil && r.Method == http.MethodPost && strings.Contains(r.Header.Get("Accept"), "text/html") {
				http.Redirect(w, r, "/", http.StatusSeeOther) // a button of the page
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			if answer != nil {
				_ = json.NewEncoder(w).Encode(answer) // the caller has gone
			}
		})))
	}
	handle("GET /healthz", func(*http.Request) (int, any, error) {
		return http.StatusOK, map[string]string{"status": "ok"}, s.store.Err()
	})
	handle("GET /_sim/books", func(*http.Request) (int, any, error) { return s.books() })
	handle("GET /_sim/faults", func(*http.Request) (int, any, error) {
		return http.StatusOK, map[string]any{"items": s.faults.all()}, nil
	})
	handle("POST /_sim/faults", s.orderFault)
	handle("DELETE /_sim/faults", func(*http.Request) (int, any, error) {
		return http.StatusOK, map[string]int{"removed": s.faults.remove(0)}, nil
	})
	handle("DELETE /_sim/faults/{id}", s.dropFault)
	handle("POST /_sim/settle", s.settle)
	handle("POST /_sim/expire", s.expire)
	handle("GET /_sim/clock", s.clockNow)
	handle("POST /_sim/clock", s.turnClock)
	handle("POST /_sim/disburse", s.disburse)
	handle("GET /_sim/disputes", s.allDisputes)
	handle("POST /_sim/disputes", s.openDispute)
	handle("POST /_sim/disputes/{id}", s.changeDispute)
	handle("GET /_sim/webhooks", s.allNotices)
	handle("POST /_sim/webhooks", s.notify)
	handle("POST /_sim/webhooks/{id}/resend", s.resend)
	handle("GET /_sim/settings", func(*http.Request) (int, any, error) { return http.StatusOK, s.settingsNow(), nil })
	handle("PUT /_sim/settings", s.changeSettings)
}

// errInput is a switch's request that cannot be understood.
var errInput = errors.New("bad request")

func statusOf(err error) int {
	var refusal *ledger.Refusal
	switch {
	case errors.Is(err, errInput):
		return http.StatusBadRequest
	case errors.Is(err, ledger.ErrNotFound):
		return http.StatusNotFound
	case errors.As(err, &refusal):
		return http.StatusUnprocessableEntity
	}
	return http.StatusInternalServerError
}

// read decodes a JSON body, which may be missing; unknown members are errors.
func read(r *http.Request, into any) error {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") && r.ContentLength == 0 {
		return nil
	}
	d := json.NewDecoder(io.LimitReader(r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %w", errInput, err)
	}
	return nil
}

func (s *Server) orderFault(r *http.Request) (int, any, error) {
	var f Fault
	if err := read(r, &f); err != nil {
		return 0, nil, err
	}
	f, err := s.faults.add(f)
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %w", errInput, err)
	}
	s.log.Info("fault ordered", "id", f.ID, "kind", f.Kind, "operation", f.Operation, "order_id", f.OrderID, "count", f.Count, "rate", f.Rate)
	return http.StatusCreated, f, nil
}

func (s *Server) dropFault(r *http.Request) (int, any, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id < 1 || s.faults.remove(id) == 0 {
		return 0, nil, fmt.Errorf("fault %q: %w", r.PathValue("id"), ledger.ErrNotFound)
	}
	return http.StatusOK, map[string]int{"removed": 1}, nil
}

// settle settles one transaction, all of one order, or, without a body, everything that was submitted.
func (s *Server) settle(r *http.Request) (int, any, error) {
	var q struct {
		ID      string `json:"id"`
		OrderID string `json:"order_id"`
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		if err := read(r, &q); err != nil {
			return 0, nil, err
		}
	}
	if q.ID == "" && q.OrderID == "" {
		n, err := settlement.Before(s.store, s.merchant, s.merchant.Now())
		return http.StatusOK, map[string]int{"settled": n}, err
	}
	settled := 0
	err := s.store.Update(func(b *ledger.Book) ([]ledger.Record, error) {
		ids := []string{q.ID}
		if q.ID == "" {
			ids = ids[:0]
			for _, t := range b.Search(ledger.Query{OrderID: &ledger.Text{Is: q.OrderID}}) {
				if _, err := t.Target(ledger.StepSettle); err == nil {
					ids = append(ids, t.ID)
				}
			}
		}
		var records []ledger.Record
		for _, id := range ids {
			_, made, err := b.Simulate(id, ledger.StepSettle, s.merchant.Terms())
			if err != nil {
				return nil, err
			}
			records = append(records, made...)
		}
		settled = len(ids)
		return records, nil
	})
	return http.StatusOK, map[string]int{"settled": settled}, err
}

// expire lets an authorisation run out, as a week would.
func (s *Server) expire(r *http.Request) (int, any, error) {
	var q struct {
		ID string `json:"id"`
	}
	if err := read(r, &q); err != nil {
		return 0, nil, err
	}
	err := s.store.Update(func(b *ledger.Book) ([]ledger.Record, error) {
		_, records, err := b.Simulate(q.ID, ledger.StepExpire, s.merchant.Terms())
		return records, err
	})
	return http.StatusOK, map[string]string{"expired": q.ID}, err
}

type settingsJSON struct {
	DuplicateWindow *string `json:"duplicate_window"`
	TestAmounts     *bool   `json:"test_amounts"`
	WebhookURL      *string `json:"webhook_url"`
}

func (s *Server) settingsNow() settingsJSON {
	now := s.merchant.Settings()
	window := now.DuplicateWindow.String()
	return settingsJSON{&window, &now.TestAmounts, &now.WebhookURL}
}

// changeSettings changes what the body names and keeps the rest.
func (s *Server) changeSettings(r *http.Request) (int, any, error) {
	var q settingsJSON
	if err := read(r, &q); err != nil {
		return 0, nil, err
	}
	next := s.merchant.Settings()
	if q.DuplicateWindow != nil {
		d, err := time.ParseDuration(*q.DuplicateWindow)
		if err != nil || d < 0 {
			return 0, nil, fmt.Errorf("%w: duplicate_window %q", errInput, *q.DuplicateWindow)
		}
		next.DuplicateWindow = d
	}
	if q.TestAmounts != nil {
		next.TestAmounts = *q.TestAmounts
	}
	if q.WebhookURL != nil {
		if err := merchant.CheckWebhookURL(*q.WebhookURL); err != nil {
			return 0, nil, fmt.Errorf("%w: %w", errInput, err)
		}
		next.WebhookURL = *q.WebhookURL
	}
	s.merchant.Set(next)
	return http.StatusOK, s.settingsNow(), nil
}
