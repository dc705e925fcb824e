package httpapi_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/braintree-go/braintree-go"
)

func TestEveryTransactableNonceAuthorises(t *testing.T) {
	t.Parallel()
	s := start(t)
	for nonce, brand := range map[string]string{
		braintree.FakeNonceTransactable: "Visa", braintree.FakeNonceTransactableVisa: "Visa", braintree.FakeNonceTransactableAmEx: "American Express",
		braintree.FakeNonceTransactableMasterCard: "MasterCard", braintree.FakeNonceTransactableDiscover: "Discover", braintree.FakeNonceTransactableJCB: "JCB",
		braintree.FakeNonceTransactableMaestro: "Maestro", braintree.FakeNonceTransactableDinersClub: "Diners Club", braintree.FakeNonceTransactablePrepaid: "Visa",
		braintree.FakeNonceTransactableCommercial: "Visa", braintree.FakeNonceTransactableDurbinRegulated: "Visa", braintree.FakeNonceTransactableHealthcare: "Visa",
		braintree.FakeNonceTransactableDebit: "Visa", braintree.FakeNonceTransactablePayroll: "Visa", braintree.FakeNonceTransactableNoIndicators: "Visa",
		braintree.FakeNonceTransactableUnknownIndicators: "Visa", braintree.FakeNonceTransactableCountryOfIssuanceUSA: "Visa",
		braintree.FakeNonceTransactableCountryOfIssuanceCAD: "Visa", braintree.FakeNonceTransactableIssuingBankNetworkOnly: "Visa",
	} {
		q := request(1000, nonce)
		q.PaymentMethodNonce = nonce
		tx := s.sale(q)
		if tx.Status != braintree.TransactionStatusAuthorized || tx.CreditCard == nil || tx.CreditCard.CardType != brand || tx.PaymentInstrumentType != braintree.PaymentInstrumentTypeCreditCard {
			t.Errorf("%s: %s %+v", nonce, tx.Status, tx.CreditCard)
		}
		if tx.ProcessorResponseCode != 1000 || tx.ProcessorResponseType != braintree.ProcessorResponseTypeApproved || tx.ProcessorAuthorizationCode == "" || tx.AdditionalProcessorResponse != "" {
			t.Errorf("%s: processor said %d %s", nonce, tx.ProcessorResponseCode, tx.ProcessorResponseType)
		}
		if tx.ThreeDSecureInfo != nil || tx.RefundedTransactionId != nil || tx.TaxAmount != nil {
			t.Errorf("%s: a nil element arrived as a value", nonce)
		}
	}
}

func TestOtherInstruments(t *testing.T) {
	t.Parallel()
	s := start(t)
	for nonce, kind := range map[string]braintree.PaymentInstrumentType{
		braintree.FakeNoncePayPalOneTimePayment: braintree.PaymentInstrumentTypePaypalAccount, braintree.FakeNonceVenmoAccount: braintree.PaymentInstrumentTypeVenmoAccount,
		braintree.FakeNonceApplePayVisa: braintree.PaymentInstrumentTypeApplePayCard, braintree.FakeNonceAndroidPayMasterCard: braintree.PaymentInstrumentTypeAndroidPayCard,
	} {
		q := request(1000, nonce)
		q.PaymentMethodNonce = nonce
		if tx := s.sale(q); tx.PaymentInstrumentType != kind {
			t.Errorf("%s: %s", nonce, tx.PaymentInstrumentType)
		}
	}
}

func TestNoncesThatFail(t *testing.T) {
	t.Parallel()
	s := start(t)
	sell := func(nonce string) error {
		q := request(1000, nonce)
		q.PaymentMethodNonce = nonce
		_, err := s.Transaction().Create(t.Context(), q)
		return err
	}
	for _, nonce := range []string{braintree.FakeNonceProcessorDeclinedVisa, braintree.FakeNonceProcessorDeclinedMasterCard, braintree.FakeNonceProcessorDeclinedAmEx, braintree.FakeNonceProcessorDeclinedDiscover} {
		tx := declined(t, sell(nonce), braintree.TransactionStatusProcessorDeclined, "Do Not Honor")
		if tx.ProcessorResponseCode != 2000 || tx.ProcessorResponseType != braintree.ProcessorResponseTypeSoftDeclined {
			t.Errorf("%s: %d %s", nonce, tx.ProcessorResponseCode, tx.ProcessorResponseType)
		}
	}
	tx := declined(t, sell(braintree.FakeNonceProcessorFailureJCB), braintree.TransactionStatusFailed, "Processor Network Unavailable - Try Again")
	if tx.ProcessorResponseCode != 3000 {
		t.Errorf("failure: %d", tx.ProcessorResponseCode)
	}
	tx = declined(t, sell(braintree.FakeNonceGatewayRejectedFraud), braintree.TransactionStatusGatewayRejected, "Gateway Rejected: fraud")
	if tx.GatewayRejectionReason != braintree.GatewayRejectionReasonFraud || tx.ProcessorResponseCode != 0 {
		t.Errorf("fraud: %q %d", tx.GatewayRejectionReason, tx.ProcessorResponseCode)
	}
	refused(t, sell(braintree.FakeNonceConsumed), "PaymentMethodNonce", "91564")
	refused(t, sell("no-such-nonce"), "PaymentMethodNonce", "91565")
	refused(t, sell("fake-three-d-secure-no-such-nonce"), "PaymentMethodNonce", "91565")
	var e *braintree.BraintreeError
	if err := sell(braintree.FakeNonceLuhnInvalid); !errors.As(err, &e) || e.For("Transaction").For("CreditCard").On("Number")[0].Code != "81715" {
		t.Errorf("luhn: %v", err)
	}
	if n := len(s.books().Transactions); n != 6 {
		t.Errorf("declines are recorded, validation errors are not: %d transactions", n)
	}
}

func TestDocumentedAmounts(t *testing.T) {
	t.Parallel()
	s := start(t)
	sell := func(cents int64, account string, scale int) error {
		q := request(0, fmt.Sprint(cents, account))
		q.Amount, q.MerchantAccountId = braintree.NewDecimal(cents, scale), account
		_, err := s.Transaction().Create(t.Context(), q)
		return err
	}
	for _, c := range []struct {
		cents  int64
		code   int
		status braintree.TransactionStatus
		text   string
		hard   bool
	}{
		{200000, 2000, braintree.TransactionStatusProcessorDeclined, "Do Not Honor", false},
		{200199, 2001, braintree.TransactionStatusProcessorDeclined, "Insufficient Funds", false},
		{200400, 2004, braintree.TransactionStatusProcessorDeclined, "Expired Card", true},
		{201000, 2010, braintree.TransactionStatusProcessorDeclined, "Card Issuer Declined CVV", true},
		{299999, 2999, braintree.TransactionStatusProcessorDeclined, "Processor Declined", false},
		{300000, 3000, braintree.TransactionStatusFailed, "Processor Network Unavailable - Try Again", false},
		{300099, 3000, braintree.TransactionStatusFailed, "Processor Network Unavailable - Try Again", false},
	} {
		tx := declined(t, sell(c.cents, "usd", 2), c.status, c.text)
		if tx.ProcessorResponseCode.Int() != c.code || tx.AdditionalProcessorResponse != fmt.Sprintf("%d : %s", c.code, c.text) || (tx.ProcessorResponseType == braintree.ProcessorResponseTypeHardDeclined) != c.hard {
			t.Errorf("%d: %d %q %s", c.cents, tx.ProcessorResponseCode, tx.AdditionalProcessorResponse, tx.ProcessorResponseType)
		}
	}
	tx := declined(t, sell(500100, "usd", 2), braintree.TransactionStatusGatewayRejected, "Gateway Rejected: application_incomplete")
	if tx.GatewayRejectionReason != braintree.GatewayRejectionReasonApplicationIncomplete {
		t.Errorf("5001.00: %s", tx.GatewayRejectionReason)
	}
	declined(t, sell(2500, "jpy", 0), braintree.TransactionStatusProcessorDeclined, "Processor Declined")
	declined(t, sell(2001_000, "kwd", 3), braintree.TransactionStatusProcessorDeclined, "Insufficient Funds")
	for _, good := range []int64{1, 199999, 300100, 400000, 400199, 500101, 500200} {
		if err := sell(good, "usd", 2); err != nil {
			t.Errorf("%d: %v", good, err)
		}
	}
	off := false
	if code := s.switchTo(http.MethodPut, "/_sim/settings", map[string]*bool{"test_amounts": &off}, nil); code != http.StatusOK {
		t.Fatal(code)
	}
	if err := sell(250000, "usd", 2); err != nil {
		t.Errorf("with test amounts off: %v", err)
	}
}

func TestCurrenciesAndExponents(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, c := range []struct {
		account, amount, currency string
		want                      string // an amount, or an error's code
	}{
		{"", "10.00", "USD", "10.00"}, {"usd", "10", "USD", "10.00"}, {"eur", "0.01", "EUR", "0.01"}, {"jpy", "1000", "JPY", "1000"}, {"kwd", "1.234", "KWD", "1.234"}, {"kwd", "2", "KWD", "2.000"}, {"usd", ".50", "USD", "0.50"},
		{"usd", "10.000", "", "81503"}, {"usd", "10.5", "", "81503"}, {"jpy", "1000.00", "", "81503"}, {"kwd", "1.23", "", "81503"}, {"usd", "ten", "", "81503"}, {"usd", "1e3", "", "81503"}, {"usd", ".", "", "81503"}, {"usd", "1.", "", "81503"},
		{"usd", "", "", "81502"}, {"usd", "-1.00", "", "81501"}, {"usd", "0.00", "", "81531"}, {"usd", "123456789.00", "", "81528"}, {"usd", "99999999999999999999.00", "", "81528"},
	} {
		body := "<transaction><type>sale</type><amount>" + c.amount + "</amount><merchant-account-id>" + c.account + "</merchant-account-id><order-id>" + c.account + c.amount + "</order-id><payment-method-nonce>fake-valid-nonce</payment-method-nonce></transaction>"
		status, answer := s.raw(http.MethodPost, "/merchants/shop/transactions", body, nil)
		if c.currency == "" {
			if status != http.StatusUnprocessableEntity || !strings.Contains(answer, "<code>"+c.want+"</code>") || !strings.Contains(answer, `<attribute type="symbol">amount</attribute>`) {
				t.Errorf("%+v: %d %s", c, status, answer)
			}
			continue
		}
		if status != http.StatusCreated || !strings.Contains(answer, "<amount>"+c.want+"</amount>") || !strings.Contains(answer, "<currency-iso-code>"+c.currency+"</currency-iso-code>") {
			t.Errorf("%+v: %d %s", c, status, answer)
		}
	}
	q := request(0, "sdk-yen")
	q.Amount, q.MerchantAccountId = braintree.NewDecimal(1500, 0), "jpy"
	if tx := s.sale(q); tx.CurrencyISOCode != "JPY" || tx.Amount.String() != "1500" || tx.MerchantAccountId != "jpy" {
		t.Errorf("yen through the SDK: %s %s", tx.Amount, tx.CurrencyISOCode)
	}
}

func TestAllFaultsOfARequestAtOnce(t *testing.T) {
	t.Parallel()
	s := start(t)
	_, err := s.Transaction().Create(t.Context(), &braintree.TransactionRequest{OrderId: strings.Repeat("x", 256), MerchantAccountId: "gbp"})
	for attribute, code := range map[string]string{"Type": "91524", "Amount": "81502", "OrderId": "91501", "MerchantAccountId": "91513", "Base": "91508"} {
		refused(t, err, attribute, code)
	}
	if want := 5; len(strings.Split(err.Error(), "\n")) != want {
		t.Errorf("message %q", err)
	}
	for kind, code := range map[string]string{"credit": "91546", "gift": "91523"} {
		q := request(100, kind)
		q.Type = kind
		_, err := s.Transaction().Create(t.Context(), q)
		refused(t, err, map[string]string{"credit": "Base", "gift": "Type"}[kind], code)
	}
	q := request(100, "both")
	q.PaymentMethodToken = "tok"
	_, err = s.Transaction().Create(t.Context(), q)
	refused(t, err, "Base", "91515")
	status, answer := s.raw(http.MethodPost, "/merchants/shop/transactions", "<transaction><type>sale</type><amount>1.00</amount><order-id>a&lt;b</order-id></transaction>", nil)
	if status != http.StatusUnprocessableEntity || !strings.Contains(answer, "<params><transaction>") || !strings.Contains(answer, "<order-id>a&lt;b</order-id>") {
		t.Errorf("params are echoed, escaped: %s", answer)
	}
}

func TestDuplicateCheck(t *testing.T) {
	t.Parallel()
	s := start(t)
	again := func(q *braintree.TransactionRequest) error {
		_, err := s.Transaction().Create(t.Context(), q)
		return err
	}
	first := s.sale(request(1000, "o-1"))
	tx := declined(t, again(request(1000, "o-1")), braintree.TransactionStatusGatewayRejected, "Gateway Rejected: duplicate")
	if tx.GatewayRejectionReason != braintree.GatewayRejectionReasonDuplicate {
		t.Errorf("reason %q", tx.GatewayRejectionReason)
	}
	other := request(1000, "o-1")
	other.PaymentMethodNonce = braintree.FakeNonceTransactableMasterCard
	for _, q := range []*braintree.TransactionRequest{request(1001, "o-1"), request(1000, "o-2"), other} {
		s.sale(q)
	}
	if _, err := s.Transaction().Void(t.Context(), first.Id); err != nil {
		t.Fatal(err)
	}
	s.clock.Advance(29 * time.Second)
	declined(t, again(request(1000, "o-1")), braintree.TransactionStatusGatewayRejected, "Gateway Rejected: duplicate")
	s.clock.Advance(time.Second)
	s.sale(request(1000, "o-1"))

	decline := request(200000, "o-3")
	declined(t, again(decline), braintree.TransactionStatusProcessorDeclined, "Do Not Honor")
	declined(t, again(decline), braintree.TransactionStatusProcessorDeclined, "Do Not Honor") // a decline is no original

	s.sale(request(777, ""))
	declined(t, again(request(777, "")), braintree.TransactionStatusGatewayRejected, "Gateway Rejected: duplicate")

	window := "0s"
	s.switchTo(http.MethodPut, "/_sim/settings", map[string]*string{"duplicate_window": &window}, nil)
	s.sale(request(777, ""))
}

func TestThreeDSecure(t *testing.T) {
	t.Parallel()
	s := start(t)
	sell := func(nonce string, required bool) (*braintree.Transaction, error) {
		q := request(1000, fmt.Sprint(nonce, required))
		q.PaymentMethodNonce = nonce
		q.Options = &braintree.TransactionOptions{ThreeDSecure: &braintree.TransactionOptionsThreeDSecureRequest{Required: required}}
		return s.Transaction().Create(t.Context(), q)
	}
	tx, err := sell("fake-three-d-secure-visa-full-authentication-nonce", true)
	if err != nil || tx.ThreeDSecureInfo == nil || !tx.ThreeDSecureInfo.LiabilityShifted || tx.ThreeDSecureInfo.Status != braintree.ThreeDSecureStatusAuthenticateSuccessful || tx.ThreeDSecureInfo.Enrolled != braintree.ThreeDSecureEnrolledYes {
		t.Fatalf("full authentication: %v %+v", err, tx)
	}
	tx, err = sell("fake-three-d-secure-visa-failed-authentication-nonce", false)
	if err != nil || tx.ThreeDSecureInfo.Status != braintree.ThreeDSecureStatusAuthenticateFailed || tx.ThreeDSecureInfo.LiabilityShifted {
		t.Fatalf("failed authentication, not required: %v", err)
	}
	for _, nonce := range []string{"fake-three-d-secure-visa-failed-authentication-nonce", "fake-three-d-secure-visa-lookup-timeout-nonce", braintree.FakeNonceTransactable} {
		_, err = sell(nonce, true)
		tx = declined(t, err, braintree.TransactionStatusGatewayRejected, "Gateway Rejected: three_d_secure")
		if tx.GatewayRejectionReason != braintree.GatewayRejectionReasonThreeDSecure {
			t.Errorf("%s: %s", nonce, tx.GatewayRejectionReason)
		}
	}
}

func TestSaleKeepsWhatItWasTold(t *testing.T) {
	t.Parallel()
	s := start(t)
	q := request(1000, "rich")
	q.Options = &braintree.TransactionOptions{SubmitForSettlement: true}
	q.Customer = &braintree.CustomerRequest{FirstName: "Ana", Email: "ana@example.com"}
	q.BillingAddress = &braintree.Address{StreetAddress: "1 Main St & Co", Locality: "Chicago", PostalCode: "60622", CountryCodeAlpha2: "US"}
	q.ShippingAddress = &braintree.Address{StreetAddress: "<2> Side St", Region: "IL"}
	q.TaxAmount, q.Channel, q.PurchaseOrderNumber = usd(80), "web", "PO1"
	q.Descriptor = &braintree.Descriptor{Name: "Company*Product", Phone: "0000000000"}
	q.CustomFields = map[string]string{"cart_id": "c-1"}
	made := s.sale(q)
	tx, err := s.Transaction().Find(t.Context(), made.Id)
	if err != nil {
		t.Fatal(err)
	}
	if tx.Status != braintree.TransactionStatusSubmittedForSettlement || tx.Customer.FirstName != "Ana" || tx.BillingAddress.StreetAddress != "1 Main St & Co" || tx.ShippingAddress.StreetAddress != "<2> Side St" {
		t.Errorf("%+v", tx)
	}
	if tx.TaxAmount.Cmp(usd(80)) != 0 || tx.Channel != "web" || tx.PurchaseOrderNumber != "PO1" || tx.Descriptor.Name != "Company*Product" || tx.CustomFields["cart_id"] != "c-1" || tx.OrderId != "rich" {
		t.Errorf("%+v", tx)
	}
	if !tx.CreatedAt.Equal(s.clock.Now()) || tx.AuthorizationExpiresAt == nil || !tx.AuthorizationExpiresAt.After(s.clock.Now()) {
		t.Errorf("times %v %v", tx.CreatedAt, tx.AuthorizationExpiresAt)
	}
	if status, answer := s.raw(http.MethodPost, "/merchants/shop/transactions", "<transaction><type>sale</type><amount>1.00</amount><tax-amount>x</tax-amount><payment-method-nonce>fake-valid-nonce</payment-method-nonce></transaction>", nil); status != 422 || !strings.Contains(answer, "81535") {
		t.Errorf("tax: %d %s", status, answer)
	}
}

func TestVaultTokens(t *testing.T) {
	t.Parallel()
	s := start(t)
	q := request(1000, "v-1")
	q.Options = &braintree.TransactionOptions{StoreInVaultOnSuccess: true}
	tx := s.sale(q)
	token := tx.CreditCard.Token
	if token == "" || tx.Customer.Id == "" {
		t.Fatalf("nothing was vaulted: %+v", tx.CreditCard)
	}
	card, err := s.PaymentMethod().Find(t.Context(), token)
	if err != nil || card.GetToken() != token || card.GetCustomerId() != tx.Customer.Id {
		t.Fatalf("find method: %v %v", card, err)
	}
	second := s.sale(&braintree.TransactionRequest{Type: "sale", Amount: usd(500), OrderId: "v-2", PaymentMethodToken: token})
	if second.CreditCard.Token != token || second.CreditCard.Last4 != tx.CreditCard.Last4 {
		t.Errorf("by token: %+v", second.CreditCard)
	}
	q = request(200000, "v-3")
	q.Options = &braintree.TransactionOptions{StoreInVaultOnSuccess: true}
	_, err = s.Transaction().Create(t.Context(), q)
	if tx := declined(t, err, braintree.TransactionStatusProcessorDeclined, "Do Not Honor"); tx.CreditCard.Token != "" {
		t.Error("a declined card was vaulted")
	}
	if err := s.PaymentMethod().Delete(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PaymentMethod().Find(t.Context(), token); statusOf(err) != http.StatusNotFound {
		t.Errorf("deleted: %v", err)
	}
	_, err = s.Transaction().Create(t.Context(), &braintree.TransactionRequest{Type: "sale", Amount: usd(600), PaymentMethodToken: token})
	refused(t, err, "PaymentMethodToken", "91518")
}

func TestClientToken(t *testing.T) {
	t.Parallel()
	s := start(t)
	text, err := s.ClientToken().GenerateWithRequest(t.Context(), &braintree.ClientTokenRequest{MerchantAccountID: "eur"})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	var token struct {
		Version                                           int
		AuthorizationFingerprint, ConfigURL, ClientAPIURL string
		MerchantID, MerchantAccountID, Environment        string
		Challenges                                        []string
	}
	if err := json.Unmarshal(raw, &token); err != nil {
		t.Fatal(err)
	}
	if token.Version != 2 || token.MerchantID != merchantID || token.MerchantAccountID != "eur" || !strings.HasPrefix(token.ConfigURL, s.url) || token.Challenges == nil {
		t.Errorf("%s", raw)
	}
	signature, claims, ok := strings.Cut(token.AuthorizationFingerprint, "|")
	if !ok || len(signature) != 64 || !strings.Contains(claims, "public_key="+publicKey) || strings.Contains(string(raw), privateKey+`"`) {
		t.Errorf("fingerprint %q", token.AuthorizationFingerprint)
	}
	if _, err := s.ClientToken().GenerateWithCustomer(t.Context(), "nobody"); err == nil || statusOf(err) != http.StatusUnprocessableEntity && !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("unknown customer: %v", err)
	}
	if _, err := s.ClientToken().GenerateWithRequest(t.Context(), &braintree.ClientTokenRequest{MerchantAccountID: "gbp"}); err == nil {
		t.Error("unknown merchant account got a token")
	}
	if a, err := s.MerchantAccount().Find(t.Context(), "jpy"); err != nil || a.Status != "active" {
		t.Errorf("merchant account: %v %v", a, err)
	}
}
