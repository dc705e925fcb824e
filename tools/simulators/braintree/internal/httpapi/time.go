package httpapi

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/ledger"
	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/settlement"
	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/webhook"
)

// clockNow tells the gateway's time.
func (s *Server) clockNow(*http.Request) (int, any, error) {
	return http.StatusOK, map[string]any{"now": s.merchant.Now().UTC(), "ahead": s.merchant.Ahead().String()}, nil
}

// turnClock moves the gateway's clock on, never back, and does what the time between would have done.
func (s *Server) turnClock(r *http.Request) (int, any, error) {
	q := struct {
		Advance string `json:"advance"`
	}{Advance: r.FormValue("advance")}
	if q.Advance == "" {
		if err := read(r, &q); err != nil {
			return 0, nil, err
		}
	}
	by, err := time.ParseDuration(q.Advance)
	if err != nil || by <= 0 {
		return 0, nil, fmt.Errorf("%w: advance %q must be a duration above zero, such as 24h", errInput, q.Advance)
	}
	settled, err := settlement.Turn(s.store, s.merchant, by, s.SettleAfter)
	return http.StatusOK, map[string]any{"now": s.merchant.Now().UTC(), "ahead": s.merchant.Ahead().String(), "settled": settled}, err
}

// disburse pays out what has settled up to now, or fails to with an exception.
func (s *Server) disburse(r *http.Request) (int, any, error) {
	var q struct {
		Exception string `json:"exception"`
	}
	if err := read(r, &q); err != nil {
		return 0, nil, err
	}
	if !slices.Contains([]string{"", "bank_rejected", "insufficient_funds", "account_not_authorized"}, q.Exception) {
		return 0, nil, fmt.Errorf("%w: exception %q", errInput, q.Exception)
	}
	made := []*ledger.Disbursement{}
	err := s.store.Update(func(b *ledger.Book) ([]ledger.Record, error) {
		records := b.Disburse(s.merchant.Now().Add(time.Second), q.Exception, s.merchant.Terms())
		for _, r := range records {
			if r.Disbursement != nil {
				made = append(made, r.Disbursement)
			}
		}
		return records, nil
	})
	return http.StatusOK, map[string]any{"items": made}, err
}

// openDispute is what a cardholder does at their bank.
func (s *Server) openDispute(r *http.Request) (int, any, error) {
	var q struct {
		Transaction string `json:"transaction_id"`
		Amount      string `json:"amount"`
		Kind        string `json:"kind"`
		Reason      string `json:"reason"`
		ReasonCode  string `json:"reason_code"`
		ReplyBy     string `json:"reply_by_date"`
	}
	if err := read(r, &q); err != nil {
		return 0, nil, err
	}
	var d *ledger.Dispute
	err := s.store.Update(func(b *ledger.Book) (records []ledger.Record, err error) {
		d, records, err = b.OpenDispute(ledger.DisputeRequest(q), s.merchant.Terms())
		return records, err
	})
	return http.StatusCreated, disputeView(d), err
}

// changeDispute is what the bank decides.
func (s *Server) changeDispute(r *http.Request) (int, any, error) {
	var q struct {
		Status ledger.DisputeStatus `json:"status"`
	}
	if err := read(r, &q); err != nil {
		return 0, nil, err
	}
	var d *ledger.Dispute
	err := s.store.Update(func(b *ledger.Book) (records []ledger.Record, err error) {
		d, records, err = b.ChangeDispute(r.PathValue("id"), q.Status, s.merchant.Terms())
		return records, err
	})
	return http.StatusOK, disputeView(d), err
}

func disputeView(d *ledger.Dispute) map[string]any {
	if d == nil {
		return nil
	}
	return map[string]any{"id": d.ID, "transaction_id": d.Transaction, "order_id": d.OrderID, "status": d.Status, "kind": d.Kind, "reason": d.Reason,
		"amount": d.Amount.Decimal(), "currency": d.Amount.Currency, "reply_by_date": d.ReplyBy.Format(time.DateOnly)}
}

func (s *Server) allDisputes(*http.Request) (int, any, error) {
	all := []map[string]any{}
	err := s.store.View(func(b *ledger.Book) {
		for _, d := range b.Disputes() {
			all = append(all, disputeView(d))
		}
	})
	return http.StatusOK, map[string]any{"items": all}, err
}

// noticeView is a notification, with its form when it is asked for alone.
func noticeView(n *ledger.Notice) map[string]any {
	v := map[string]any{"id": n.ID, "kind": n.Kind, "at": n.At, "tries": n.Tries, "delivered": !n.Delivered.IsZero(), "given_up": n.GivenUp}
	if n.Failure != "" {
		v["failure"] = n.Failure
	}
	return v
}

func (s *Server) allNotices(*http.Request) (int, any, error) {
	all := []map[string]any{}
	err := s.store.View(func(b *ledger.Book) {
		for _, n := range b.Notices() {
			v := noticeView(n)
			form := webhook.Form(n, s.merchant)
			v["bt_signature"], v["bt_payload"] = form.Get("bt_signature"), form.Get("bt_payload")
			all = append(all, v)
		}
	})
	return http.StatusOK, map[string]any{"items": all}, err
}

// notify makes a notification of a kind, as the button of the real control panel does with check.
func (s *Server) notify(r *http.Request) (int, any, error) {
	var q struct {
		Kind        string `json:"kind"`
		Transaction string `json:"transaction_id"`
	}
	if err := read(r, &q); err != nil {
		return 0, nil, err
	}
	if !slices.Contains([]string{ledger.NoticeCheck, ledger.NoticeSettled, ledger.NoticeSettlementDeclined}, q.Kind) || (q.Kind == ledger.NoticeCheck) != (q.Transaction == "") {
		return 0, nil, fmt.Errorf("%w: kind must be check, or transaction_settled or transaction_settlement_declined with a transaction_id", errInput)
	}
	return s.noticed(http.StatusCreated, func(b *ledger.Book) (*ledger.Notice, []ledger.Record, error) {
		return b.Notify(q.Kind, q.Transaction, s.merchant.Terms())
	})
}

func (s *Server) resend(r *http.Request) (int, any, error) {
	return s.noticed(http.StatusOK, func(b *ledger.Book) (*ledger.Notice, []ledger.Record, error) {
		return b.Resend(r.PathValue("id"), s.merchant.Terms())
	})
}

func (s *Server) noticed(status int, decide func(*ledger.Book) (*ledger.Notice, []ledger.Record, error)) (int, any, error) {
	var n *ledger.Notice
	err := s.store.Update(func(b *ledger.Book) (records []ledger.Record, err error) {
		n, records, err = decide(b)
		return records, err
	})
	if err != nil {
		return 0, nil, err
	}
	return status, noticeView(n), nil
}
