package httpapi_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/braintree-go/braintree-go"
)

func TestCustomersAndTheirMethods(t *testing.T) {
	t.Parallel()
	s := start(t)
	made, err := s.Customer().Create(t.Context(), &braintree.CustomerRequest{ID: "c-1", FirstName: "Ada", Email: "ada@example.com", PaymentMethodNonce: "fake-valid-visa-nonce"})
	if err != nil || made.Id != "c-1" || made.FirstName != "Ada" || made.DefaultCreditCard() == nil || made.DefaultCreditCard().Last4 != "1881" {
		t.Fatalf("%+v %v", made, err)
	}
	_, err = s.Customer().Create(t.Context(), &braintree.CustomerRequest{ID: "c-1"})
	refusedWith(t, err, "91609")
	_, err = s.Customer().Create(t.Context(), &braintree.CustomerRequest{ID: "no good"})
	refusedWith(t, err, "91610")
	second, err := s.PaymentMethod().Create(t.Context(), &braintree.PaymentMethodRequest{CustomerId: "c-1", Token: "tok-2", PaymentMethodNonce: "fake-valid-mastercard-nonce"})
	if err != nil || second.GetToken() != "tok-2" || second.IsDefault() || second.GetCustomerId() != "c-1" {
		t.Fatalf("%+v %v", second, err)
	}
	wallet, err := s.PaymentMethod().Create(t.Context(), &braintree.PaymentMethodRequest{CustomerId: "c-1", PaymentMethodNonce: "fake-paypal-billing-agreement-nonce",
		Options: &braintree.PaymentMethodRequestOptions{MakeDefault: true}})
	if err != nil || !wallet.IsDefault() {
		t.Fatalf("%+v %v", wallet, err)
	}
	for _, tc := range []struct {
		q    braintree.PaymentMethodRequest
		code string
	}{
		{braintree.PaymentMethodRequest{CustomerId: "c-1"}, "93103"},
		{braintree.PaymentMethodRequest{PaymentMethodNonce: "fake-valid-nonce"}, "93104"},
		{braintree.PaymentMethodRequest{CustomerId: "nobody", PaymentMethodNonce: "fake-valid-nonce"}, "93105"},
		{braintree.PaymentMethodRequest{CustomerId: "c-1", PaymentMethodNonce: "fake-consumed-nonce"}, "93107"},
		{braintree.PaymentMethodRequest{CustomerId: "c-1", PaymentMethodNonce: "bogus"}, "93108"},
		{braintree.PaymentMethodRequest{CustomerId: "c-1", Token: "tok-2", PaymentMethodNonce: "fake-valid-nonce"}, "91718"},
		{braintree.PaymentMethodRequest{CustomerId: "c-1", PaymentMethodNonce: "fake-valid-mastercard-nonce",
			Options: &braintree.PaymentMethodRequestOptions{FailOnDuplicatePaymentMethod: true}}, "81724"},
	} {
		_, err := s.PaymentMethod().Create(t.Context(), &tc.q)
		refusedWith(t, err, tc.code)
	}
	c, err := s.Customer().Find(t.Context(), "c-1")
	if err != nil || len(c.PaymentMethods()) != 3 || c.DefaultPaymentMethod().GetToken() != wallet.GetToken() {
		t.Fatalf("%+v %v", c, err)
	}
	if m, err := s.PaymentMethod().Update(t.Context(), "tok-2", &braintree.PaymentMethodRequest{Options: &braintree.PaymentMethodRequestOptions{MakeDefault: true}}); err != nil || !m.IsDefault() {
		t.Fatalf("%+v %v", m, err)
	}
	if err := s.PaymentMethod().Delete(t.Context(), "tok-2"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PaymentMethod().Find(t.Context(), "tok-2"); statusOf(err) != http.StatusNotFound {
		t.Errorf("deleted method: %v", err)
	}
	if c, err = s.Customer().Update(t.Context(), &braintree.CustomerRequest{ID: "c-1", LastName: "L."}); err != nil || c.LastName != "L." || c.FirstName != "Ada" || len(c.PaymentMethods()) != 2 || c.DefaultPaymentMethod() == nil {
		t.Fatalf("%+v %v", c, err)
	}
	s.close()
	again := startIn(t, s.dir)
	if c, err := again.Customer().Find(t.Context(), "c-1"); err != nil || len(c.PaymentMethods()) != 2 {
		t.Fatalf("after a restart: %+v %v", c, err)
	}
	if err := again.Customer().Delete(t.Context(), "c-1"); err != nil {
		t.Fatal(err)
	}
	if _, err := again.PaymentMethod().Find(t.Context(), wallet.GetToken()); statusOf(err) != http.StatusNotFound {
		t.Errorf("a method of a deleted customer: %v", err)
	}
}

func TestASaleFromTheVault(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, id := range []string{"a", "b"} {
		if _, err := s.Customer().Create(t.Context(), &braintree.CustomerRequest{ID: id, Email: id + "@example.com", PaymentMethodNonce: "fake-valid-visa-nonce"}); err != nil {
			t.Fatal(err)
		}
	}
	c, err := s.Customer().Find(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	token := c.DefaultCreditCard().Token
	sale := func(q braintree.TransactionRequest) (*braintree.Transaction, error) {
		q.Type, q.Amount = "sale", usd(1000)
		return s.Transaction().Create(t.Context(), &q)
	}
	tx, err := sale(braintree.TransactionRequest{PaymentMethodToken: token, OrderId: "o-1"})
	if err != nil || tx.Customer.Id != "a" || tx.CreditCard.Token != token || tx.Customer.Email != "a@example.com" {
		t.Fatalf("%+v %v", tx, err)
	}
	if tx, err = sale(braintree.TransactionRequest{CustomerID: "a", OrderId: "o-2"}); err != nil || tx.CreditCard.Token != token {
		t.Fatalf("by customer: %+v %v", tx, err)
	}
	_, err = sale(braintree.TransactionRequest{CustomerID: "b", PaymentMethodToken: token})
	refused(t, err, "PaymentMethodToken", "91518")
	_, err = sale(braintree.TransactionRequest{CustomerID: "nobody"})
	refused(t, err, "CustomerId", "91510")
}

func TestClones(t *testing.T) {
	t.Parallel()
	s := start(t)
	clone := func(id string, submit bool) (*braintree.Transaction, error) {
		return s.Transaction().Clone(t.Context(), id, &braintree.TransactionCloneRequest{Amount: usd(300), Channel: "web", Options: &braintree.TransactionCloneOptions{SubmitForSettlement: submit}})
	}
	origin := s.sale(request(1000, "o"))
	tx, err := clone(origin.Id, true)
	if err != nil || tx.Id == origin.Id || tx.Amount.String() != "3.00" || tx.Status != braintree.TransactionStatusSubmittedForSettlement || tx.Channel != "web" || tx.CreditCard.Last4 != origin.CreditCard.Last4 {
		t.Fatalf("%+v %v", tx, err)
	}
	s.clock.Advance(time.Minute) // or it is a duplicate
	if tx, err = clone(origin.Id, false); err != nil || tx.Status != braintree.TransactionStatusAuthorized {
		t.Fatalf("%+v %v", tx, err)
	}
	credit, err := s.Transaction().Refund(t.Context(), s.settled(1000, "p").Id)
	if err != nil {
		t.Fatal(err)
	}
	_, err = clone(credit.Id, true)
	refusedWith(t, err, "91543")
	q := request(2000_00, "declined")
	_, err = s.Transaction().Create(t.Context(), q)
	_, err = clone(declined(t, err, braintree.TransactionStatusProcessorDeclined, "Do Not Honor").Id, true)
	refusedWith(t, err, "91542")
}

// The bank's answers to address and security code follow the documented test values.
func TestChecksOfAddressAndCode(t *testing.T) {
	t.Parallel()
	s := start(t)
	for i, tc := range []struct {
		street, postal, cvv           string
		wantStreet, wantPostal, error string
		wantCVV                       braintree.CVVResponseCode
	}{
		{"", "", "", "I", "I", "", "I"},
		{"1 Main St", "60601", "123", "M", "M", "", "M"},
		{"200 Main St", "20000", "200", "N", "N", "", "N"},
		{"201 Main St", "20001", "201", "U", "U", "", "U"},
		{"1 Main St", "30000", "301", "", "", "E", "S"},
		{"1 Main St", "30001", "", "", "", "S", "I"},
	} {
		q := request(1000+int64(i), "o")
		q.BillingAddress, q.CreditCard = &braintree.Address{StreetAddress: tc.street, PostalCode: tc.postal}, &braintree.CreditCard{CVV: tc.cvv}
		tx := s.sale(q)
		if string(tx.AVSStreetAddressResponseCode) != tc.wantStreet || string(tx.AVSPostalCodeResponseCode) != tc.wantPostal ||
			string(tx.AVSErrorResponseCode) != tc.error || tx.CVVResponseCode != tc.wantCVV {
			t.Errorf("%+v: %s %s %s %s", tc, tx.AVSStreetAddressResponseCode, tx.AVSPostalCodeResponseCode, tx.AVSErrorResponseCode, tx.CVVResponseCode)
		}
	}
}

func TestSearchesOfTransactions(t *testing.T) {
	t.Parallel()
	s := start(t)
	first := s.settled(1000, "first")
	s.clock.Advance(48 * time.Hour)
	q := request(2000, "second")
	q.MerchantAccountId = "eur"
	second := s.sale(q)
	search := func(fill func(q *braintree.SearchQuery)) string {
		q := new(braintree.SearchQuery)
		fill(q)
		found, err := s.Transaction().SearchIDs(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		ids := ""
		for page := 1; page <= found.PageCount; page++ {
			got, err := s.Transaction().SearchPage(t.Context(), q, found, page)
			if err != nil {
				t.Fatal(err)
			}
			for _, tx := range got.Transactions {
				ids += tx.OrderId + " "
			}
		}
		return ids
	}
	for want, fill := range map[string]func(q *braintree.SearchQuery){
		"first ":        func(q *braintree.SearchQuery) { q.AddMultiField("status").Items = []string{"settled", "settling"} },
		"second first ": func(q *braintree.SearchQuery) { q.AddMultiField("ids").Items = []string{second.Id, first.Id} },
		"second ":       func(q *braintree.SearchQuery) { q.AddMultiField("merchant-account-id").Items = []string{"eur"} },
		"": func(q *braintree.SearchQuery) {
			f := q.AddTimeField("created-at")
			f.Min, f.Max = s.clock.Now().Add(-47*time.Hour), s.clock.Now().Add(-time.Hour)
		},
	} {
		if got := search(fill); got != want {
			t.Errorf("found %q, want %q", got, want)
		}
	}
}
