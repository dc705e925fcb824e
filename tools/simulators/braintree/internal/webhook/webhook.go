// Package webhook sends the gateway's notifications to the merchant: signed as the real ones are, until they are taken with a 2xx.
//
// A notification waits in the journal from the decision that it tells of until it is delivered, so that neither a restart here nor
// one of the merchant's loses it. Notifications may arrive twice (an answer that was lost) and in any order, as the real ones do.
package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/ledger"
	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/merchant"
	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/store"
	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/wire"
)

const (
	lookEvery   = 500 * time.Millisecond
	waitForTake = 30 * time.Second // documented: an answer that takes longer is none
	lineLength  = 60
)

// Form is the body of a webhook: the notification in base64, in lines as the gateway breaks them, and its signature.
func Form(n *ledger.Notice, m *merchant.Merchant) url.Values {
	payload := lines(base64.StdEncoding.EncodeToString(wire.Notification(n, m.ID)))
	return url.Values{"bt_signature": {m.PublicKey + "|" + Digest(m.PrivateKey, payload)}, "bt_payload": {payload}}
}

// Digest is the HMAC of a text under the SHA-1 of the private key, as the public SDKs make it.
func Digest(privateKey, text string) string {
	key := sha1.Sum([]byte(privateKey))
	mac := hmac.New(sha1.New, key[:])
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

func lines(text string) string {
	var b strings.Builder
	for len(text) > lineLength {
		b.WriteString(text[:lineLength] + "\n")
		text = text[lineLength:]
	}
	b.WriteString(text + "\n")
	return b.String()
}

// Sender delivers what waits.
type Sender struct {
	Store    *store.Store
	Merchant *merchant.Merchant
	Client   *http.Client
	Log      *slog.Logger
}

// Run sends until ctx ends or the store fails. Without an address notifications wait.
func (s *Sender) Run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.Store.Failed():
			return
		case <-tick.C:
			if err := s.Send(ctx); err != nil && ctx.Err() == nil {
				s.Log.Error("webhooks stopped", "error", err)
				return
			}
		}
	}
}

// Send tries once to deliver each notification that is due, the oldest first.
func (s *Sender) Send(ctx context.Context) error {
	target := s.Merchant.Settings().WebhookURL
	if target == "" {
		return nil
	}
	var due []*ledger.Notice
	if err := s.Store.View(func(b *ledger.Book) { due = b.NoticesDue(s.Merchant.Now()) }); err != nil {
		return err
	}
	for _, n := range due {
		failure := ""
		if err := s.post(ctx, target, n); err != nil {
			failure = err.Error()
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.Log.Info("webhook", "id", n.ID, "kind", n.Kind, "failure", failure)
		err := s.Store.Update(func(b *ledger.Book) ([]ledger.Record, error) {
			return b.Tried(n.ID, failure, s.Merchant.Now().UTC()), nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Sender) post(ctx context.Context, target string, n *ledger.Notice) error {
	ctx, cancel := context.WithTimeout(ctx, waitForTake)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(Form(n, s.Merchant).Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("User-Agent", "Braintree-Webhooks")
	resp, err := s.Client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16)) // so that the connection can be used again
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("the merchant answered %d", resp.StatusCode)
	}
	return nil
}
