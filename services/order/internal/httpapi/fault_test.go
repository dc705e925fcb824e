package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/order/internal/app"
	"github.com/sidecart/sidecart/services/order/internal/daprio"
	. "github.com/sidecart/sidecart/services/order/internal/httpapi"
	"github.com/sidecart/sidecart/services/order/internal/ordertest"
	"github.com/sidecart/sidecart/services/order/internal/postgres"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// statements counts everything that goes to the database, BEGIN and COMMIT too.
type statements struct{ n atomic.Int64 }

func (s *statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	s.n.Add(1)
	return ctx
}
func (*statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
func (s *statements) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}
func (s *statements) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) { s.n.Add(1) }
func (*statements) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)       {}

// poolOf opens a further pool on a test's schema.
func poolOf(t *testing.T, change func(c *pgxpool.Config)) *pgxpool.Pool {
	t.Helper()
	c := testkit.Schema(t, postgres.Migrations()...).Config().Copy()
	change(c)
	pool, err := pgxpool.NewWithConfig(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// From the command to the captured order: the command, the authorisation, the allocation, the capture, each recorded in one statement;
// nothing is read, and no transaction is opened.
func TestStatementsOfAnOrder(t *testing.T) {
	t.Parallel()
	count := &statements{}
	s := openOn(t, poolOf(t, func(c *pgxpool.Config) { c.ConnConfig.Tracer = count }), "")
	s.place(newID(t), 1) // connections, prepared statements
	before := count.n.Load()
	if r := s.place(newID(t), 1); r.Outcome != orderapi.OutcomeConfirmed {
		t.Fatalf("%+v", r)
	}
	if n := count.n.Load() - before; n != 4 {
		t.Errorf("an order costs %d statements, 4 were promised", n)
	}
}

// stumbling is a store that loses each second answer before it is recorded.
type stumbling struct {
	app.Store
	answers atomic.Int64
}

func (f *stumbling) Save(ctx context.Context, c app.Change) (app.Record, *app.Lease, error) {
	if c.Stamp != 0 && f.answers.Add(1)%2 == 1 {
		return c.After, nil, away
	}
	return f.Store.Save(ctx, c)
}

// An answer that cannot be recorded is asked for again by the driver's loop; who waits gets the order, and nothing runs twice.
func TestAnswersThatCannotBeRecorded(t *testing.T) {
	t.Parallel()
	s := open(t)
	a := s.replicaOn(&stumbling{Store: s.store})
	if err := a.Driver().Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	id := newID(t)
	wait := a.Waiter(id)
	defer wait.Close()
	if err := a.Place(t.Context(), ordertest.Snapshot(id, 1)); err != nil {
		t.Fatal(err)
	}
	if r, err := wait.Outcome(t.Context(), 1, WaitLimit); err != nil || r.Outcome != orderapi.OutcomeConfirmed {
		t.Errorf("%+v, %v", r, err)
	}
	if ran := s.bank.Executed(); len(ran) != 2 || s.shelf.Of("shirt") != 8 {
		t.Errorf("the bank ran %q, %d shirts left", ran, s.shelf.Of("shirt"))
	}
}

// slow is a store that commits after its caller's patience has ended, as Postgres does under load.
type slow struct {
	app.Store
	begun    func() // the first change
	patience context.Context
}

func (f slow) Save(ctx context.Context, c app.Change) (app.Record, *app.Lease, error) {
	f.begun()
	<-f.patience.Done()
	rec, lease, err := f.Store.Save(context.WithoutCancel(ctx), c)
	if gone := ctx.Err(); gone != nil {
		return rec, nil, gone
	}
	return rec, lease, err
}

// Whoever has recorded a command also performs what follows, though nobody waits for the record any more: no loop runs here that
// would find the effect when its lease is over.
func TestRecordedAfterTheCallerHasGone(t *testing.T) {
	t.Parallel()
	s := open(t)
	patience, leave := context.WithCancel(t.Context())
	begun := make(chan struct{})
	a := s.replicaOn(slow{s.store, sync.OnceFunc(func() { close(begun) }), patience})
	id := newID(t)
	wait := a.Waiter(id)
	defer wait.Close()
	placed := make(chan error)
	go func() { placed <- a.Place(patience, ordertest.Snapshot(id, 1)) }()
	<-begun
	leave()
	<-placed // whatever the caller was told
	if r, err := wait.Outcome(t.Context(), 1, 10*time.Second); err != nil || r.Outcome != orderapi.OutcomeConfirmed {
		t.Errorf("%+v, %v", r, err)
	}
}

// Who waits for the second attempt may still be told of the first, and must not take that for an answer.
func TestToldOfTheAttemptBefore(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.bank.Next = func(_ string, c app.MoneyCommand) app.MoneyAnswer {
		if c.Attempt == 1 {
			return app.MoneyAnswer{Outcome: app.MoneyDeclined, DeclineCode: "2001"}
		}
		return app.MoneyAnswer{}
	}
	id := newID(t)
	wait := s.app.Waiter(id)
	defer wait.Close()
	if r := s.place(id, 1); r.Outcome != orderapi.OutcomeDeclined {
		t.Fatalf("%+v", r)
	}
	if err := s.replica().Place(t.Context(), ordertest.Snapshot(id, 2)); err != nil {
		t.Fatal(err)
	}
	if r, err := wait.Outcome(t.Context(), 2, 10*time.Second); err != nil || r.Outcome != orderapi.OutcomeConfirmed {
		t.Errorf("%+v, %v", r, err)
	}
}

// A command with a key needs one connection at a time: with one connection in all, twenty of them must get through.
func TestKeyedCommandsShareOneConnection(t *testing.T) {
	t.Parallel()
	s := openOn(t, poolOf(t, func(c *pgxpool.Config) { c.MaxConns, c.MinConns = 1, 0 }), "")
	id := newID(t)
	token := s.place(id, 1).Order.AccessToken
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				s.client.With("Idempotency-Key", fmt.Sprint("k", i%5)).Do("POST", "/v1/orders/"+id+"/cancel?access_token="+token, `{"reason":"x"}`).Want(200)
			})
		}
		wg.Wait()
	}()
	select {
	case <-done:
	case <-ctx.Done():
		t.Fatal("the commands wait for each other")
	}
}

func TestNumbersGrow(t *testing.T) {
	t.Parallel()
	s := open(t)
	if _, err := s.pool.Exec(t.Context(), `SELECT setval('order_numbers', 999998)`); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"SC-999999", "SC-1000000", "SC-1000001"} {
		if r := s.place(newID(t), 1); r.Order == nil || r.Order.Number != want {
			t.Fatalf("%+v, want %s", r, want)
		}
	}
}

// flaky is a store that can be told to fail.
type flaky struct {
	app.Store
	load atomic.Pointer[error]
}

func (f *flaky) Load(ctx context.Context, id string) (app.Record, error) {
	if err := f.load.Load(); err != nil {
		return app.Record{}, *err
	}
	return f.Store.Load(ctx, id)
}

var away = fault.New(fault.Unavailable, "database-unavailable", "away")

// "Unavailable" means to checkout that nothing has happened. Once an attempt may be recorded, nobody may say so.
func TestDatabaseAwayAfterAnAttemptWasRecorded(t *testing.T) {
	t.Parallel()
	s := open(t)
	store := &flaky{Store: s.store}
	a := s.replicaOn(store)
	id := newID(t)
	if err := a.Place(t.Context(), ordertest.Snapshot(id, 1)); err != nil {
		t.Fatal(err)
	}
	s.reaches(id, "confirmed")
	var cause error = away
	store.load.Store(&cause)
	wait := s.replicaOn(store).Waiter(id) // one that recorded it may just be telling
	defer wait.Close()
	if r, err := wait.Outcome(t.Context(), 1, 300*time.Millisecond); err != nil || r.Outcome != orderapi.OutcomePending {
		t.Errorf("waiting answered %+v, %v", r, err)
	}
	if err := a.Place(t.Context(), ordertest.Snapshot(id, 1)); fault.KindOf(err) != fault.Timeout {
		t.Errorf("the command again: %v", err)
	}
	store.load.Store(nil)
	if err := a.Place(t.Context(), ordertest.Snapshot(id, 1)); err != nil {
		t.Errorf("the command once more: %v", err)
	}
}

// Inventory takes the stock, its answer is lost, and the next try is refused for whatever reason: the stock is given back too.
func TestRefusedAllocationIsReleased(t *testing.T) {
	t.Parallel()
	s := open(t)
	var calls atomic.Int32
	s.shelf.Lie = func() error { calls.Add(1); return ordertest.Unknown }
	s.shelf.Err = func() error {
		if calls.Load() > 0 {
			return fault.New(fault.Conflict, "allocation-differs", "no")
		}
		return nil
	}
	id := newID(t)
	if err := s.app.Place(t.Context(), ordertest.Snapshot(id, 1)); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, 20*time.Second, func() error {
		s.turnClock(2 * time.Second)
		s.app.Driver().Sweep(t.Context())
		rec, err := s.store.Load(t.Context(), id)
		if err == nil && rec.State != "attempt_failed" {
			err = errors.New(string(rec.State))
		}
		return err
	})
	if left := s.shelf.Of("shirt"); left != 10 {
		t.Errorf("%d shirts left, want all 10", left)
	}
	if ran := s.bank.Executed(); !slices.Equal(ran, []string{"authorise " + id + "-1", "void " + id + "-1"}) {
		t.Errorf("the bank ran %q", ran)
	}
}

// A driver that stops has nothing to perform an effect with; somebody else takes it at once, not after the lease.
func TestStoppedDriverGivesBack(t *testing.T) {
	t.Parallel()
	s := open(t)
	stopped := s.replica()
	_ = stopped.Driver().Stop(t.Context())
	id := newID(t)
	if err := stopped.Place(t.Context(), ordertest.Snapshot(id, 1)); err != nil {
		t.Fatal(err)
	}
	s.app.Driver().Sweep(t.Context())
	s.reaches(id, "confirmed")
}

// A refused void of lonely money is asked for again later, as a new operation: the first one would be refused for ever.
func TestReconcilerAsksAgain(t *testing.T) {
	t.Parallel()
	s := open(t)
	lonely := newID(t)
	if _, err := s.bank.Authorise(t.Context(), app.MoneyCommand{OperationID: "x", PaymentID: lonely + "-1", OrderID: lonely, Amount: ordertest.Total}); err != nil {
		t.Fatal(err)
	}
	s.bank.Next = func(string, app.MoneyCommand) app.MoneyAnswer {
		return app.MoneyAnswer{Outcome: app.MoneyDeclined, DeclineCode: "91504"}
	}
	r := app.NewReconciler(s.app, s.store, s.bank, s.bank, nil)
	for range 2 {
		if err := r.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	s.bank.Next = nil
	s.turnClock(5 * time.Minute)
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if ran := s.bank.Executed(); ran[len(ran)-1] != "void "+lonely+"-1" {
		t.Errorf("the bank ran %q", ran)
	}
}

// What staff do is audited with the change itself, and may be asked for twice.
func TestStaffIsAudited(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := newID(t)
	token := s.place(id, 1).Order.AccessToken
	staff := s.client.Staff(s.signer, ScopeRead, ScopeWrite).With("Idempotency-Key", "k")
	path := "/v1/admin/orders/" + id + "/transitions"
	staff.Do("POST", path, `{"to":"picking","note":"shelf 4"}`).Want(200)
	if a := staff.Do("POST", path, `{"to":"picking","note":"shelf 4"}`).Want(200); a.Header.Get("Idempotency-Replayed") != "true" {
		t.Error("the repeat was not a replay")
	}
	if _, err := s.app.Transition(t.Context(), id, "staff:tester", "picking", "shelf 4"); err != nil {
		t.Errorf("a turn that runs twice: %v", err)
	}
	var n int
	var actor, entity, before, after string
	err := s.pool.QueryRow(t.Context(), `SELECT count(*) OVER (), actor, entity, before->>'state', after::text FROM audit_log`).Scan(&n, &actor, &entity, &before, &after)
	if err != nil || n != 1 || actor != "staff:tester" || entity != "order/"+id || before != "confirmed" || !strings.Contains(after, "picking") || !strings.Contains(after, "shelf 4") {
		t.Errorf("audited %d: %s %s %s %s (%v)", n, actor, entity, before, after, err)
	}
	var line Timeline
	s.client.Do("GET", "/v1/orders/"+id+"/timeline?access_token="+token, nil).Want(200).JSON(&line)
	if last := line.Items[len(line.Items)-1]; last.Actor != "staff" {
		t.Errorf("a guest is told of %q", last.Actor)
	}
	var kept int
	if err := s.pool.QueryRow(t.Context(), `SELECT count(*) FROM idempotency_keys i WHERE i::text LIKE '%'||$1||'%'`, token).Scan(&kept); err != nil || kept != 0 {
		t.Errorf("the guest's capability is kept with a key of staff (%v)", err)
	}
}

// An earlier attempt answers with what was short then, whatever came after.
func TestFormerShortages(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.shelf.Left["shirt"] = 1
	id := newID(t)
	s.place(id, 1)
	s.shelf.Left["shirt"] = 5
	s.place(id, 2)
	r := s.place(id, 1)
	if r.Outcome != orderapi.OutcomeOutOfStock || len(r.Shortages) != 1 || r.Shortages[0] != (orderapi.Shortage{SKU: "shirt", Requested: 2, Available: 1}) {
		t.Errorf("%+v", r)
	}
}

// After an outage many effects are due at once: a sweep takes up a bounded number, the others stay free for other replicas.
func TestSweepTakesABoundedNumber(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.shelf.Left["shirt"] = 1000
	dead := s.dead()
	const orders = 150
	for range orders {
		if err := dead.Place(t.Context(), ordertest.Snapshot(newID(t), 1)); err != nil {
			t.Fatal(err)
		}
	}
	s.turnClock(app.LeaseTime + time.Second)
	answers := make(chan struct{})
	s.bank.Next = func(string, app.MoneyCommand) app.MoneyAnswer { <-answers; return app.MoneyAnswer{} }
	for range 2 {
		s.app.Driver().Sweep(t.Context())
	}
	var taken int
	if err := s.pool.QueryRow(t.Context(), `SELECT count(*) FROM order_effects WHERE tries = 1`).Scan(&taken); err != nil || taken != 128 {
		t.Errorf("%d of %d effects were taken up (%v)", taken, orders, err)
	}
	close(answers)
	testkit.Eventually(t, 20*time.Second, func() error {
		s.app.Driver().Sweep(t.Context())
		var left int
		err := s.pool.QueryRow(t.Context(), `SELECT count(*) FROM orders WHERE state <> 'confirmed'`).Scan(&left)
		if err == nil && left > 0 {
			err = fmt.Errorf("%d orders are left", left)
		}
		return err
	})
}

// An answer that is kept with a key holds a name and an address: it goes with the key, after a day.
func TestOldKeysAreForgotten(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := newID(t)
	path := "/v1/orders/" + id + "/cancel?access_token=" + s.place(id, 1).Order.AccessToken
	s.client.With("Idempotency-Key", "old").Do("POST", path, `{"reason":"x"}`).Want(200)
	if _, err := s.pool.Exec(t.Context(), `UPDATE idempotency_keys SET created_at = now() - interval '25 hours'`); err != nil {
		t.Fatal(err)
	}
	s.client.With("Idempotency-Key", "young").Do("POST", path, `{"reason":"x"}`).Want(200)
	jobs := daprkit.NewJobs(slog.New(slog.DiscardHandler))
	if all := daprio.Jobs(jobs, app.NewReconciler(s.app, s.store, s.bank, s.bank, nil), s.store.Prune); len(all) != 2 {
		t.Errorf("jobs %+v", all)
	}
	router := chi.NewRouter()
	daprkit.Mount(router, daprkit.Routes{AppID: "order", AppToken: "t", Jobs: jobs})
	for _, job := range []string{"prune", "reconcile"} {
		r := httptest.NewRequest("POST", "/job/"+job, nil)
		r.Header.Set("dapr-api-token", "t")
		w := httptest.NewRecorder()
		router.ServeHTTP(w, r)
		if w.Code != 200 {
			t.Errorf("%s: %d %s", job, w.Code, w.Body)
		}
	}
	var keys string
	if err := s.pool.QueryRow(t.Context(), `SELECT string_agg(key, ' ') FROM idempotency_keys`).Scan(&keys); err != nil || keys != "young" {
		t.Errorf("kept: %s (%v)", keys, err)
	}
}
