package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

func told(dispute string, status payment.DisputeStatus, hours int) payment.Notification {
	at := now.Add(time.Duration(hours) * time.Hour)
	r := &payment.DisputeReport{DisputeID: dispute, TransactionID: "tx1", Reference: "o-1", Status: status, Kind: "chargeback", Reason: "fraud", Amount: usd(1000), Won: usd(0),
		ReplyBy: time.Date(2026, 3, 11, 0, 0, 0, 0, time.UTC), OpenedAt: now, At: at}
	return payment.Notification{ID: fmt.Sprintf("%s %s %d", dispute, status, hours), Kind: "dispute_" + string(status), At: at, Dispute: r}
}

func take(t *testing.T, s *Store, n payment.Notification) (fresh bool, alarm string) {
	t.Helper()
	fresh, alarm, err := s.Take(t.Context(), n, now)
	if err != nil {
		t.Fatal(err)
	}
	return fresh, alarm
}

func disputeEvents(t *testing.T, pool *pgxpool.Pool) (types []string, last paymentapi.DisputeV1) {
	t.Helper()
	rows, err := pool.Query(t.Context(), `SELECT type, data FROM outbox WHERE type LIKE 'payment.dispute%' ORDER BY subject, sequence`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var raw []byte
		if err := rows.Scan(&name, &raw); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &last); err != nil {
			t.Fatal(err)
		}
		types = append(types, name)
	}
	return types, last
}

// However often and in whatever order notifications come, the dispute is the same and others hear of it alike; each counts once.
func TestNotificationsInAnyOrderAndTwice(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 1))
	for range 6 {
		s, pool := open(t)
		authorised(t, s, "o")
		all := []payment.Notification{told("d", payment.DisputeOpen, 0), told("d", payment.DisputeDisputed, 1), told("d", payment.DisputeUnderReview, 2), told("d", payment.DisputeWon, 3)}
		all[3].Dispute.Won = usd(1000)
		all = append(all, all...)
		dice.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		seen := map[string]bool{}
		for _, n := range all {
			if fresh, alarm := take(t, s, n); fresh == seen[n.ID] || alarm != "" {
				t.Errorf("%s: fresh %t, seen %t, alarm %q", n.ID, fresh, seen[n.ID], alarm)
			}
			seen[n.ID] = true
		}
		d, err := s.Dispute(t.Context(), "d")
		if err != nil || d.Status != payment.DisputeWon || d.Won != usd(1000) || d.PaymentID != "o-1" || !d.ReplyBy.Equal(all[0].Dispute.ReplyBy) {
			t.Errorf("%+v %v", d, err)
		}
		log, err := s.DisputeLog(t.Context(), "d")
		if err != nil || len(log) != 4 {
			t.Errorf("%+v %v", log, err)
		}
		types, last := disputeEvents(t, pool)
		want := paymentapi.DisputeV1{Sequence: 2, PaymentID: "o-1", OrderID: "o", Attempt: 1, DisputeID: "d", TransactionID: "tx1", Status: "won", Kind: "chargeback", Reason: "fraud",
			Amount: usd(1000), Won: usd(1000), ReplyBy: "2026-03-11", OccurredAt: now.Add(3 * time.Hour)}
		if fmt.Sprint(types) != "[payment.dispute_opened.v1 payment.dispute_closed.v1]" || last != want {
			t.Errorf("%v %+v", types, last)
		}
	}
}

// The same notification from all sides at once counts once, and so do many of one dispute.
func TestNotificationsRace(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	authorised(t, s, "o")
	fresh := make(chan bool, 16)
	errs := testkit.Race(16, func(i int) error {
		n := told("d", []payment.DisputeStatus{payment.DisputeOpen, payment.DisputeLost}[i%2], i%2)
		first, _, err := s.Take(context.Background(), n, now)
		fresh <- first
		return err
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	n := 0
	for range 16 {
		if <-fresh {
			n++
		}
	}
	types, _ := disputeEvents(t, pool)
	if n != 2 || len(types) != 2 {
		t.Errorf("%d were fresh, others heard %v", n, types)
	}
}

func TestADisputeOfNobodyRaisesAnAlarm(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	n := told("d", payment.DisputeOpen, 0)
	n.Dispute.TransactionID, n.Dispute.Reference = "stranger", "stranger"
	if fresh, alarm := take(t, s, n); !fresh || alarm == "" {
		t.Errorf("%t %q", fresh, alarm)
	}
	if d, err := s.Dispute(t.Context(), "d"); err != nil || d.PaymentID != "" {
		t.Errorf("%+v %v", d, err)
	}
	if types, _ := disputeEvents(t, pool); len(types) != 0 {
		t.Errorf("others heard %v", types)
	}
	// The answer to our sale was lost: the gateway's order id still names the payment.
	authorised(t, s, "o")
	byOrder := told("d2", payment.DisputeOpen, 0)
	byOrder.Dispute.TransactionID = "not heard of"
	if _, alarm := take(t, s, byOrder); alarm != "" {
		t.Errorf("alarm %q", alarm)
	}
}

func TestDisbursementsAreKept(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	pay := func(id string, success bool, hours int) payment.Notification {
		d := &payment.Disbursement{ID: id, Account: "usd", Amount: usd(5000), Day: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), Success: success, NotifiedAt: now.Add(time.Duration(hours) * time.Hour),
			TransactionIDs: []string{"tx1"}}
		if !success {
			d.Exception, d.FollowUp = "bank_rejected", "update_funding_information"
		}
		return payment.Notification{ID: fmt.Sprint(id, success, hours), Kind: "disbursement", At: d.NotifiedAt, Disbursement: d}
	}
	if _, alarm := take(t, s, pay("b", true, 2)); alarm != "" {
		t.Errorf("alarm %q", alarm)
	}
	if _, alarm := take(t, s, pay("b", false, 1)); alarm == "" { // older: it was paid out in the end
		t.Error("a failed disbursement rang nobody")
	}
	take(t, s, pay("a", false, 1))
	take(t, s, payment.Notification{ID: "c", Kind: "check", At: now})
	all, err := s.Disbursements(t.Context(), false, time.Time{}, "", 9)
	if err != nil || len(all) != 2 || all[0].ID != "b" || !all[0].Success || all[0].Amount != usd(5000) || all[0].TransactionIDs[0] != "tx1" {
		t.Errorf("%+v %v", all, err)
	}
	if failed, err := s.Disbursements(t.Context(), true, time.Time{}, "", 9); err != nil || len(failed) != 1 || failed[0].ID != "a" || failed[0].FollowUp == "" {
		t.Errorf("%+v %v", failed, err)
	}
	if rest, err := s.Disbursements(t.Context(), false, all[0].At, all[0].ID, 9); err != nil || len(rest) != 1 || rest[0].ID != "a" {
		t.Errorf("%+v %v", rest, err)
	}
}

func TestDisputePagesAndFilters(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	authorised(t, s, "o")
	for i, status := range []payment.DisputeStatus{payment.DisputeOpen, payment.DisputeWon, payment.DisputeOpen} {
		n := told(fmt.Sprint("d", i), status, 0)
		n.Dispute.OpenedAt = now.Add(time.Duration(i/2) * time.Hour)
		take(t, s, n)
	}
	ids := func(f DisputeFilter) (ids string) {
		all, err := s.Disputes(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range all {
			ids += d.DisputeID + " "
		}
		return ids
	}
	for want, f := range map[string]DisputeFilter{
		"d2 d1 ":    {Limit: 2},
		"d0 ":       {Limit: 2, After: now, AfterID: "d1"},
		"d2 d0 ":    {Limit: 9, Status: "open"},
		"d2 d1 d0 ": {Limit: 9, PaymentID: "o-1", OrderID: "o"},
		"":          {Limit: 9, OrderID: "p"},
	} {
		if got := ids(f); got != want {
			t.Errorf("%+v: %q, want %q", f, got, want)
		}
	}
}

func TestActsBeginOnce(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	authorised(t, s, "o")
	take(t, s, told("d", payment.DisputeOpen, 0))
	act := app.Act{OperationID: "op", DisputeID: "d", Kind: payment.AddEvidence, Evidence: app.Evidence{Text: "x"}, Actor: "staff:7", Hash: []byte{1}}
	mine := make(chan bool, 12)
	errs := testkit.Race(12, func(int) error {
		r, err := s.BeginAct(context.Background(), act, now)
		mine <- r.Mine
		return err
	})
	n := 0
	for range 12 {
		if <-mine {
			n++
		}
	}
	if err := errors.Join(errs...); err != nil || n != 1 {
		t.Fatalf("%d may work on it, %v", n, err)
	}
	for name, change := range map[string]func(a *app.Act){
		"other text":    func(a *app.Act) { a.Evidence.Text = "y" },
		"other kind":    func(a *app.Act) { a.Kind = payment.AcceptDispute },
		"other request": func(a *app.Act) { a.Hash = nil },
	} {
		other := act
		change(&other)
		if _, err := s.BeginAct(t.Context(), other, now); !errors.Is(err, app.ErrReused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if r, err := s.BeginAct(t.Context(), act, now.Add(app.LeaseTime)); err != nil || !r.Mine || !r.Replayed || r.Result != payment.StillUnknown {
		t.Errorf("a lease that ran out: %+v %v", r, err)
	}
	for range 2 { // the second finds it answered
		if err := s.AnswerAct(t.Context(), app.ActRecord{Act: act, Result: payment.Succeeded}, now); err != nil {
			t.Fatal(err)
		}
	}
	if r, err := s.BeginAct(t.Context(), act, now.Add(time.Hour)); err != nil || r.Mine || r.Result != payment.Succeeded {
		t.Errorf("answered: %+v %v", r, err)
	}
	if acts, err := s.DisputeActs(t.Context(), "d"); err != nil || len(acts) != 1 || acts[0].Evidence.Text != "x" {
		t.Errorf("%+v %v", acts, err)
	}
	var audits int
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM audit_log WHERE entity = 'dispute/d' AND actor = 'staff:7' AND action = 'evidence'`).Scan(&audits); err != nil || audits != 1 {
		t.Errorf("%d audit lines %v", audits, err)
	}
	act.DisputeID = "nobody"
	if _, err := s.BeginAct(t.Context(), act, now); !errors.Is(err, app.ErrNoDispute) {
		t.Errorf("a dispute of nobody: %v", err)
	}
}

func TestConstraintsOfCases(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	authorised(t, s, "o")
	n := told("d", payment.DisputeOpen, 0)
	n.Dispute.Amount = money.New(1000, "USD")
	take(t, s, n)
	for constraint, sql := range map[string]string{
		"disputes_status":            `UPDATE disputes SET status = 'odd'`,
		"disputes_amount":            `UPDATE disputes SET amount = -1`,
		"disputes_won":               `UPDATE disputes SET won = -1`,
		"gateway_notifications_once": `INSERT INTO gateway_notifications SELECT * FROM gateway_notifications`,
		"dispute_events_once":        `INSERT INTO dispute_events SELECT * FROM dispute_events`,
		"dispute_acts_kind":          `INSERT INTO dispute_acts (operation_id, dispute_id, kind, content, category, actor, result, created_at) VALUES ('a', 'd', 'steal', '', '', '', 'pending', now())`,
		"dispute_acts_answered":      `INSERT INTO dispute_acts (operation_id, dispute_id, kind, content, category, actor, result, created_at) VALUES ('a', 'd', 'accept', '', '', '', 'succeeded', now())`,
		"dispute_acts_dispute":       `INSERT INTO dispute_acts (operation_id, dispute_id, kind, content, category, actor, result, created_at) VALUES ('a', 'x', 'accept', '', '', '', 'pending', now())`,
	} {
		if _, err := pool.Exec(t.Context(), sql); !pg.Violates(err, constraint) {
			t.Errorf("%s does not hold: %v", constraint, err)
		}
	}
	for _, sql := range []string{`UPDATE dispute_events SET amount = 0`, `DELETE FROM dispute_events`, `TRUNCATE dispute_events`} {
		if _, err := pool.Exec(t.Context(), sql); pg.Code(err) != "23001" {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

// Replicas that look at settlements at once share them; each is settled once.
func TestSettlementsAreShared(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	for i := range 20 {
		order := fmt.Sprint("o", i)
		authorised(t, s, order)
		record(t, s, begin(t, s, moving(payment.Capture, order, order+"-c"), now).Lease, payment.Captured)
	}
	due := now.Add(app.SettleFirst)
	took := make(chan app.Unsettled, 200)
	errs := testkit.Race(8, func(int) error {
		for range 10 {
			all, err := s.Unsettled(context.Background(), due, 3)
			if err != nil {
				return err
			}
			for _, u := range all {
				took <- u
			}
		}
		return nil
	})
	close(took)
	seen := map[string]app.Unsettled{}
	for u := range took {
		if _, twice := seen[u.ID]; twice || u.Tries != 1 {
			t.Errorf("%s was taken again, try %d", u.ID, u.Tries)
		}
		seen[u.ID] = u
	}
	if err := errors.Join(errs...); err != nil || len(seen) != 20 {
		t.Fatalf("%d taken, %v", len(seen), err)
	}
	u := seen["o1-1"]
	e := payment.Event{Version: u.Version + 1, Type: payment.Settled, OperationID: "settlement", Amount: u.Captured, At: due}
	wins := make(chan bool, 8)
	errs = testkit.Race(8, func(int) error {
		won, err := s.Settle(context.Background(), u.Payment, e, "")
		wins <- won
		return err
	})
	n := 0
	for range 8 {
		if <-wins {
			n++
		}
	}
	if err := errors.Join(errs...); err != nil || n != 1 {
		t.Errorf("settled %d times, %v", n, err)
	}
	var left int
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM payments WHERE settle_due_at IS NOT NULL`).Scan(&left); err != nil || left != 19 {
		t.Errorf("%d left to look at, %v", left, err)
	}
}
