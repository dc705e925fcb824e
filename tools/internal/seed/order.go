package seed

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/tools/internal/seedshop"
	"github.com/sidecart/sidecart/tools/internal/shopclient"
)

// memory is the state file: which sample orders are bought, the secret that their Idempotency-Keys are made of, and which
// prices were written. The secret is written before the first call, so that a run that dies goes on with the same keys and
// buys nothing twice. Prices are remembered because the shop announces whatever is put, changed or not.
type memory struct {
	mu     sync.Mutex
	path   string
	Secret string            `json:"secret"`
	Orders map[string]string `json:"orders"` // e-mail address of the sample customer → order id
	Prices map[string]string `json:"prices"` // path and part → digest of what was sent last
}

func (m *memory) load(path string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.path != "" {
		return nil
	}
	raw, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		m.Secret = rand.Text()
	case err != nil:
		return err
	default:
		if err := json.Unmarshal(raw, m); err != nil || m.Secret == "" {
			return fmt.Errorf("%s is damaged (%w): remove it to buy the sample orders anew", path, err)
		}
	}
	if m.Orders == nil {
		m.Orders = map[string]string{}
	}
	if m.Prices == nil {
		m.Prices = map[string]string{}
	}
	m.path = path
	return m.save()
}

func (m *memory) save() error {
	raw, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	tmp := m.path + ".new"
	if err := os.WriteFile(tmp, append(raw, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, m.path)
}

func (m *memory) bought(email string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.Orders[email] != ""
}

func (m *memory) note(email, order string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.Orders[email] = order
	return m.save()
}

// written reports whether exactly this was written before under the name.
func (m *memory) written(name, digest string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.Prices[name] == digest
}

func (m *memory) noteWritten(name, digest string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.Prices[name] = digest
	return m.save()
}

func (m *memory) key(email, step string) string {
	mac := hmac.New(sha256.New, []byte(m.Secret))
	mac.Write([]byte(email + "\n" + step))
	return hex.EncodeToString(mac.Sum(nil))
}

// cancelEvery is how seldom a sample order is taken back again.
const cancelEvery = 12

// orders buys the baskets as guests do, each once.
func (r *runner) orders() (calls []call) {
	for n, b := range r.shop.Baskets {
		calls = append(calls, func(ctx context.Context) error {
			if r.memory.bought(b.Email) {
				return nil
			}
			if err := r.buy(ctx, b, n%cancelEvery == cancelEvery/2); err != nil {
				return fmt.Errorf("order of %s: %w", b.Email, err)
			}
			return nil
		})
	}
	return calls
}

func (r *runner) buy(ctx context.Context, b seedshop.Basket, cancel bool) error {
	g := shopclient.Guest{
		Email: b.Email, Currency: b.Currency, Nonce: "fake-valid-nonce",
		Address: orderapi.Address{Name: b.Address.Name, Line1: b.Address.Line1, City: b.Address.City, Region: b.Address.Region,
			PostalCode: b.Address.PostalCode, Country: b.Address.Country},
		Keys: func(step string) string { return r.memory.key(b.Email, step) },
	}
	for _, l := range b.Lines {
		g.Items = append(g.Items, shopclient.Item{SKU: l.SKU, Quantity: l.Quantity})
	}
	o, err := r.Guest.Buy(ctx, g)
	if err != nil {
		return err
	}
	if cancel {
		if _, err := r.Guest.Cancel(ctx, o, "changed my mind", r.memory.key(b.Email, "cancel")); err != nil {
			return err
		}
	}
	return r.memory.note(b.Email, o.ID)
}
