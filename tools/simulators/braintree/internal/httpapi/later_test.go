package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/braintree-go/braintree-go"

	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/httpapi"
)

func TestSubmitForSettlement(t *testing.T) {
	t.Parallel()
	s := start(t)
	whole, err := s.Transaction().SubmitForSettlement(t.Context(), s.sale(request(1000, "whole")).Id)
	if err != nil || whole.Status != braintree.TransactionStatusSubmittedForSettlement || whole.Amount.Cmp(usd(1000)) != 0 {
		t.Fatalf("whole: %v %+v", err, whole)
	}
	auth := s.sale(request(1000, "part"))
	_, err = s.Transaction().SubmitForSettlement(t.Context(), auth.Id, usd(1001))
	refused(t, err, "Amount", "91522")
	part, err := s.Transaction().SubmitForSettlement(t.Context(), auth.Id, usd(400))
	if err != nil || part.Amount.Cmp(usd(400)) != 0 || part.Id != auth.Id {
		t.Fatalf("part: %v %+v", err, part)
	}
	_, err = s.Transaction().SubmitForSettlement(t.Context(), auth.Id, usd(100))
	refused(t, err, "Base", "91507")
	if _, err = s.Transaction().SubmitForSettlement(t.Context(), "nothere"); statusOf(err) != http.StatusNotFound {
		t.Errorf("unknown id: %v", err)
	}
	q := request(1000, "paypal")
	q.PaymentMethodNonce = braintree.FakeNoncePayPalOneTimePayment
	paypal, err := s.Transaction().SubmitForSettlement(t.Context(), s.sale(q).Id)
	if err != nil || paypal.Status != braintree.TransactionStatusSettling {
		t.Errorf("PayPal captures at once: %v", err)
	}
}

func TestPartialSettlements(t *testing.T) {
	t.Parallel()
	s := start(t)
	auth := s.sale(request(1000, "o"))
	id := regexp.MustCompile(`<id>([0-9a-z]{8})</id>`)
	part := func(parent, amount string) (int, string, string) {
		status, answer := s.raw(http.MethodPost, "/merchants/shop/transactions/"+parent+"/submit_for_partial_settlement", "<transaction><amount>"+amount+"</amount></transaction>", nil)
		m := id.FindStringSubmatch(answer)
		if m == nil {
			return status, answer, ""
		}
		return status, answer, m[1]
	}
	status, answer, first := part(auth.Id, "6.00")
	if status != http.StatusCreated || !strings.Contains(answer, "<authorized-transaction-id>"+auth.Id+"<") || !strings.Contains(answer, "<status>submitted_for_settlement<") || first == auth.Id {
		t.Fatalf("%d %s", status, answer)
	}
	if status, answer, _ = part(auth.Id, "4.01"); status != 422 || !strings.Contains(answer, "91522") {
		t.Errorf("more than is left: %d %s", status, answer)
	}
	if status, answer, _ = part(first, "1.00"); status != 422 || !strings.Contains(answer, "915103") {
		t.Errorf("a part of a part: %d %s", status, answer)
	}
	if status, answer, _ = part(auth.Id, ""); status != 422 || !strings.Contains(answer, "81502") {
		t.Errorf("no amount: %d %s", status, answer)
	}
	_, _, second := part(auth.Id, "4.00")
	parent, err := s.Transaction().Find(t.Context(), auth.Id)
	if err != nil || parent.Status != braintree.TransactionStatusSettlementPending || parent.Amount.Cmp(usd(1000)) != 0 {
		t.Fatalf("parent: %v %+v", err, parent)
	}
	if _, err := s.Transaction().Void(t.Context(), second); err != nil {
		t.Fatalf("void a part: %v", err)
	}
	if status, answer, _ = part(auth.Id, "4.00"); status != http.StatusCreated {
		t.Errorf("a voided part frees its amount: %d %s", status, answer)
	}
	var captured int64
	for _, e := range s.books().Transactions {
		captured += e.Captured
	}
	if captured != 1000 {
		t.Errorf("captured %d", captured)
	}
	if n := len(s.byOrder("o")); n != 4 {
		t.Errorf("found by order: %d", n)
	}
	if rest, err := s.Transaction().Void(t.Context(), auth.Id); err != nil || rest.Status != braintree.TransactionStatusVoided {
		t.Errorf("the rest is let go: %v", err)
	}
	if status, answer, _ = part(auth.Id, "0.01"); status != 422 || !strings.Contains(answer, "915103") {
		t.Errorf("after that: %d %s", status, answer)
	}
	if first, err := s.Transaction().Find(t.Context(), first); err != nil || first.Status != braintree.TransactionStatusSubmittedForSettlement {
		t.Errorf("the parts stay: %v %+v", err, first)
	}
}

func TestVoid(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, submit := range []bool{false, true} {
		q := request(1000, fmt.Sprint("v", submit))
		q.Options = &braintree.TransactionOptions{SubmitForSettlement: submit}
		tx, err := s.Transaction().Void(t.Context(), s.sale(q).Id)
		if err != nil || tx.Status != braintree.TransactionStatusVoided {
			t.Fatalf("submitted %v: %v", submit, err)
		}
		_, err = s.Transaction().Void(t.Context(), tx.Id)
		refused(t, err, "Base", "91504")
		_, err = s.Transaction().SubmitForSettlement(t.Context(), tx.Id)
		refused(t, err, "Base", "91507")
	}
	_, err := s.Transaction().Void(t.Context(), s.settled(1000, "settled").Id)
	refused(t, err, "Base", "91504")
	for _, e := range s.books().Transactions {
		if e.Status == "voided" && e.Captured != 0 {
			t.Errorf("a voided sale counts as captured: %+v", e)
		}
	}
}

func TestRefund(t *testing.T) {
	t.Parallel()
	s := start(t)
	q := request(1000, "early")
	q.Options = &braintree.TransactionOptions{SubmitForSettlement: true}
	_, err := s.Transaction().Refund(t.Context(), s.sale(q).Id)
	refused(t, err, "Base", "91506")
	if err.Error() != "Cannot refund transaction unless it is settled." {
		t.Errorf("message %q", err)
	}
	sale := s.settled(1000, "o")
	for amount, code := range map[int64]string{0: "81531", 1001: "91521"} {
		_, err = s.Transaction().Refund(t.Context(), sale.Id, usd(amount))
		refused(t, err, "Amount", code)
	}
	credit, err := s.Transaction().RefundWithRequest(t.Context(), sale.Id, &braintree.TransactionRefundRequest{Amount: usd(300), OrderID: "o-r1"})
	if err != nil || credit.Type != "credit" || credit.Status != braintree.TransactionStatusSubmittedForSettlement || *credit.RefundedTransactionId != sale.Id || credit.OrderId != "o-r1" || credit.ProcessorResponseCode != 1002 {
		t.Fatalf("part: %v %+v", err, credit)
	}
	_, err = s.Transaction().Refund(t.Context(), sale.Id)
	refused(t, err, "Amount", "91521")
	if _, err = s.Transaction().Void(t.Context(), credit.Id); err != nil {
		t.Fatalf("a refund can be voided before it settles: %v", err)
	}
	credit, err = s.Transaction().Refund(t.Context(), sale.Id)
	if err != nil || credit.Amount.Cmp(usd(1000)) != 0 || credit.OrderId != "o" {
		t.Fatalf("whole: %v %+v", err, credit)
	}
	_, err = s.Transaction().Refund(t.Context(), sale.Id)
	refused(t, err, "Base", "91512")
	if err.Error() != "Transaction has already been completely refunded." {
		t.Errorf("message %q", err)
	}
	_, err = s.Transaction().Refund(t.Context(), credit.Id)
	refused(t, err, "Base", "91505")
	if credit, err = s.Testing().Settle(t.Context(), credit.Id); err != nil || credit.Status != braintree.TransactionStatusSettled {
		t.Fatalf("a refund settles: %v", err)
	}
	tx, err := s.Transaction().Find(t.Context(), sale.Id)
	if err != nil || len(*tx.RefundIds) != 2 || !slices.Contains(*tx.RefundIds, credit.Id) {
		t.Errorf("refund ids: %v %+v", err, tx.RefundIds)
	}
	books := s.books()
	i := slices.IndexFunc(books.Transactions, func(e httpapi.Entry) bool { return e.ID == sale.Id })
	if e := books.Transactions[i]; e.Captured != 1000 || e.Refunded != 1000 || e.Authorized != 1000 || len(e.History) != 3 {
		t.Errorf("books: %+v", e)
	}
}

func TestRacingRefundsNeverPassTheAmount(t *testing.T) {
	t.Parallel()
	s := start(t)
	sale := s.settled(1000, "o")
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for range 16 {
		wg.Go(func() {
			if _, err := s.Transaction().Refund(context.Background(), sale.Id, usd(300)); err == nil {
				mu.Lock()
				won++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if won != 3 {
		t.Errorf("%d refunds of 3.00 from 10.00", won)
	}
}

func TestSandboxSettlementSteps(t *testing.T) {
	t.Parallel()
	s := start(t)
	sell := func(order string) string {
		q := request(1000, order)
		q.Options = &braintree.TransactionOptions{SubmitForSettlement: true}
		return s.sale(q).Id
	}
	declinedTx, err := s.Testing().SettlementDecline(t.Context(), sell("d"))
	if err != nil || declinedTx.Status != braintree.TransactionStatusSettlementDeclined {
		t.Fatal(err)
	}
	if tx, err := s.Testing().SettlementConfirm(t.Context(), sell("c")); err != nil || tx.Status != braintree.TransactionStatusSettlementConfirmed {
		t.Fatal(err)
	}
	pending, err := s.Testing().SettlementPending(t.Context(), sell("p"))
	if err != nil || pending.Status != braintree.TransactionStatusSettlementPending {
		t.Fatal(err)
	}
	if tx, err := s.Testing().Settle(t.Context(), pending.Id); err != nil || tx.Status != braintree.TransactionStatusSettled || !strings.HasPrefix(tx.SettlementBatchId, "2026-03-01_usd_") {
		t.Fatal(err, tx)
	}
	_, err = s.Testing().Settle(t.Context(), s.sale(request(1000, "authorized only")).Id)
	refused(t, err, "Base", "91575")
}

func TestSettleSwitchAndExpiry(t *testing.T) {
	t.Parallel()
	s := start(t)
	submitted := func(order string) {
		q := request(1000, order)
		q.Options = &braintree.TransactionOptions{SubmitForSettlement: true}
		s.sale(q)
	}
	for i := range 5 {
		submitted(fmt.Sprint("o-", i))
	}
	auth := s.sale(request(1000, "open"))
	var got struct{ Settled int }
	if s.switchTo(http.MethodPost, "/_sim/settle", map[string]string{"order_id": "o-1"}, &got); got.Settled != 1 {
		t.Fatalf("by order: %+v", got)
	}
	if s.switchTo(http.MethodPost, "/_sim/settle", nil, &got); got.Settled != 4 {
		t.Fatalf("the rest: %+v", got)
	}
	if code := s.switchTo(http.MethodPost, "/_sim/settle", map[string]string{"id": "nothere"}, nil); code != http.StatusNotFound {
		t.Errorf("unknown id: %d", code)
	}
	if code := s.switchTo(http.MethodPost, "/_sim/settle", map[string]string{"id": auth.Id}, nil); code != http.StatusUnprocessableEntity {
		t.Errorf("not submitted: %d", code)
	}
	if code := s.switchTo(http.MethodPost, "/_sim/expire", map[string]string{"id": auth.Id}, nil); code != http.StatusOK {
		t.Fatalf("expire: %d", code)
	}
	_, err := s.Transaction().SubmitForSettlement(t.Context(), auth.Id)
	refused(t, err, "Base", "91507")
	if tx, err := s.Transaction().Find(t.Context(), auth.Id); err != nil || tx.Status != braintree.TransactionStatusAuthorizationExpired {
		t.Errorf("%v %v", tx.Status, err)
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	s := start(t)
	ids := map[string]bool{}
	for i := range 61 {
		ids[s.sale(request(int64(1000+i), "bulk")).Id] = true
	}
	s.clock.Advance(time.Hour)
	late := s.sale(request(5000, "late"))
	if _, err := s.Transaction().Void(t.Context(), late.Id); err != nil {
		t.Fatal(err)
	}
	q := new(braintree.SearchQuery)
	q.AddTextField("order-id").Is = "bulk"
	found, err := s.Transaction().SearchIDs(t.Context(), q)
	if err != nil || len(found.IDs) != 61 || found.PageSize != 50 || found.PageCount != 2 {
		t.Fatalf("ids: %v %+v", err, found)
	}
	for page := 1; page <= found.PageCount; page++ {
		got, err := s.Transaction().SearchPage(t.Context(), q, found, page)
		if err != nil {
			t.Fatal(err)
		}
		for i, tx := range got.Transactions {
			if !ids[tx.Id] || tx.Id != found.IDs[(page-1)*50+i] {
				t.Fatalf("page %d holds %s out of turn", page, tx.Id)
			}
			delete(ids, tx.Id)
		}
	}
	if len(ids) != 0 {
		t.Errorf("%d were not found", len(ids))
	}
	count := func(build func(*braintree.SearchQuery)) int {
		t.Helper()
		q := new(braintree.SearchQuery)
		build(q)
		found, err := s.Transaction().SearchIDs(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		return len(found.IDs)
	}
	hour := s.clock.Now().Add(-30 * time.Minute)
	for name, c := range map[string]struct {
		want  int
		build func(*braintree.SearchQuery)
	}{
		"nothing":       {0, func(q *braintree.SearchQuery) { q.AddTextField("order-id").Is = "none" }},
		"prefix":        {61, func(q *braintree.SearchQuery) { q.AddTextField("order-id").StartsWith = "bu" }},
		"not":           {1, func(q *braintree.SearchQuery) { q.AddTextField("order-id").IsNot = "bulk" }},
		"created after": {1, func(q *braintree.SearchQuery) { q.AddTimeField("created-at").Min = hour }},
		"created until": {61, func(q *braintree.SearchQuery) { q.AddTimeField("created-at").Max = hour }},
		"created at":    {1, func(q *braintree.SearchQuery) { q.AddTimeField("created-at").Is = s.clock.Now() }},
		"voided at":     {1, func(q *braintree.SearchQuery) { q.AddTimeField("voided-at").Min = hour }},
		"status":        {62, func(q *braintree.SearchQuery) { q.AddMultiField("status").Items = []string{"authorized", "voided"} }},
		"both": {1, func(q *braintree.SearchQuery) {
			q.AddMultiField("status").Items = []string{"voided"}
			q.AddTextField("order-id").Is = "late"
		}},
		"neither": {0, func(q *braintree.SearchQuery) {
			q.AddMultiField("status").Items = []string{"voided"}
			q.AddTextField("order-id").Is = "bulk"
		}},
		"account": {62, func(q *braintree.SearchQuery) { q.AddMultiField("merchant-account-id").Items = []string{"usd"} }},
		"amount":  {2, func(q *braintree.SearchQuery) { q.AddRangeField("amount").Min = 10.60 }},
		"one id":  {1, func(q *braintree.SearchQuery) { q.AddTextField("id").Is = late.Id }},
	} {
		if got := count(c.build); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	// The SDK's one-step search fetches the page of no ids at all when nothing was found.
	if status, answer := s.raw(http.MethodPost, "/merchants/shop/transactions/advanced_search", `<search><order-id><is>bulk</is></order-id><ids type="array"></ids></search>`, nil); status != 200 || strings.Contains(answer, "<transaction>") {
		t.Errorf("no ids: %d %s", status, answer)
	}
	unknown := new(braintree.SearchQuery)
	unknown.AddTextField("moon-phase").Is = "full"
	if _, err := s.Transaction().SearchIDs(t.Context(), unknown); statusOf(err) != http.StatusBadRequest {
		t.Errorf("a criterion that is not kept must not be ignored: %v", err)
	}
}

func TestFindUnknown(t *testing.T) {
	t.Parallel()
	_, err := start(t).Transaction().Find(t.Context(), "bad_transaction_id")
	var e braintree.APIError
	if !errors.As(err, &e) || e.StatusCode() != http.StatusNotFound || err.Error() != "Not Found (404)" {
		t.Fatalf("got %v", err)
	}
}
