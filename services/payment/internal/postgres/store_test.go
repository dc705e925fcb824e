package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

func usd(minor int64) money.Amount { return money.New(minor, "USD") }

func open(t testing.TB) (*Store, *pgxpool.Pool) {
	t.Helper()
	pool := testkit.Schema(t, Migrations()...)
	return New(pool, outbox.New(pool, outbox.Options{Source: "payment"})), pool
}

func opening(order string) app.Start {
	p := payment.New(order+"-1", order, 1, app.Provider, "usd", usd(1000))
	return app.Start{New: &p, Record: app.Record{Operation: payment.Operation{ID: order + "-a", PaymentID: p.ID, Kind: payment.Authorise, Amount: p.Amount}}}
}

func moving(kind payment.Kind, order, operation string) app.Start {
	return app.Start{Whole: true, Record: app.Record{Operation: payment.Operation{ID: operation, PaymentID: order + "-1", Kind: kind}}}
}

// capturing is what order asks for: an amount.
func capturing(order string, a money.Amount) app.Start {
	st := moving(payment.Capture, order, order+"-c")
	st.Whole, st.Amount = false, a
	return st
}

func begin(t testing.TB, s *Store, st app.Start, at time.Time) app.Begun {
	t.Helper()
	b, err := s.Begin(t.Context(), st, at)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func done(l app.Lease, typ payment.EventType, r payment.Result) app.Done {
	return app.Done{Outcome: payment.Outcome{Result: r, Amount: l.Amount, TransactionID: "tx1"},
		Event: &payment.Event{Version: l.Payment.Version + 1, Type: typ, OperationID: l.ID, Amount: l.Amount, TransactionID: "tx1", At: now}}
}

func record(t testing.TB, s *Store, l app.Lease, typ payment.EventType) {
	t.Helper()
	if err := s.Record(t.Context(), l, done(l, typ, payment.Succeeded), now); err != nil {
		t.Fatal(err)
	}
}

func authorised(t testing.TB, s *Store, order string) {
	t.Helper()
	record(t, s, begin(t, s, opening(order), now).Lease, payment.Authorised)
}

// What an order costs here: authorise and capture, without a second look.
func TestStatementsPerOrder(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	ctx, counter := pg.WithCounter(t.Context())
	b, err := s.Begin(ctx, opening("o"), now)
	if err != nil || !b.Fresh || !b.Mine {
		t.Fatalf("%+v %v", b, err)
	}
	if n := counter.Statements(); n != 1 {
		t.Errorf("begin an authorisation: %d statements, want 1", n)
	}
	if err := s.Record(ctx, b.Lease, done(b.Lease, payment.Authorised, payment.Succeeded), now); err != nil {
		t.Fatal(err)
	}
	if n := counter.Statements(); n != 2 {
		t.Errorf("authorised: %d statements, want 2", n)
	}
	if b, err = s.Begin(ctx, capturing("o", usd(1000)), now); err != nil || !b.Fresh || !b.Mine {
		t.Fatalf("%+v %v", b, err)
	}
	if n := counter.Statements(); n != 3 {
		t.Errorf("begin a capture: %d statements, want 3", n)
	}
	if err := s.Record(ctx, b.Lease, done(b.Lease, payment.Captured, payment.Succeeded), now); err != nil {
		t.Fatal(err)
	}
	if n := counter.Statements(); n != 4 {
		t.Errorf("captured: %d statements, want 4", n)
	}
	var events int
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM outbox`).Scan(&events); err != nil || events != 0 {
		t.Errorf("%d events for others (%v), want none: order tells of what it asked for", events, err)
	}
}

// Each capture comes to what payment.Decide says of it, whether it is begun in one statement or under a lock.
func TestEachCaptureIsDecidedAlike(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	for i, status := range payment.Statuses() {
		for j, live := range []string{"", "other"} {
			for k, amount := range []money.Amount{usd(1000), usd(400), usd(1001), money.New(1000, "EUR")} {
				order := fmt.Sprintf("o%d%d%d", i, j, k)
				authorised(t, s, order)
				captured := 0
				if status == payment.StatusCaptured || status == payment.StatusRefunded {
					captured = 1000
				}
				if _, err := pool.Exec(t.Context(), `UPDATE payments SET status = $2, live_operation = $3, captured = $4 WHERE id = $1`, order+"-1", string(status), live, captured); err != nil {
					t.Fatal(err)
				}
				before, err := s.Payment(t.Context(), order+"-1")
				if err != nil {
					t.Fatal(err)
				}
				plan, want := payment.Decide(before, payment.Capture, &amount, false)
				b, err := s.Begin(t.Context(), capturing(order, amount), now)
				if fmt.Sprint(err) != fmt.Sprint(want) {
					t.Errorf("%s, live %q, %s: %v, want %v", status, live, amount, err, want)
				}
				if want != nil {
					continue
				}
				asks := b.Outcome.Result == payment.StillUnknown
				if asks != (plan.Outcome == nil) || !asks && b.Outcome != *plan.Outcome || b.Amount != plan.Amount {
					t.Errorf("%s, %s: %+v, want %+v", status, amount, b.Record, plan)
				}
				if asks && (b.Payment.Version != before.Version+1 || b.Payment.Live != b.ID) {
					t.Errorf("%s, %s: the payment is %+v", status, amount, b.Payment)
				}
			}
		}
	}
}

// The same capture from all sides at once begins once, and its id serves no other payment.
func TestACaptureBeginsOnce(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	authorised(t, s, "o")
	authorised(t, s, "p")
	fresh := make(chan bool, 12)
	errs := testkit.Race(12, func(int) error {
		b, err := s.Begin(context.Background(), capturing("o", usd(1000)), now)
		fresh <- b.Fresh
		return err
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	n := 0
	for range 12 {
		if <-fresh {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d began it", n)
	}
	st := capturing("p", usd(1000))
	st.ID = "o-c"
	if _, err := s.Begin(t.Context(), st, now); !errors.Is(err, app.ErrReused) {
		t.Errorf("an id of another payment: %v", err)
	}
}

func TestTheRowIsTheFoldOfTheLog(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	authorised(t, s, "o")
	record(t, s, begin(t, s, moving(payment.Capture, "o", "c"), now).Lease, payment.Captured)
	refund := moving(payment.Refund, "o", "r")
	refund.Whole, refund.Amount = false, usd(300)
	record(t, s, begin(t, s, refund, now).Lease, payment.Refunded)
	row, err := s.Payment(t.Context(), "o-1")
	if err != nil {
		t.Fatal(err)
	}
	events, err := s.Events(t.Context(), "o-1")
	if err != nil || len(events) != 6 {
		t.Fatalf("%d events %v", len(events), err)
	}
	folded, err := payment.Fold(payment.New("o-1", "o", 1, app.Provider, "usd", usd(1000)), events)
	if err != nil || !reflect.DeepEqual(folded, row) || row.Refunded != usd(300) || row.Captured != usd(1000) {
		t.Errorf("row %+v, folded %+v %v", row, folded, err)
	}
	if _, err := s.Events(t.Context(), "nobody"); !errors.Is(err, app.ErrNotFound) {
		t.Errorf("events of nobody: %v", err)
	}
}

func TestEventsAreAnnouncedWithTheirSums(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	authorised(t, s, "o")
	record(t, s, begin(t, s, moving(payment.Capture, "o", "c"), now).Lease, payment.Captured)
	record(t, s, begin(t, s, moving(payment.Refund, "o", "r"), now).Lease, payment.Refunded)
	var raw []byte
	if err := pool.QueryRow(t.Context(), `SELECT data FROM outbox WHERE subject = 'o-1' AND type = $1`, paymentapi.TypeRefundedV1).Scan(&raw); err != nil {
		t.Fatal(err)
	}
	var got paymentapi.MoneyMovedV1
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	want := paymentapi.MoneyMovedV1{Sequence: 1, PaymentID: "o-1", OrderID: "o", Attempt: 1, OperationID: "r", Amount: usd(1000), TransactionID: "tx1",
		Captured: usd(1000), Refunded: usd(1000), OccurredAt: now}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestOneLiveOperation(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	authorised(t, s, "o")
	errs := testkit.Race(12, func(i int) error {
		kind := []payment.Kind{payment.Capture, payment.Void}[i%2]
		_, err := s.Begin(context.Background(), moving(kind, "o", fmt.Sprint("op", i)), now)
		return err
	})
	if n := testkit.Wins(errs); n != 1 {
		t.Errorf("%d operations began: %v", n, errs)
	}
	for _, err := range errs {
		if err != nil && !errors.Is(err, payment.ErrBusy) {
			t.Error(err)
		}
	}
}

func TestOneBeginsAndOthersFindIt(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	fresh := make(chan bool, 20)
	errs := testkit.Race(20, func(int) error {
		b, err := s.Begin(context.Background(), opening("o"), now)
		fresh <- b.Fresh && b.Mine
		return err
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	n := 0
	for range 20 {
		if <-fresh {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d began it", n)
	}
}

// A lease is one caller's until it runs out, and the one who lost it cannot write.
func TestLeases(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	first := begin(t, s, opening("o"), now)
	if b := begin(t, s, opening("o"), now.Add(app.LeaseTime-1*time.Second)); b.Mine || b.Fresh {
		t.Error("a lease was taken while it held")
	}
	late := now.Add(app.LeaseTime)
	errs := testkit.Race(8, func(int) error {
		leases, err := s.Due(context.Background(), late, 10)
		if err == nil && len(leases) == 0 {
			err = errors.New("nothing is due")
		}
		return err
	})
	if n := testkit.Wins(errs); n != 1 {
		t.Errorf("%d took the lease: %v", n, errs)
	}
	for name, err := range map[string]error{
		"sent":     s.Sent(t.Context(), first.Lease, now),
		"postpone": s.Postpone(t.Context(), first.Lease, now),
		"record":   s.Record(t.Context(), first.Lease, done(first.Lease, payment.Authorised, payment.Succeeded), now),
	} {
		if !errors.Is(err, app.ErrLost) {
			t.Errorf("%s with a lost lease: %v", name, err)
		}
	}
	if p, _ := s.Payment(t.Context(), "o-1"); p.Status != payment.StatusAuthorising {
		t.Errorf("payment %+v", p)
	}
	second := begin(t, s, opening("o"), late.Add(app.LeaseTime))
	if !second.Mine || second.Fresh || second.Stamp != 3 {
		t.Errorf("%+v", second)
	}
	record(t, s, second.Lease, payment.Authorised)
	if err := s.Record(t.Context(), second.Lease, done(second.Lease, payment.Authorised, payment.Succeeded), now); err == nil {
		t.Error("an answer was recorded twice")
	}
}

func TestPostponedIsDueLater(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	b := begin(t, s, opening("o"), now)
	b.Tries = 3
	if err := s.Postpone(t.Context(), b.Lease, now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if leases, err := s.Due(t.Context(), now.Add(59*time.Second), 10); err != nil || len(leases) != 0 {
		t.Errorf("%+v %v", leases, err)
	}
	leases, err := s.Due(t.Context(), now.Add(time.Minute), 10)
	if err != nil || len(leases) != 1 || leases[0].Tries != 3 || leases[0].Payment.ID != "o-1" || leases[0].Outcome.Result != payment.StillUnknown {
		t.Errorf("%+v %v", leases, err)
	}
}

func TestListPages(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	for i := range 5 {
		b := begin(t, s, opening(fmt.Sprint("o", i)), now.Add(time.Duration(i/2)*time.Second))
		if i == 3 {
			record(t, s, b.Lease, payment.Authorised)
		}
	}
	var ids []string
	f := Filter{Limit: 2}
	for {
		page, err := s.List(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, p := range page {
			ids = append(ids, p.OrderID)
		}
		last := page[len(page)-1]
		f.After, f.AfterID = last.CreatedAt, last.ID
	}
	if got := fmt.Sprint(ids); got != "[o4 o3 o2 o1 o0]" {
		t.Errorf("pages %s", got)
	}
	if some, err := s.List(t.Context(), Filter{Status: "authorised", Limit: 9}); err != nil || len(some) != 1 || some[0].OrderID != "o3" {
		t.Errorf("%+v %v", some, err)
	}
	if some, err := s.List(t.Context(), Filter{OrderID: "o1", Currency: "EUR", Limit: 9}); err != nil || len(some) != 0 {
		t.Errorf("%+v %v", some, err)
	}
}

func TestStaffAreAudited(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	authorised(t, s, "o")
	st := moving(payment.Capture, "o", "c")
	st.Actor, st.Reason = "staff:7", "by phone"
	begin(t, s, st, now)
	var actor, action, entity string
	var before, after []byte
	if err := pool.QueryRow(t.Context(), `SELECT actor, action, entity, before, after FROM audit_log`).Scan(&actor, &action, &entity, &before, &after); err != nil {
		t.Fatal(err)
	}
	if actor != "staff:7" || action != "capture" || entity != "payment/o-1" || len(before) == 0 || len(after) == 0 {
		t.Errorf("%s %s %s %s %s", actor, action, entity, before, after)
	}
}

func TestConstraints(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	authorised(t, s, "o")
	begin(t, s, moving(payment.Capture, "o", "c"), now)
	for constraint, sql := range map[string]string{
		"payments_captured":           `UPDATE payments SET captured = authorised + 1`,
		"payments_refunded":           `UPDATE payments SET refunded = 1`,
		"payments_order_attempt":      `INSERT INTO payments SELECT 'other', order_id, attempt, provider, account, currency, amount, status, 0, 0, 0, '', '', 1, created_at, updated_at FROM payments`,
		"payment_events_once":         `INSERT INTO payment_events SELECT * FROM payment_events WHERE version = 1`,
		"payment_operations_answered": `UPDATE payment_operations SET result = 'succeeded' WHERE operation_id = 'c'`,
		"payment_operations_one_live": `UPDATE payment_operations SET result = 'pending', answered_at = NULL WHERE operation_id = 'o-a'`,
		"payment_operations_kind":     `UPDATE payment_operations SET kind = 'steal'`,
	} {
		if _, err := pool.Exec(t.Context(), sql); !pg.Violates(err, constraint) {
			t.Errorf("%s does not hold: %v", constraint, err)
		}
	}
	for _, sql := range []string{`UPDATE payment_events SET amount = 0`, `DELETE FROM payment_events`, `TRUNCATE payment_events`} {
		if _, err := pool.Exec(t.Context(), sql); pg.Code(err) != "23001" {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

// The open payments are found by index, however many are done with.
func TestOpenPrefersWhatIsAuthorised(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	for _, order := range []string{"a", "b", "c", "d"} {
		authorised(t, s, order)
	}
	record(t, s, begin(t, s, moving(payment.Capture, "a", "ca"), now).Lease, payment.Captured)
	record(t, s, begin(t, s, moving(payment.Void, "b", "vb"), now).Lease, payment.Voided)
	all, err := s.Open(t.Context(), now.Add(time.Minute), now)
	var ids []string
	for _, p := range all {
		ids = append(ids, p.OrderID)
	}
	if got := fmt.Sprint(ids); err != nil || len(ids) != 3 || ids[2] != "a" {
		t.Errorf("open %s %v", got, err)
	}
	if all, err := s.Open(t.Context(), now.Add(time.Minute), now.Add(-time.Second)); err != nil || len(all) != 0 {
		t.Errorf("what has just changed: %+v %v", all, err)
	}
}

// However many wait for people, or are authorised otherwise, what else is open is found.
func TestOpenSeesPastWhatWaits(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	waiting := func(prefix, review string, until any) {
		t.Helper()
		if _, err := pool.Exec(t.Context(), `INSERT INTO payments (id, order_id, attempt, provider, account, currency, amount, status, authorised, captured, refunded, transaction_id,
			live_operation, version, created_at, updated_at, review, review_until) SELECT $1 || n, $1 || n, 1, 'bank_transfer', '', 'USD', 1000, 'authorised', 1000, 0, 0, '', '', 2, $2, $2, $3, $4
			FROM generate_series(1, 600) n`, prefix, now.Add(-time.Hour), review, until); err != nil {
			t.Fatal(err)
		}
	}
	waiting("w", "pending", now.Add(24*time.Hour))
	authorised(t, s, "lost")
	authorised(t, s, "taken")
	record(t, s, begin(t, s, moving(payment.Capture, "taken", "c"), now).Lease, payment.Captured)
	ids := func(at time.Time) (ids []string) {
		t.Helper()
		all, err := s.Open(t.Context(), at, now)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range all {
			ids = append(ids, p.OrderID)
		}
		return ids
	}
	if got := ids(now.Add(time.Minute)); !slices.Equal(got, []string{"lost", "taken"}) {
		t.Errorf("open are %q", got)
	}
	if got := ids(now.Add(24 * time.Hour)); len(got) != openAtOnce+1 || got[openAtOnce] != "taken" {
		t.Errorf("%d are open once their time is over, the last is %s", len(got), got[len(got)-1])
	}
	waiting("a", "", nil)
	if got := ids(now.Add(time.Minute)); len(got) != openAtOnce+1 || got[openAtOnce] != "taken" {
		t.Errorf("%d are open, the last is %s", len(got), got[len(got)-1])
	}
}
