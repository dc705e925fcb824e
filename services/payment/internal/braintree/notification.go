package braintree

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
)

// Keys are the API keys with which the gateway signs notifications: private by public. Several, while keys are rotated.
type Keys map[string]string

// ParseKeys reads "public:private,public:private". Nothing is no keys: then every notification is refused.
func ParseKeys(text string) (Keys, error) {
	keys := Keys{}
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		public, private, ok := strings.Cut(part, ":")
		if !ok || public == "" || private == "" || strings.ContainsAny(public, "|&") {
			return nil, fmt.Errorf("webhook keys must be public:private, with commas between them") // what was given is a secret
		}
		if _, twice := keys[public]; twice {
			return nil, fmt.Errorf("the webhook key %s stands twice", public)
		}
		keys[public] = private
	}
	return keys, nil
}

// digest is the HMAC-SHA1 of a text under the SHA-1 of a private key, as the official SDKs make it.
func digest(private, text string) string {
	key := sha1.Sum([]byte(private))
	mac := hmac.New(sha1.New, key[:])
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

// The forms of a challenge and of a payload. Source: the official SDKs.
var (
	challengeForm = regexp.MustCompile(`^[a-f0-9]{20,32}$`)
	payloadForm   = regexp.MustCompile(`^[A-Za-z0-9+=/\r\n]+$`)
)

// Challenge answers the gateway's question whether this address takes notifications. Of several keys any will do; it is the same one
// each time.
func (k Keys) Challenge(challenge string) (string, error) {
	if !challengeForm.MatchString(challenge) || len(k) == 0 {
		return "", app.ErrSignature
	}
	public := ""
	for p := range k {
		public = max(public, p)
	}
	return public + "|" + digest(k[public], challenge), nil
}

// Parse checks the signature of a notification over the payload as it came, and reads it. Faults: app.ErrSignature, app.ErrNotification.
func (k Keys) Parse(signature, payload string) (payment.Notification, error) {
	if !payloadForm.MatchString(payload) || !k.signed(signature, payload) {
		return payment.Notification{}, app.ErrSignature
	}
	raw, err := base64.StdEncoding.DecodeString(payload) // it skips the ends of lines
	if err != nil {
		return payment.Notification{}, app.ErrNotification.WithCause(err)
	}
	var n notification
	if err := xml.Unmarshal(raw, &n); err != nil {
		return payment.Notification{}, app.ErrNotification.WithCause(err)
	}
	sum := sha256.Sum256(raw)
	out, err := n.value(hex.EncodeToString(sum[:]))
	if err != nil {
		return payment.Notification{}, app.ErrNotification.WithCause(err)
	}
	return out, nil
}

// signed looks among the pairs "public|digest" for one of ours. The gateway signs with all keys of the merchant. A line's end that
// was lost or added behind the payload is forgiven, as by the official SDKs.
func (k Keys) signed(signature, payload string) bool {
	good := false
	for pair := range strings.SplitSeq(signature, "&") {
		public, given, ok := strings.Cut(strings.TrimSpace(pair), "|")
		private, ours := k[public]
		if !ok || !ours {
			continue
		}
		for _, text := range []string{payload, payload + "\n"} {
			good = hmac.Equal([]byte(digest(private, text)), []byte(given)) || good
		}
	}
	return good
}

// notification is the XML of one. What may be nil there stands as text here.
type notification struct {
	XMLName   xml.Name  `xml:"notification"`
	Timestamp time.Time `xml:"timestamp"`
	Kind      string    `xml:"kind"`
	Subject   struct {
		Dispute      *disputeXML      `xml:"dispute"`
		Disbursement *disbursementXML `xml:"disbursement"`
		Transaction  *struct {
			ID string `xml:"id"`
		} `xml:"transaction"`
	} `xml:"subject"`
}

type disputeXML struct {
	ID             string `xml:"id"`
	Amount         string `xml:"amount"` // of older accounts
	AmountDisputed string `xml:"amount-disputed"`
	AmountWon      string `xml:"amount-won"`
	Currency       string `xml:"currency-iso-code"`
	CaseNumber     string `xml:"case-number"`
	Kind           string `xml:"kind"`
	Account        string `xml:"merchant-account-id"`
	Reason         string `xml:"reason"`
	ReasonCode     string `xml:"reason-code"`
	ReplyBy        string `xml:"reply-by-date"`
	Received       string `xml:"received-date"`
	Created        string `xml:"created-at"`
	Updated        string `xml:"updated-at"`
	Status         string `xml:"status"`
	Transaction    struct {
		ID      string `xml:"id"`
		OrderID string `xml:"order-id"`
	} `xml:"transaction"`
}

type disbursementXML struct {
	ID        string   `xml:"id"`
	Amount    string   `xml:"amount"`
	Day       string   `xml:"disbursement-date"`
	Success   bool     `xml:"success"`
	Retry     bool     `xml:"retry"`
	Exception string   `xml:"exception-message"`
	FollowUp  string   `xml:"follow-up-action"`
	IDs       []string `xml:"transaction-ids>item"`
	Account   struct {
		ID       string `xml:"id"`
		Currency string `xml:"currency-iso-code"`
	} `xml:"merchant-account"`
}

func (n notification) value(id string) (payment.Notification, error) {
	out := payment.Notification{ID: id, Kind: n.Kind, At: n.Timestamp.UTC()}
	if n.Kind == "" || n.Timestamp.IsZero() {
		return out, fmt.Errorf("a notification without kind or time")
	}
	var err error
	switch {
	case strings.HasPrefix(n.Kind, "dispute_") && n.Subject.Dispute != nil:
		var r payment.DisputeReport
		r, err = n.Subject.Dispute.report(out.At)
		out.Dispute = &r
	case strings.HasPrefix(n.Kind, "disbursement") && n.Subject.Disbursement != nil:
		out.Disbursement, err = n.Subject.Disbursement.value(n.Kind, out.At)
	case (n.Kind == "transaction_settled" || n.Kind == "transaction_settlement_declined") && n.Subject.Transaction != nil:
		out.TransactionID = n.Subject.Transaction.ID
	}
	return out, err
}

func (d disputeXML) report(at time.Time) (payment.DisputeReport, error) {
	r := payment.DisputeReport{DisputeID: d.ID, TransactionID: d.Transaction.ID, Reference: d.Transaction.OrderID, Account: d.Account, Status: payment.DisputeStatus(d.Status),
		Kind: d.Kind, Reason: d.Reason, ReasonCode: d.ReasonCode, CaseNumber: d.CaseNumber, At: at}
	if d.ID == "" || !r.Status.Known() {
		return r, fmt.Errorf("dispute %q has the status %q", d.ID, d.Status)
	}
	currency, err := money.ParseCurrency(d.Currency)
	if err != nil {
		return r, fmt.Errorf("dispute %s: %w", d.ID, err)
	}
	disputed := d.AmountDisputed
	if disputed == "" {
		disputed = d.Amount
	}
	if r.Amount, err = exact(disputed, currency); err != nil {
		return r, fmt.Errorf("dispute %s: %w", d.ID, err)
	}
	if r.Won, err = exact(d.AmountWon, currency); err != nil {
		return r, fmt.Errorf("dispute %s: %w", d.ID, err)
	}
	if r.ReplyBy, err = dayOf(d.ReplyBy); err != nil {
		return r, fmt.Errorf("dispute %s: %w", d.ID, err)
	}
	if r.OpenedAt, err = time.Parse(time.RFC3339, d.Created); err != nil { // older accounts have the day only
		if r.OpenedAt, err = dayOf(d.Received); err != nil {
			return r, fmt.Errorf("dispute %s: %w", d.ID, err)
		}
	}
	return r, nil
}

func (d disbursementXML) value(kind string, at time.Time) (*payment.Disbursement, error) {
	out := &payment.Disbursement{ID: d.ID, Account: d.Account.ID, Success: d.Success, Retry: d.Retry, Exception: d.Exception, FollowUp: d.FollowUp,
		TransactionIDs: d.IDs, NotifiedAt: at, NotificationKind: kind}
	currency, err := money.ParseCurrency(d.Account.Currency)
	if err == nil {
		out.Amount, err = exact(d.Amount, currency)
	}
	if err == nil {
		out.Day, err = dayOf(d.Day)
	}
	if err == nil && d.ID == "" {
		err = fmt.Errorf("a disbursement without id")
	}
	if err != nil {
		return nil, fmt.Errorf("disbursement %s: %w", d.ID, err)
	}
	return out, nil
}

// dayOf reads a day, which may come with a time; nothing is the zero time.
func dayOf(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at.UTC().Truncate(24 * time.Hour), nil
	}
	return time.Parse(time.DateOnly, text)
}
