package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/pkg/testkit/apitest"
	"github.com/sidecart/sidecart/services/order/internal/app"
	. "github.com/sidecart/sidecart/services/order/internal/httpapi"
	"github.com/sidecart/sidecart/services/order/internal/order"
	"github.com/sidecart/sidecart/services/order/internal/ordertest"
	"github.com/sidecart/sidecart/services/order/internal/postgres"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// shop is the whole service on a real database, with a bank and a shelf for neighbours. Its clock can be turned.
type shop struct {
	t     *testing.T
	pool  *pgxpool.Pool
	store *postgres.Store
	app   *app.App
	bank  *ordertest.Bank
	shelf *ordertest.Shelf
	ahead *atomic.Int64

	settled atomic.Bool
	client  apitest.Client
	signer  *auth.Signer
	files   string // of the machine
	carts   *ordertest.Carts
	prices  *ordertest.Prices
}

func open(t *testing.T) *shop {
	t.Helper()
	return openOn(t, testkit.Schema(t, postgres.Migrations()...), "")
}

func openOn(t *testing.T, pool *pgxpool.Pool, files string) *shop {
	t.Helper()
	s := &shop{t: t, pool: pool, files: files, carts: &ordertest.Carts{}, prices: &ordertest.Prices{}, store: postgres.New(pool, outbox.New(pool, outbox.Options{Source: "order"})),
		bank: &ordertest.Bank{}, shelf: &ordertest.Shelf{Left: map[string]int64{"shirt": 10}}, ahead: &atomic.Int64{}}
	s.app = s.replica()
	var verifier *auth.Verifier
	s.signer, verifier = apitest.Signer(t)
	server := httpx.New(httpx.Config{Name: "order", Verifier: verifier})
	Register(server, s.app, ordertest.Door{App: s.app}, s.store, Neighbours{Carts: s.carts, Prices: s.prices}, s.entity())
	s.client = apitest.Client{T: t, Handler: server}
	return s
}

// replica is another process of the service on the same database.
func (s *shop) replica() *app.App { return s.replicaOn(s.store) }

func (s *shop) replicaOn(store app.Store) *app.App {
	machines, err := app.ReadMachines(s.files)
	if err == nil {
		err = s.store.CheckMachines(s.t.Context(), machines.Prints())
	}
	if err != nil {
		s.t.Fatal(err)
	}
	a := app.New(machines, store, s.bank, s.shelf, func() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }, slog.New(slog.DiscardHandler))
	s.t.Cleanup(func() { _ = a.Driver().Stop(context.Background()) })
	return a
}

// dead is a replica that records, and dies before it performs anything or gives anything back.
func (s *shop) dead() *app.App {
	a := s.replicaOn(keeper{s.store})
	_ = a.Driver().Stop(s.t.Context())
	return a
}

// keeper never gives a lease back.
type keeper struct{ app.Store }

func (keeper) Postpone(context.Context, app.Lease, time.Time) error { return errors.New("too late") }

func (s *shop) turnClock(d time.Duration) { s.ahead.Add(int64(d)) }

func newID(t *testing.T) string {
	t.Helper()
	id, err := uuid.NewV7()
	if err != nil {
		t.Fatal(err)
	}
	return id.String()
}

func (s *shop) place(id string, attempt int) orderapi.PlaceResult {
	s.t.Helper()
	var r orderapi.PlaceResult
	s.client.As("checkout").Do("POST", orderapi.PathOrders+id+"/place", ordertest.Snapshot(id, attempt)).Want(200).JSON(&r)
	return r
}

// reaches waits until an order is in a state.
func (s *shop) reaches(id string, state order.State) app.Record {
	s.t.Helper()
	var rec app.Record
	testkit.Eventually(s.t, 10*time.Second, func() (err error) {
		if rec, err = s.store.Load(s.t.Context(), id); err == nil && rec.State != state {
			err = fmt.Errorf("the order is %s, not %s", rec.State, state)
		}
		return err
	})
	return rec
}

// events returns the types announced of an order, in their sequence.
func (s *shop) events(id string) (types []string) {
	s.t.Helper()
	rows, err := s.pool.Query(s.t.Context(), `SELECT type, sequence FROM outbox WHERE subject = $1 ORDER BY sequence`, id)
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	for n := int64(1); rows.Next(); n++ {
		var typ string
		var sequence int64
		if err := rows.Scan(&typ, &sequence); err != nil || sequence != n {
			s.t.Fatalf("event %d has sequence %d (%v)", n, sequence, err)
		}
		types = append(types, typ)
	}
	return types
}

func TestPlacedAndConfirmed(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := newID(t)
	r := s.place(id, 1)
	if r.Outcome != orderapi.OutcomeConfirmed || r.Order == nil {
		t.Fatalf("%+v", r)
	}
	o := r.Order
	if o.Number != "SC-000001" || o.Status != "confirmed" || o.PaymentStatus != "captured" || o.CapturedAt == nil || len(o.AccessToken) != 32 {
		t.Errorf("order %+v", o)
	}
	if f := o.Lines[0].Fulfillments; len(f) != 1 || f[0].Quantity != 2 || f[0].LocationID != "main" {
		t.Errorf("fulfilments %+v", f)
	}
	if ran := s.bank.Executed(); !slices.Equal(ran, []string{"authorise " + id + "-1", "capture " + id + "-1"}) {
		t.Errorf("the bank ran %q", ran)
	}
	if got := s.events(id); !slices.Equal(got, []string{orderapi.TypePlacedV1, orderapi.TypeConfirmedV1}) {
		t.Errorf("announced %q", got)
	}
	if left := s.shelf.Of("shirt"); left != 8 {
		t.Errorf("%d shirts left, want 8", left)
	}
	var nonces int
	if err := s.pool.QueryRow(t.Context(), `SELECT count(*) FROM orders o, order_events e WHERE o::text || e::text LIKE '%fake-valid-nonce%'`).Scan(&nonces); err != nil || nonces != 0 {
		t.Errorf("the nonce was kept (%v)", err)
	}
	if again := s.place(id, 1); again.Outcome != orderapi.OutcomeConfirmed || again.Order.Number != o.Number {
		t.Errorf("again: %+v", again)
	}
}

func TestSamePlaceFiftyTimesAtOnce(t *testing.T) {
	t.Parallel()
	s := open(t)
	if err := s.app.Driver().Start(t.Context()); err != nil { // a machine that stalls may cost an answer, which its loop makes up for
		t.Fatal(err)
	}
	id := newID(t)
	results := make([]orderapi.PlaceResult, 50)
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() { results[i] = s.place(id, 1) })
	}
	wg.Wait()
	for i, r := range results {
		if r.Outcome != orderapi.OutcomeConfirmed || r.Order.Number != "SC-000001" {
			t.Errorf("caller %d got %+v", i, r)
		}
	}
	if ran := s.bank.Executed(); len(ran) != 2 {
		t.Errorf("the bank ran %q", ran)
	}
}

func TestDeclinedThenPaid(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := newID(t)
	s.bank.Next = func(step string, c app.MoneyCommand) app.MoneyAnswer {
		if step == "authorise" && c.Attempt == 1 {
			return app.MoneyAnswer{Outcome: app.MoneyDeclined, DeclineCode: "2001", Retryable: true, Message: "Insufficient funds"}
		}
		return app.MoneyAnswer{}
	}
	r := s.place(id, 1)
	if r.Outcome != orderapi.OutcomeDeclined || r.DeclineCode != "2001" || !r.Retryable || r.Order != nil {
		t.Errorf("declined: %+v", r)
	}
	s.client.Do("GET", "/v1/orders/"+id+"?access_token=x", nil).Problem(404, "order-not-found")
	if r := s.place(id, 2); r.Outcome != orderapi.OutcomeConfirmed {
		t.Errorf("second attempt: %+v", r)
	}
	if former := s.place(id, 1); former.Outcome != orderapi.OutcomeDeclined || former.DeclineCode != "2001" {
		t.Errorf("the first attempt is now %+v", former)
	}
	if got := s.events(id); !slices.Equal(got, []string{orderapi.TypeAttemptFailedV1, orderapi.TypePlacedV1, orderapi.TypeConfirmedV1}) {
		t.Errorf("announced %q", got)
	}
}

func TestOutOfStockGivesTheMoneyBack(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.shelf.Left["shirt"] = 1
	id := newID(t)
	r := s.place(id, 1)
	if r.Outcome != orderapi.OutcomeOutOfStock || len(r.Shortages) != 1 || r.Shortages[0] != (orderapi.Shortage{SKU: "shirt", Requested: 2, Available: 1}) {
		t.Errorf("%+v", r)
	}
	if ran := s.bank.Executed(); !slices.Equal(ran, []string{"authorise " + id + "-1", "void " + id + "-1"}) {
		t.Errorf("the bank ran %q", ran)
	}
}

// Every call executes and then reports a time-out: the order is placed nevertheless, and every operation ran once.
func TestEveryAnswerIsLostOnce(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := newID(t)
	lost := map[string]bool{}
	s.bank.Lie = func(_ string, c app.MoneyCommand) error {
		if !lost[c.OperationID] {
			lost[c.OperationID] = true
			return ordertest.Unknown
		}
		return nil
	}
	once := sync.OnceValue(func() error { return ordertest.Unknown })
	calls := 0
	s.shelf.Lie = func() error {
		if calls++; calls == 1 {
			return once()
		}
		return nil
	}
	if err := s.app.Place(t.Context(), ordertest.Snapshot(id, 1)); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, 20*time.Second, func() error {
		s.turnClock(2 * time.Second)
		s.app.Driver().Sweep(t.Context())
		rec, err := s.store.Load(t.Context(), id)
		if err == nil && rec.State != "confirmed" {
			err = errors.New(string(rec.State))
		}
		return err
	})
	if ran := s.bank.Executed(); len(ran) != 2 || s.shelf.Of("shirt") != 8 {
		t.Errorf("the bank ran %q, %d shirts left", ran, s.shelf.Of("shirt"))
	}
}

// A replica records an effect and dies before it performs it; another takes it over when the lease has run out, not before.
func TestAnotherReplicaTakesOver(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := newID(t)
	dead := s.dead()
	if err := dead.Place(t.Context(), ordertest.Snapshot(id, 1)); err != nil {
		t.Fatal(err)
	}
	s.app.Driver().Sweep(t.Context())
	if rec, err := s.store.Load(t.Context(), id); err != nil || rec.State != "authorising" {
		t.Fatalf("%s, %v: the lease was taken before it ran out", rec.State, err)
	}
	s.turnClock(app.LeaseTime + time.Second)
	s.app.Driver().Sweep(t.Context())
	s.reaches(id, "confirmed")
}

// An answer that comes after the lease was lost and the order has moved on changes nothing.
func TestStampFencesALateAnswer(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := newID(t)
	dead := s.dead()
	if err := dead.Place(t.Context(), ordertest.Snapshot(id, 1)); err != nil {
		t.Fatal(err)
	}
	before, err := s.store.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	s.turnClock(app.LeaseTime + time.Second)
	leases, err := s.store.Take(t.Context(), time.Now().Add(app.LeaseTime+time.Second), 10)
	if err != nil || len(leases) != 1 || leases[0].Tries != 1 || leases[0].Payment.Nonce != "fake-valid-nonce" {
		t.Fatalf("took %+v, %v", leases, err)
	}
	machine, _ := app.Machine()
	d, err := machine.Decide(before.Order, order.Event{Name: order.Authorised, Attempt: 1}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	after := before
	after.Order = d.Order
	late := app.Change{Seen: before.Version, After: after, Effect: d.Effect, Stamp: leases[0].Stamp - 1,
		Entry: app.Entry{At: time.Now(), Transition: d.Transition, From: "authorising", To: "allocating", Actor: "driver"}}
	if _, _, err := s.store.Save(t.Context(), late); !errors.Is(err, app.ErrMoved) {
		t.Errorf("the answer of a lost lease was recorded: %v", err)
	}
}

// A driver that has nothing to do stops at once, though its loop runs.
func TestDriverStops(t *testing.T) {
	t.Parallel()
	s := open(t)
	d := s.replica().Driver()
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	for range 2 {
		if err := d.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("stopping took %s", took)
	}
}

func TestUnknownOutcomeAnswersPending(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := newID(t)
	s.bank.Next = func(string, app.MoneyCommand) app.MoneyAnswer {
		return app.MoneyAnswer{Outcome: app.MoneyPending, RetryAfter: time.Hour}
	}
	if err := s.app.Place(t.Context(), ordertest.Snapshot(id, 1)); err != nil {
		t.Fatal(err)
	}
	wait := s.app.Waiter(id)
	defer wait.Close()
	r, err := wait.Outcome(t.Context(), 1, 300*time.Millisecond)
	if err != nil || r.Outcome != orderapi.OutcomePending {
		t.Errorf("%+v, %v", r, err)
	}
	s.client.As("checkout").Do("POST", orderapi.PathOrders+id+"/place", ordertest.Snapshot(id, 2)).Problem(409, "invalid-transition")
}

func TestCancel(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := newID(t)
	token := s.place(id, 1).Order.AccessToken
	path := "/v1/orders/" + id + "/cancel?access_token=" + token
	s.client.Do("POST", "/v1/orders/"+id+"/cancel?access_token="+newID(t)[:32], `{"reason":"x"}`).Problem(404, "order-not-found")
	s.client.With("Idempotency-Key", "blank").Do("POST", path, `{"reason":"  "}`).Problem(422, "validation-failed")
	var o orderapi.Order
	keyed := s.client.With("Idempotency-Key", "k1")
	keyed.Do("POST", path, `{"reason":"changed my mind"}`).Want(200).JSON(&o)
	if o.Status != "cancelled" {
		t.Errorf("order %+v", o)
	}
	if a := keyed.Do("POST", path, `{"reason":"changed my mind"}`).Want(200); a.Header.Get("Idempotency-Replayed") != "true" {
		t.Error("the repeat was not a replay")
	}
	keyed.Do("POST", path, `{"reason":"another"}`).Problem(422, "idempotency-key-reused")
	s.client.Do("POST", path, `{"reason":"once more"}`).Want(200)
	rec := s.reaches(id, "cancelled")
	if rec.Returned != ordertest.Total || rec.CancelReason != "changed my mind" || s.shelf.Of("shirt") != 10 {
		t.Errorf("%s returned for %q, %d shirts", rec.Returned, rec.CancelReason, s.shelf.Of("shirt"))
	}
	if got := s.events(id); got[len(got)-1] != orderapi.TypeCancelledV1 {
		t.Errorf("announced %q", got)
	}
	if a := s.client.Do("GET", "/v1/orders/"+id+"?access_token="+token, nil).Want(200).JSON(&o); a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("an order may be cached: %v", a.Header)
	}
	if o.PaymentStatus != "refunded" || o.CancelledAt == nil {
		t.Errorf("order %+v", o)
	}
}

func TestSettledMoneyIsRefunded(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.bank.Next = func(step string, _ app.MoneyCommand) app.MoneyAnswer {
		if step == "void" {
			return app.MoneyAnswer{Outcome: app.MoneyDeclined, DeclineCode: "settled"}
		}
		return app.MoneyAnswer{}
	}
	id := newID(t)
	s.place(id, 1)
	if _, err := s.app.Cancel(t.Context(), id, "staff:1", "lost"); err != nil {
		t.Fatal(err)
	}
	s.reaches(id, "cancelled")
	if ran := s.bank.Executed(); ran[len(ran)-1] != "refund "+id+"-1" {
		t.Errorf("the bank ran %q", ran)
	}
}

func TestFreeOrderNeedsNoPayment(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := newID(t)
	snapshot := ordertest.Snapshot(id, 1)
	snapshot.Totals.Total, snapshot.Payment = money.Zero("USD"), orderapi.PaymentInput{}
	var r orderapi.PlaceResult
	s.client.As("checkout").Do("POST", orderapi.PathOrders+id+"/place", snapshot).Want(200).JSON(&r)
	if r.Outcome != orderapi.OutcomeConfirmed || len(s.bank.Executed()) != 0 {
		t.Errorf("%+v; the bank ran %q", r, s.bank.Executed())
	}
}

// Two checkouts of one cart, each with its order: one is placed, the other gives money and stock back.
func TestOneCartOneOrder(t *testing.T) {
	t.Parallel()
	s := open(t)
	ids := []string{newID(t), newID(t)}
	outcomes := map[string]int{}
	for _, id := range ids {
		snapshot := ordertest.Snapshot(id, 1)
		snapshot.CartID = "the-cart"
		var r orderapi.PlaceResult
		s.client.As("checkout").Do("POST", orderapi.PathOrders+id+"/place", snapshot).Want(200).JSON(&r)
		outcomes[r.Outcome]++
	}
	if outcomes[orderapi.OutcomeConfirmed] != 1 || outcomes[orderapi.OutcomeFailed] != 1 || s.shelf.Of("shirt") != 8 {
		t.Errorf("outcomes %v, %d shirts left", outcomes, s.shelf.Of("shirt"))
	}
	if ran := s.bank.Executed(); ran[len(ran)-1] != "void "+ids[1]+"-1" {
		t.Errorf("the bank ran %q", ran)
	}
}

func TestAbandon(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.bank.Next = func(string, app.MoneyCommand) app.MoneyAnswer { return app.MoneyAnswer{Outcome: app.MoneyDeclined} }
	id := newID(t)
	s.place(id, 1)
	checkout := s.client.As("checkout")
	abandon := func(id string) (r orderapi.PlaceResult) {
		checkout.Do("POST", orderapi.PathOrders+id+"/abandon", nil).Want(200).JSON(&r)
		return r
	}
	for range 2 {
		if r := abandon(id); r.Outcome != orderapi.OutcomeAbandoned || r.Attempt != 1 {
			t.Errorf("%+v", r)
		}
	}
	if r := abandon(newID(t)); r.Outcome != orderapi.OutcomeAbandoned {
		t.Errorf("nobody's order: %+v", r)
	}
	s.reaches(id, "abandoned")
	checkout.Do("POST", orderapi.PathOrders+id+"/place", ordertest.Snapshot(id, 2)).Problem(409, "invalid-transition")
	placed := newID(t)
	s.bank.Next = nil
	s.place(placed, 1)
	if r := abandon(placed); r.Outcome != orderapi.OutcomeConfirmed || r.Order == nil || r.Order.AccessToken == "" {
		t.Errorf("a placed order: %+v", r)
	}
	if rec, err := s.store.Load(t.Context(), placed); err != nil || rec.State != "confirmed" {
		t.Errorf("a placed order became %s (%v)", rec.State, err)
	}
}

func TestReconcilerMends(t *testing.T) {
	t.Parallel()
	s := open(t)
	dead := s.dead()
	lost := newID(t) // its effect's row is gone, as no code would do
	if err := dead.Place(t.Context(), ordertest.Snapshot(lost, 1)); err != nil {
		t.Fatal(err)
	}
	// what is rescheduled has no means of payment any more: it ends as declined, and the shopper may try again
	s.bank.Next = func(step string, c app.MoneyCommand) app.MoneyAnswer {
		if step == "authorise" && c.Means.Nonce == "" {
			return app.MoneyAnswer{Outcome: app.MoneyDeclined, DeclineCode: "no-means"}
		}
		return app.MoneyAnswer{}
	}
	if _, err := s.pool.Exec(t.Context(), `DELETE FROM order_effects`); err != nil {
		t.Fatal(err)
	}
	lonely := newID(t) // money at the gateway, nothing here
	if _, err := s.bank.Authorise(t.Context(), app.MoneyCommand{OperationID: "x", PaymentID: lonely + "-1", OrderID: lonely, Amount: ordertest.Total, Means: orderapi.PaymentInput{Nonce: "n"}}); err != nil {
		t.Fatal(err)
	}
	s.turnClock(time.Minute)
	r := app.NewReconciler(s.app, s.store, s.bank, s.bank, nil)
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if ran := s.bank.Executed(); !slices.Contains(ran, "void "+lonely+"-1") {
		t.Errorf("lonely money stays: %q", ran)
	}
	s.app.Driver().Sweep(t.Context())
	s.reaches(lost, "attempt_failed")
}

func TestStaff(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := newID(t)
	s.place(id, 1)
	s.client.Do("GET", "/v1/admin/orders", nil).Problem(401, "unauthenticated")
	s.client.Staff(s.signer, ScopeRead).Do("POST", "/v1/admin/orders/"+id+"/transitions", `{"to":"picking"}`).Problem(403, "forbidden")
	staff := s.client.Staff(s.signer, ScopeRead, ScopeWrite)
	staff.Do("POST", "/v1/admin/orders/"+id+"/transitions", `{"to":"delivered"}`).Problem(409, "invalid-transition")
	var o StaffOrder
	staff.Do("POST", "/v1/admin/orders/"+id+"/transitions", `{"to":"picking","note":"shelf 4"}`).Want(200).JSON(&o)
	last := o.Timeline[len(o.Timeline)-1]
	if o.Status != "picking" || o.AccessToken != "" || !slices.Equal(o.May, []string{"shipped"}) || last.Actor != "staff:tester" || last.Metadata["note"] != "shelf 4" {
		t.Errorf("%+v", o)
	}
	staff.Do("POST", "/v1/orders/"+id+"/cancel", `{"reason":"x"}`).Problem(409, "not-cancellable")
	var page struct {
		Items      []orderapi.Order
		NextCursor *string `json:"next_cursor"`
	}
	second := newID(t)
	s.place(second, 1)
	staff.Do("GET", "/v1/admin/orders?limit=1", nil).Want(200).JSON(&page)
	if len(page.Items) != 1 || page.Items[0].ID != second || page.NextCursor == nil {
		t.Fatalf("first page %+v", page)
	}
	staff.Do("GET", "/v1/admin/orders?limit=1&cursor="+*page.NextCursor, nil).Want(200).JSON(&page)
	if len(page.Items) != 1 || page.Items[0].ID != id || page.NextCursor != nil {
		t.Errorf("second page %+v", page)
	}
	staff.Do("GET", "/v1/admin/orders?status=picking", nil).Want(200).JSON(&page)
	if len(page.Items) != 1 || page.Items[0].ID != id {
		t.Errorf("picking: %+v", page)
	}
	staff.Do("GET", "/v1/admin/orders?status=flying", nil).Problem(422, "validation-failed")
	staff.Do("GET", "/v1/admin/orders?cursor=%21", nil).Problem(422, "validation-failed")
}

func TestPlaceRefuses(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := newID(t)
	good := ordertest.Snapshot(id, 1)
	path := orderapi.PathOrders + id + "/place"
	s.client.Do("POST", path, good).Problem(403, "forbidden")
	s.client.As("cart").Do("POST", path, good).Problem(403, "forbidden")
	checkout := s.client.As("checkout")
	checkout.Do("POST", orderapi.PathOrders+newID(t)+"/place", good).Problem(422, "validation-failed")
	for name, change := range map[string]func(*orderapi.PlaceRequest){
		"no lines":       func(r *orderapi.PlaceRequest) { r.Lines = []orderapi.PlaceLine{} },
		"no means":       func(r *orderapi.PlaceRequest) { r.Payment = orderapi.PaymentInput{} },
		"two means":      func(r *orderapi.PlaceRequest) { r.Payment.MethodID = "m" },
		"attempt zero":   func(r *orderapi.PlaceRequest) { r.Attempt = 0 },
		"negative total": func(r *orderapi.PlaceRequest) { r.Totals.Total = money.New(-1, "USD") },
	} {
		bad := good
		change(&bad)
		if a := checkout.Do("POST", path, bad); a.Status != 422 {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
	}
	checkout.Do("POST", path, ordertest.Snapshot(id, 3)).Problem(404, "order-not-found")
	checkout.Do("POST", path, `{"order_id":7}`).Want(422)
	s.place(id, 1)
	other := ordertest.Snapshot(newID(t), 1)
	other.CheckoutID = good.CheckoutID
	checkout.Do("POST", orderapi.PathOrders+other.OrderID+"/place", other).Problem(409, "another-order")
	var stored json.RawMessage
	if err := s.pool.QueryRow(t.Context(), `SELECT snapshot -> 'payment' FROM orders WHERE id = $1`, id).Scan(&stored); err != nil || string(stored) != "{}" {
		t.Errorf("the snapshot keeps the means of payment: %s (%v)", stored, err)
	}
}
