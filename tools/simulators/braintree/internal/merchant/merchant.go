// Package merchant is the one merchant whom the simulator serves: credentials, merchant accounts, and the settings that
// the real merchant would find in the Control Panel. Settings change while the simulator runs and are not kept over a
// restart: the command line decides anew. How far the clock was turned is kept, by the journal.
package merchant

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/ledger"
)

// DefaultDuplicateWindow is the documented default of the duplicate transaction check.
const DefaultDuplicateWindow = 30 * time.Second

// Settings are the merchant's choices.
type Settings struct {
	DuplicateWindow time.Duration // 0: no duplicate check
	TestAmounts     bool          // the documented sandbox amounts decide about sales
	WebhookURL      string        // where notifications go; empty: they wait
}

// Merchant is safe for concurrent use.
type Merchant struct {
	ID, PublicKey, PrivateKey string
	Accounts                  []ledger.Account // the first is the default

	clock    func() time.Time
	mu       sync.Mutex
	ahead    time.Duration // how far the gateway's clock was turned
	settings Settings
}

// New checks the merchant; every value is required.
func New(id, public, private string, accounts []ledger.Account, now func() time.Time, s Settings) (*Merchant, error) {
	switch {
	case id == "" || public == "" || private == "":
		return nil, errors.New("merchant id, public key and private key are required")
	case strings.ContainsAny(id, "/?#% ") || strings.Contains(public, ":"):
		return nil, errors.New("the merchant id must fit a path, the public key a basic-auth user name")
	case len(accounts) == 0:
		return nil, errors.New("at least one merchant account is required")
	}
	if err := CheckWebhookURL(s.WebhookURL); err != nil {
		return nil, err
	}
	return &Merchant{ID: id, PublicKey: public, PrivateKey: private, Accounts: accounts, clock: now, settings: s}, nil
}

// Now is the gateway's clock: the real one, and as much further as it was turned.
func (m *Merchant) Now() time.Time { return m.clock().Add(m.Ahead()) }

// Ahead answers how far the clock was turned.
func (m *Merchant) Ahead() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ahead
}

// Turn sets how far the clock is ahead of the real one.
func (m *Merchant) Turn(ahead time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ahead = ahead
}

// CheckWebhookURL tells whether notifications can go there; empty is nowhere.
func CheckWebhookURL(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("webhook URL %q is not an http address", text)
	}
	return nil
}

// Settings answers the present settings.
func (m *Merchant) Settings() Settings {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.settings
}

// Set replaces the settings.
func (m *Merchant) Set(s Settings) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.settings = s
}

// Terms are what a decision of the ledger needs, at the gateway's present time to the millisecond.
func (m *Merchant) Terms() ledger.Terms {
	s := m.Settings()
	return ledger.Terms{Now: m.Now().UTC().Truncate(time.Millisecond), NewID: newID, Accounts: m.Accounts, DuplicateWindow: s.DuplicateWindow, TestAmounts: s.TestAmounts}
}

// KeysMatch compares credentials in constant time.
func (m *Merchant) KeysMatch(public, private string) bool {
	return subtle.ConstantTimeCompare([]byte(public), []byte(m.PublicKey))&subtle.ConstantTimeCompare([]byte(private), []byte(m.PrivateKey)) == 1
}

// newID makes ids like the real ones: eight characters of lower-case letters and digits.
func newID() string {
	const alphabet = "0123456789abcdefghjkmnpqrstvwxyz" // 32: a byte's low five bits choose evenly
	var raw [8]byte
	_, _ = rand.Read(raw[:]) // never fails: crypto/rand aborts the program instead
	for i, b := range raw {
		raw[i] = alphabet[b&31]
	}
	return string(raw[:])
}

// ParseAccounts reads "sidecart-usd=USD,sidecart-eur=EUR": id, then ISO 4217 code; the first is the default.
func ParseAccounts(text string) ([]ledger.Account, error) {
	form := regexp.MustCompile(`^([A-Za-z0-9_-]{1,32})=([A-Z]{3})$`)
	var accounts []ledger.Account
	for part := range strings.SplitSeq(text, ",") {
		m := form.FindStringSubmatch(strings.TrimSpace(part))
		if m == nil {
			return nil, fmt.Errorf("merchant account %q is not of the form id=CUR", part)
		}
		if slices.ContainsFunc(accounts, func(a ledger.Account) bool { return a.ID == m[1] }) {
			return nil, fmt.Errorf("merchant account %q is named twice", m[1])
		}
		accounts = append(accounts, ledger.Account{ID: m[1], Currency: m[2]})
	}
	return accounts, nil
}
