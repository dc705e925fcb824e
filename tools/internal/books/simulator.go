package books

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// readSimulator reads the simulator's own books: GET /_sim/books.
func readSimulator(ctx context.Context, base string, s *Snapshot) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/_sim/books", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", req.URL, resp.Status)
	}
	var books struct {
		Transactions []struct {
			ID         string `json:"id"`
			Type       string `json:"type"`
			Status     string `json:"status"`
			OrderID    string `json:"order_id"`
			Channel    string `json:"channel"` // our reference of a clone, which has the order id of its origin
			Currency   string `json:"currency"`
			Authorized int64  `json:"authorized_minor"`
			Captured   int64  `json:"captured_minor"`
			Refunded   int64  `json:"refunded_minor"`
			Parent     string `json:"authorized_transaction_id"`
			History    []struct {
				At time.Time `json:"at"`
			} `json:"history"`
		} `json:"transactions"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&books); err != nil {
		return fmt.Errorf("%s: %w", req.URL, err)
	}
	at := map[string]int{}
	for _, t := range books.Transactions { // oldest first: a part comes after its authorisation
		tx := Transaction{ID: t.ID, Type: t.Type, Status: t.Status, Payment: cmp.Or(t.Channel, t.OrderID), Currency: t.Currency,
			Authorised: t.Authorized, Captured: t.Captured, Refunded: t.Refunded}
		if n := len(t.History); n > 0 {
			tx.At = t.History[n-1].At
		}
		if i, ok := at[t.Parent]; ok {
			parent := &s.Transactions[i]
			parent.Parts, parent.Captured, parent.Refunded = parent.Parts+1, parent.Captured+tx.Captured, parent.Refunded+tx.Refunded
			tx.Payment = parent.Payment
		}
		at[t.ID] = len(s.Transactions)
		s.Transactions = append(s.Transactions, tx)
	}
	return nil
}
