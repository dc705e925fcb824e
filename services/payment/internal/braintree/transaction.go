package braintree

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	bt "github.com/braintree-go/braintree-go"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
)

// states sorts Braintree's statuses (its reference "Transaction statuses").
var states = map[bt.TransactionStatus]payment.State{
	bt.TransactionStatusAuthorizing:            payment.TxPending,
	bt.TransactionStatusAuthorized:             payment.TxAuthorised,
	bt.TransactionStatusSubmittedForSettlement: payment.TxSubmitted,
	bt.TransactionStatusSettlementPending:      payment.TxSubmitted,
	bt.TransactionStatusSettling:               payment.TxSettled,
	bt.TransactionStatusSettlementConfirmed:    payment.TxSettled,
	bt.TransactionStatusSettled:                payment.TxSettled,
	bt.TransactionStatusVoided:                 payment.TxVoided,
	bt.TransactionStatusAuthorizationExpired:   payment.TxExpired,
	bt.TransactionStatusSettlementDeclined:     payment.TxUnsettled,
	bt.TransactionStatusProcessorDeclined:      payment.TxDeclined,
	bt.TransactionStatusGatewayRejected:        payment.TxDeclined,
	bt.TransactionStatusFailed:                 payment.TxDeclined,
}

// correctable are the gateway's own rejections that another input of the same shopper can cure.
var correctable = map[bt.GatewayRejectionReason]bool{
	bt.GatewayRejectionReasonAVS: true, bt.GatewayRejectionReasonCVV: true, bt.GatewayRejectionReasonAVSAndCVV: true, bt.GatewayRejectionReasonThreeDSecure: true,
}

// transaction reads an entry of the gateway's books. What cannot be read is an error: the outcome is then unknown.
func transaction(tx *bt.Transaction) (payment.Transaction, error) {
	state, ok := states[tx.Status]
	if !ok || tx.Id == "" || tx.Amount == nil {
		return payment.Transaction{}, fmt.Errorf("transaction %q has the status %q", tx.Id, tx.Status)
	}
	amount, err := amountOf(tx)
	if err != nil {
		return payment.Transaction{}, fmt.Errorf("transaction %s: %w", tx.Id, err)
	}
	t := payment.Transaction{ID: tx.Id, Credit: tx.Type == "credit", State: state, Amount: amount, Reference: reference(tx), Paid: tx.Status == bt.TransactionStatusSettled}
	if !t.Credit {
		t.Checks, t.Token = checks(tx), token(tx)
	}
	if tx.RefundedTransactionId != nil {
		t.RefundOf = *tx.RefundedTransactionId
	}
	if state != payment.TxDeclined {
		return t, nil
	}
	if tx.Status == bt.TransactionStatusGatewayRejected {
		t.Code, t.Retryable = string(tx.GatewayRejectionReason), correctable[tx.GatewayRejectionReason]
		t.Message = "The payment was rejected."
		return t, nil
	}
	t.Code = fmt.Sprintf("%d", tx.ProcessorResponseCode)
	t.Retryable = tx.ProcessorResponseType != bt.ProcessorResponseTypeHardDeclined
	if t.Message = tx.ProcessorResponseText; t.Message == "" {
		t.Message = "The bank declined the payment."
	}
	return t, nil
}

// reference is ours: the order id. A clone has its origin's, which is of the same order, and ours in its channel.
func reference(tx *bt.Transaction) string {
	before := func(text string) string { return text[:max(0, strings.LastIndexByte(text, '-'))] }
	if order := before(tx.Channel); order != "" && order == before(tx.OrderId) {
		return tx.Channel
	}
	return tx.OrderId
}

// token is that of the payment method in the vault, if the sale was paid by one.
func token(tx *bt.Transaction) string {
	var all []string
	if c := tx.CreditCard; c != nil {
		all = append(all, c.Token)
	}
	if a := tx.ApplePayDetails; a != nil {
		all = append(all, a.Token)
	}
	if a := tx.AndroidPayDetails; a != nil {
		all = append(all, a.Token)
	}
	if w := tx.PayPalDetails; w != nil {
		all = append(all, w.Token)
	}
	if w := tx.VenmoAccountDetails; w != nil {
		all = append(all, w.Token)
	}
	return cmp.Or(all...)
}

// checks reads what the gateway and the bank found out.
func checks(tx *bt.Transaction) payment.Checks {
	c := payment.Checks{AVSError: string(tx.AVSErrorResponseCode), AVSPostal: string(tx.AVSPostalCodeResponseCode), AVSStreet: string(tx.AVSStreetAddressResponseCode),
		CVV: string(tx.CVVResponseCode), Instrument: instrument(tx)}
	if s := tx.ThreeDSecureInfo; s != nil {
		c.SecureStatus, c.SecureEnrolled, c.LiabilityShifted, c.ShiftPossible = string(s.Status), string(s.Enrolled), s.LiabilityShifted, s.LiabilityShiftPossible
	}
	if r := tx.RiskData; r != nil {
		c.GatewayDecision, c.GatewayRiskID = r.Decision, r.ID
	}
	return c
}

// instrument is a digest of what tells one card or wallet from another: the gateway names cards by an identifier once they are in the
// vault alone, so that it is made of what they show.
func instrument(tx *bt.Transaction) string {
	var parts []string
	if c := tx.CreditCard; c != nil {
		parts = append(parts, c.Bin, c.Last4, c.ExpirationMonth, c.ExpirationYear)
	}
	if a := tx.ApplePayDetails; a != nil {
		parts = append(parts, a.CardType, a.Last4)
	}
	if a := tx.AndroidPayDetails; a != nil {
		parts = append(parts, a.CardType, a.Last4)
	}
	if w := tx.PayPalDetails; w != nil {
		parts = append(parts, w.PayerEmail)
	}
	if w := tx.VenmoAccountDetails; w != nil {
		parts = append(parts, w.Username)
	}
	text := strings.Join(parts, "\x00")
	if strings.Trim(text, "\x00") == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

// amountOf reads the amount exactly: it may have fewer decimals than its currency, or more that are zero.
func amountOf(tx *bt.Transaction) (money.Amount, error) {
	currency, err := money.ParseCurrency(tx.CurrencyISOCode)
	if err != nil {
		return money.Amount{}, err
	}
	return scaled(tx.Amount.Unscaled, tx.Amount.Scale, currency)
}

// exact reads a decimal text as an amount; nothing is zero.
func exact(text string, currency money.Currency) (money.Amount, error) {
	if text == "" {
		return money.Zero(currency), nil
	}
	var d bt.Decimal
	if err := d.UnmarshalText([]byte(text)); err != nil {
		return money.Amount{}, err
	}
	return scaled(d.Unscaled, d.Scale, currency)
}

func scaled(minor int64, scale int, currency money.Currency) (money.Amount, error) {
	for ; scale > currency.Exponent() && minor%10 == 0; scale-- {
		minor /= 10
	}
	if scale > currency.Exponent() {
		return money.Amount{}, fmt.Errorf("%w: %d×10^-%d %s", money.ErrFormat, minor, scale, currency)
	}
	a, err := money.New(minor, currency), error(nil)
	for ; scale < currency.Exponent() && err == nil; scale++ {
		a, err = a.Mul(10)
	}
	return a, err
}
