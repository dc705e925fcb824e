package reconcile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	bt "github.com/braintree-go/braintree-go"

	"github.com/sidecart/sidecart/pkg/money"
)

// What the gateway's statuses mean for money.
const (
	held  = "held"  // reserved
	taken = "taken" // captured, or on its way back
	gone  = "gone"  // voided, run out, declined at settlement
	never = "never" // declined
)

var meaning = map[bt.TransactionStatus]string{
	bt.TransactionStatusAuthorizing: held, bt.TransactionStatusAuthorized: held,
	bt.TransactionStatusSubmittedForSettlement: taken, bt.TransactionStatusSettlementPending: taken, bt.TransactionStatusSettling: taken,
	bt.TransactionStatusSettlementConfirmed: taken, bt.TransactionStatusSettled: taken,
	bt.TransactionStatusVoided: gone, bt.TransactionStatusAuthorizationExpired: gone, bt.TransactionStatusSettlementDeclined: gone,
	bt.TransactionStatusProcessorDeclined: never, bt.TransactionStatusGatewayRejected: never, bt.TransactionStatusFailed: never,
}

// expected is what the gateway should say for each of our statuses.
var expected = map[string]string{
	"authorised": held, "captured": taken, "refunded": taken, "voided": gone, "settlement_declined": gone, "stray_voided": gone, "stray_refunded": taken,
}

// minor reads the gateway's amount in minor units.
func minor(tx *bt.Transaction) (money.Amount, error) {
	currency, err := money.ParseCurrency(tx.CurrencyISOCode)
	if err != nil {
		return money.Amount{}, err
	}
	units, scale := tx.Amount.Unscaled, tx.Amount.Scale
	for ; scale > currency.Exponent() && units%10 == 0; scale-- {
		units /= 10
	}
	for ; scale < currency.Exponent(); scale++ {
		units *= 10
	}
	if scale != currency.Exponent() {
		return money.Amount{}, fmt.Errorf("%s has too many decimals for %s", tx.Amount, currency)
	}
	return money.New(units, currency), nil
}

// comparison gathers the report.
type comparison struct {
	report Report
	days   map[string]*Day
	o      Options
}

func judge(o Options, ours map[string]entry, theirs map[string]*bt.Transaction) Report {
	j := &comparison{report: Report{From: o.From.Format(time.DateOnly), To: o.To.Format(time.DateOnly), Days: []Day{}, Differences: []Difference{}}, days: map[string]*Day{}, o: o}
	for _, id := range slices.Sorted(maps.Keys(ours)) {
		j.ours(ours[id], theirs[id])
	}
	for _, id := range slices.Sorted(maps.Keys(theirs)) {
		if _, known := ours[id]; !known {
			j.unknown(theirs[id])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(j.days)) {
		j.report.Days = append(j.report.Days, *j.days[key])
	}
	slices.SortFunc(j.report.Differences, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Currency, b.Currency), cmp.Compare(a.TransactionID, b.TransactionID))
	})
	return j.report
}

func (j *comparison) day(at time.Time, c money.Currency) *Day {
	name := at.UTC().Format(time.DateOnly)
	d := j.days[name+string(c)]
	if d == nil {
		d = &Day{Day: name, Currency: c}
		j.days[name+string(c)] = d
	}
	return d
}

func (s *Sum) add(credit bool, a money.Amount) {
	if credit {
		s.Refunds, s.Refunded = s.Refunds+1, s.Refunded+a.Minor
		return
	}
	s.Sales, s.Captured = s.Sales+1, s.Captured+a.Minor
}

func (j *comparison) differ(d *Day, rule string, e entry, transaction, detail string, args ...any) {
	j.report.Differences = append(j.report.Differences, Difference{Rule: rule, Day: d.Day, Currency: d.Currency, PaymentID: e.payment, TransactionID: transaction,
		Detail: fmt.Sprintf(detail, args...)})
}

// ours compares what we know of with what the gateway says of it.
func (j *comparison) ours(e entry, tx *bt.Transaction) {
	at := e.at
	if tx != nil {
		at = *tx.CreatedAt
	}
	if at.Before(j.o.From) || !at.Before(j.o.To) { // of another day
		return
	}
	want, compared := expected[e.status]
	if e.credit {
		want, compared = taken, true
	}
	switch {
	case e.live:
		j.report.UnderWay++
		return
	case !compared: // declined: no money here
		return
	case tx == nil:
		d := j.day(at, e.amount.Currency)
		if want == taken {
			d.Ours.add(e.credit, e.amount)
		}
		if want == held || want == taken {
			j.differ(d, "unknown-there", e, e.transaction, "%s %s here, the gateway has no such transaction", e.amount, e.status)
		}
		return
	}
	j.report.Compared++
	amount, err := minor(tx)
	d := j.day(at, e.amount.Currency)
	if want == taken {
		d.Ours.add(e.credit, e.amount)
	}
	if meaning[tx.Status] == taken {
		j.day(at, cmp.Or(amount.Currency, e.amount.Currency)).Gateway.add(tx.Type == "credit", amount)
	}
	switch {
	case err != nil:
		j.differ(d, "amounts-differ", e, tx.Id, "%s here, the gateway's cannot be read: %v", e.amount, err)
	case meaning[tx.Status] != want:
		j.differ(d, "states-differ", e, tx.Id, "%s here, %s there, over %s", e.status, tx.Status, amount)
	case (want == held || want == taken) && amount != e.amount:
		j.differ(d, "amounts-differ", e, tx.Id, "%s here, %s there", e.amount, amount)
	}
}

// unknown is about a transaction that the gateway has and we do not: a difference when money is held or moved by it.
func (j *comparison) unknown(tx *bt.Transaction) {
	m := meaning[tx.Status]
	if m != held && m != taken && m != "" {
		return
	}
	if tx.CreatedAt.After(j.o.Now.Add(-Grace)) {
		j.report.UnderWay++
		return
	}
	j.report.Compared++
	amount, err := minor(tx)
	currency := cmp.Or(amount.Currency, money.Currency(tx.CurrencyISOCode))
	d := j.day(*tx.CreatedAt, currency)
	if m == taken && err == nil {
		d.Gateway.add(tx.Type == "credit", amount)
	}
	j.differ(d, "unknown-here", entry{}, tx.Id, "%s %s over %s for order id %q", tx.Type, tx.Status, tx.Amount, cmp.Or(tx.Channel, tx.OrderId)) // a clone has its own in the channel
}
