package paymentapi_test

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

func usd(minor int64) money.Amount { return money.New(minor, "USD") }

// The stored forms are what others were promised: members may be added, none may change or go.
func TestFormsAreKept(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const order = "0198f000-0000-7000-8000-000000000000"
	amount := usd(2599)
	for file, value := range map[string]any{
		"testdata/money_moved.v1.json": paymentapi.MoneyMovedV1{Sequence: 3, PaymentID: order + "-1", OrderID: order, Attempt: 1, OperationID: order + "-1-refund-7",
			Amount: usd(600), TransactionID: "tx1", DeclineCode: "2001", Captured: usd(2599), Refunded: usd(600), OccurredAt: at},
		"testdata/dispute.v1.json": paymentapi.DisputeV1{Sequence: 2, PaymentID: order + "-1", OrderID: order, Attempt: 1, DisputeID: "d1", TransactionID: "tx1", Status: "won",
			Kind: "chargeback", Reason: "fraud", Amount: usd(2599), Won: usd(2599), ReplyBy: "2026-03-11", OccurredAt: at},
		"testdata/review.v1.json": paymentapi.ReviewV1{Sequence: 1, PaymentID: order + "-1", OrderID: order, Attempt: 1, Review: paymentapi.ReviewPending, Rule: "much-money",
			Amount: usd(2599), Checks: paymentapi.Checks{ThreeDSecure: "authenticate_successful", Enrolled: "Y", LiabilityShifted: true, LiabilityShiftPossible: true, AVSPostal: "M",
				AVSStreet: "N", CVV: "I"}, Until: &at, Actor: "staff:7", OccurredAt: at},
		"testdata/authorise_request.json": paymentapi.AuthoriseRequest{OperationID: order + "-1-authorise-1", PaymentID: order + "-1", OrderID: order, Attempt: 1,
			Amount: usd(2599), Nonce: "nonce", MethodID: "method", DeviceData: "device"},
		"testdata/money_request.json": paymentapi.MoneyRequest{OperationID: "o", PaymentID: order + "-1", Amount: &amount, Reason: "why"},
		"testdata/result.json": paymentapi.Result{OperationID: "o", PaymentID: order + "-1", Outcome: paymentapi.Declined, Amount: usd(2599), TransactionID: "tx1",
			DeclineCode: "2001", Retryable: true, Message: "Insufficient Funds", RetryAfterMS: 1000, OccurredAt: at},
		"testdata/payment.json": paymentapi.Payment{ID: order + "-1", OrderID: order, Attempt: 1, Status: paymentapi.StatusCaptured, Provider: "braintree", Amount: usd(2599),
			Authorised: usd(2599), Captured: usd(2599), Refunded: usd(0), TransactionID: "tx1", CreatedAt: at, UpdatedAt: at,
			Events: []paymentapi.Event{{Version: 1, Type: "authorised", OperationID: "o", Amount: &amount, Detail: "d", At: at}}},
	} {
		kept, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		now, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		var want, got map[string]any
		if err := json.Unmarshal(kept, &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(now, &got); err != nil {
			t.Fatal(err)
		}
		if len(want) == 0 {
			t.Errorf("%s keeps nothing", file)
		}
		for member, value := range want {
			if diff := cmp.Diff(value, got[member]); diff != "" {
				t.Errorf("%s: %s: %s", file, member, diff)
			}
		}
	}
}

func TestACodeMayBeWrittenInManyWays(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"01ABC-DEFGH-JKMNP-QRSTV", "01ABCDEFGHJKMNPQRSTV", "olabc-defgh-jkmnp-qrstv", " OIABC DEFGH JKMNP QRSTV "} {
		if got := paymentapi.PlainCode(code); got != "01ABCDEFGHJKMNPQRSTV" {
			t.Errorf("%q is read as %q", code, got)
		}
	}
}
