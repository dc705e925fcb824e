package braintree_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	bt "github.com/braintree-go/braintree-go"

	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/braintree"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
	"github.com/sidecart/sidecart/services/payment/internal/paymenttest"
)

var ours = braintree.Keys{"pub": "priv", "pub2": "priv2"}

// sdk signs as the public client library does.
func sdk(public, private string) *bt.WebhookTestingGateway {
	return bt.New(bt.NewEnvironment("http://x"), "m", public, private).WebhookTesting()
}

func signed(t *testing.T, public, private, payload string) string {
	t.Helper()
	signature, err := sdk(public, private).SignPayload(payload)
	if err != nil {
		t.Fatal(err)
	}
	return signature
}

// The samples of the public library, each signed by it.
func TestNotificationsOfTheLibraryAreRead(t *testing.T) {
	t.Parallel()
	for kind, look := range map[string]func(n payment.Notification) bool{
		bt.CheckWebhook: func(n payment.Notification) bool {
			return n.Dispute == nil && n.Disbursement == nil && n.TransactionID == ""
		},
		bt.DisputeOpenedWebhook: func(n payment.Notification) bool {
			d := n.Dispute
			return d != nil && d.DisputeID == "x1" && d.TransactionID == "x1" && d.Status == payment.DisputeOpen && d.Amount == usd(25000) && d.Kind == "chargeback" &&
				d.ReplyBy.Format(time.DateOnly) == "2014-03-21" && d.At.Equal(n.At) && d.OpenedAt.Format(time.DateOnly) == "2014-03-01"
		},
		bt.DisputeLostWebhook: func(n payment.Notification) bool { return n.Dispute != nil && n.Dispute.Status == payment.DisputeLost },
		bt.DisputeWonWebhook:  func(n payment.Notification) bool { return n.Dispute != nil && n.Dispute.Status == payment.DisputeWon },
		bt.DisbursementWebhook: func(n payment.Notification) bool {
			d := n.Disbursement
			return d != nil && d.ID == "x1" && d.Success && d.Amount == usd(10000) && d.Day.Format(time.DateOnly) == "2014-02-10" && len(d.TransactionIDs) == 2
		},
		bt.DisbursementExceptionWebhook: func(n payment.Notification) bool {
			d := n.Disbursement
			return d != nil && !d.Success && d.Exception == "bank_rejected" && d.FollowUp == "update_funding_information"
		},
		bt.TransactionSettledWebhook:            func(n payment.Notification) bool { return n.TransactionID == "x1" },
		bt.TransactionSettlementDeclinedWebhook: func(n payment.Notification) bool { return n.TransactionID == "x1" },
		bt.SubscriptionCanceledWebhook:          func(n payment.Notification) bool { return n.Dispute == nil && n.TransactionID == "" },
	} {
		payload := sdk("pub", "priv").SamplePayload(kind, "x1")
		n, err := ours.Parse(signed(t, "pub", "priv", payload), payload)
		if err != nil || n.Kind != kind || n.ID == "" || !look(n) {
			t.Errorf("%s: %+v %v", kind, n, err)
		}
	}
}

func TestSignatures(t *testing.T) {
	t.Parallel()
	payload := sdk("pub", "priv").SamplePayload(bt.DisputeOpenedWebhook, "x1")
	lines := payload[:60] + "\n" + payload[60:] + "\n"
	good := signed(t, "pub", "priv", payload)
	other := sdk("pub", "priv").SamplePayload(bt.DisputeOpenedWebhook, "x2")
	for name, tc := range map[string]struct {
		signature, payload string
		good               bool
	}{
		"ours":                       {good, payload, true},
		"another of our keys":        {signed(t, "pub2", "priv2", payload), payload, true},
		"among others":               {"stranger|beef&" + good + "&x|y", payload, true},
		"with ends of lines":         {signed(t, "pub", "priv", lines), lines, true},
		"the last end was lost":      {signed(t, "pub", "priv", lines), strings.TrimSuffix(lines, "\n"), true},
		"nothing":                    {"", "", false},
		"no signature":               {"", payload, false},
		"no payload":                 {good, "", false},
		"of another notification":    {good, other, false},
		"of a stranger":              {signed(t, "stranger", "priv", payload), payload, false},
		"with a stranger's key":      {signed(t, "pub", "stolen?", payload), payload, false},
		"of one key under the other": {strings.Replace(good, "pub|", "pub2|", 1), payload, false},
		"one digit off":              {good[:len(good)-1] + "x", payload, false},
		"half a pair":                {"pub|", payload, false},
		"with letters of no base64":  {signed(t, "pub", "priv", payload+"*"), payload + "*", false},
	} {
		_, err := ours.Parse(tc.signature, tc.payload)
		if tc.good != (err == nil) || !tc.good && !errors.Is(err, app.ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := (braintree.Keys{}).Parse(good, payload); !errors.Is(err, app.ErrSignature) {
		t.Errorf("without keys: %v", err)
	}
	again, err := ours.Parse(signed(t, "pub", "priv", lines), lines)
	first, err2 := ours.Parse(good, payload)
	if err != nil || err2 != nil || again.ID != first.ID {
		t.Errorf("the same in other lines is another notification: %v %v", err, err2)
	}
}

// What is signed and makes no sense is refused as such, so that the gateway sends it again.
func TestNotificationsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	wrap := func(kind, subject string) string {
		return "<notification><timestamp type=\"datetime\">2026-03-01T12:00:00Z</timestamp><kind>" + kind + "</kind><subject>" + subject + "</subject></notification>"
	}
	for name, text := range map[string]string{
		"no XML":               "nothing",
		"another document":     "<dispute/>",
		"no kind":              "<notification><timestamp>2026-03-01T12:00:00Z</timestamp></notification>",
		"no time":              "<notification><kind>check</kind></notification>",
		"an unknown status":    wrap("dispute_opened", "<dispute><id>d</id><status>odd</status><currency-iso-code>USD</currency-iso-code></dispute>"),
		"no currency":          wrap("dispute_opened", "<dispute><id>d</id><status>open</status><amount>1.00</amount></dispute>"),
		"too many decimals":    wrap("dispute_opened", "<dispute><id>d</id><status>open</status><amount>1.001</amount><currency-iso-code>USD</currency-iso-code></dispute>"),
		"no day":               wrap("dispute_opened", "<dispute><id>d</id><status>open</status><amount>1</amount><currency-iso-code>USD</currency-iso-code><reply-by-date>soon</reply-by-date></dispute>"),
		"a nameless dispute":   wrap("dispute_opened", "<dispute><status>open</status><amount>1</amount><currency-iso-code>USD</currency-iso-code></dispute>"),
		"a nameless pay-out":   wrap("disbursement", "<disbursement><amount>1</amount><merchant-account><currency-iso-code>USD</currency-iso-code></merchant-account></disbursement>"),
		"a pay-out of nothing": wrap("disbursement", "<disbursement><id>d</id></disbursement>"),
	} {
		payload := base64.StdEncoding.EncodeToString([]byte(text))
		if _, err := ours.Parse(signed(t, "pub", "priv", payload), payload); !errors.Is(err, app.ErrNotification) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestChallenges(t *testing.T) {
	t.Parallel()
	const challenge = "20f9f8ed05f77439fe955c977e4c8a53"
	want, err := bt.New(bt.NewEnvironment("http://x"), "m", "pub2", "priv2").WebhookNotification().Verify(challenge)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ours.Challenge(challenge); err != nil || got != want {
		t.Errorf("%q %v, want %q", got, err, want)
	}
	for _, bad := range []string{"", "20f9", "goodness-no-not-hexadecimal", strings.Repeat("a", 33), challenge[:31] + "|"} {
		if got, err := ours.Challenge(bad); !errors.Is(err, app.ErrSignature) {
			t.Errorf("%q is answered %q %v", bad, got, err)
		}
	}
	if _, err := (braintree.Keys{}).Challenge(challenge); !errors.Is(err, app.ErrSignature) {
		t.Errorf("without keys: %v", err)
	}
}

func TestKeysAreChecked(t *testing.T) {
	t.Parallel()
	if k, err := braintree.ParseKeys(" a:b , c:d:e,"); err != nil || len(k) != 2 || k["c"] != "d:e" {
		t.Errorf("%v %v", k, err)
	}
	if k, err := braintree.ParseKeys(""); err != nil || len(k) != 0 {
		t.Errorf("%v %v", k, err)
	}
	for _, bad := range []string{"a", "a:", ":b", "a:b,a:c", "a|b:c"} {
		if _, err := braintree.ParseKeys(bad); err == nil || strings.Contains(err.Error(), ":c") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// What the simulator sends is what the real adapter reads.
func TestNotificationsOfTheSimulator(t *testing.T) {
	t.Parallel()
	sim := paymenttest.StartSimulator(t, simulator)
	p := port{direct(sim.URL), func() { sim.Post(t, "/_sim/settle", struct{}{}) }, func(transaction string) string { return sim.Dispute(t, transaction) }}
	transaction, id := p.disputed(t)
	sim.Post(t, "/_sim/disputes/"+id, map[string]string{"status": "under_review"})
	sim.Post(t, "/_sim/disputes/"+id, map[string]string{"status": "lost"})
	sim.Post(t, "/_sim/disburse", map[string]string{"exception": "bank_rejected"})
	sim.Post(t, "/_sim/webhooks", map[string]string{"kind": "check"})
	var kinds []string
	for _, n := range sim.Notices(t) {
		got, err := braintree.Keys{"sidecart_public": "sidecart_private"}.Parse(n.Signature, n.Payload)
		if err != nil {
			t.Fatalf("%s: %v", n.Kind, err)
		}
		kinds = append(kinds, got.Kind)
		if d := got.Dispute; d != nil && (d.DisputeID != id || d.TransactionID != transaction || d.Amount != usd(1000) || d.Reference == "" || d.Account != "sidecart-usd") {
			t.Errorf("%+v", d)
		}
		if d := got.Disbursement; d != nil && (d.Success || d.Amount != usd(1000) || len(d.TransactionIDs) != 1 || d.TransactionIDs[0] != transaction) {
			t.Errorf("%+v", d)
		}
	}
	if got := strings.Join(kinds, " "); got != "dispute_opened dispute_under_review dispute_lost disbursement_exception check" {
		t.Error(got)
	}
}
