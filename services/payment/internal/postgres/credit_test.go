package postgres

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
)

func issue(t testing.TB, s *Store, id string, minor int64, until time.Time) payment.Credit {
	t.Helper()
	c, replayed, err := s.Issue(t.Context(), app.Issue{ID: id, Amount: usd(minor), ExpiresAt: until, Actor: "staff:7"}, app.CodeOf{Hash: []byte(id), End: "ABCDE"}, now)
	if err != nil || replayed {
		t.Fatal(replayed, err)
	}
	return c
}

// auditCredit compares a credit with the sums of its ledger.
func auditCredit(t testing.TB, s *Store, id string) payment.Credit {
	t.Helper()
	c, err := s.Credit(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	var balance, held, last int64
	if err := s.pool.QueryRow(t.Context(), `SELECT sum(amount), sum(held), count(*) FROM credit_ledger WHERE credit_id = $1`, id).Scan(&balance, &held, &last); err != nil {
		t.Fatal(err)
	}
	if c.Balance.Minor != balance || c.Held.Minor != held || c.Version != last {
		t.Errorf("%s has %d and holds %d at version %d, its ledger says %d, %d, %d", id, c.Balance.Minor, c.Held.Minor, c.Version, balance, held, last)
	}
	return c
}

func TestACreditIsIssuedOnce(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	i := app.Issue{ID: "c", CustomerID: "ada", Amount: usd(500), Reason: "sorry", Actor: "staff:7", Hash: []byte("h")}
	errs := testkit.Race(20, func(int) error {
		c, _, err := s.Issue(t.Context(), i, app.CodeOf{}, now)
		if err == nil && (c.Balance != usd(500) || c.Kind != payment.StoreCredit || c.CustomerID != "ada") {
			return fmt.Errorf("%+v", c)
		}
		return err
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	other := i
	other.Hash = []byte("other")
	if _, _, err := s.Issue(t.Context(), other, app.CodeOf{}, now); fault.CodeOf(err) != app.ErrReused.Code {
		t.Errorf("the id for something else: %v", err)
	}
	if c := auditCredit(t, s, "c"); c.Version != 1 {
		t.Errorf("%+v", c)
	}
	var audits int
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM audit_log WHERE entity = 'credit/c' AND actor = 'staff:7' AND action = 'credit_issue'`).Scan(&audits); err != nil || audits != 1 {
		t.Errorf("%d entries of the audit log: %v", audits, err)
	}
}

// Many take from one credit at once: nobody takes what is not there, and each operation takes once.
func TestAdjustmentsNeverTakeWhatIsNotThere(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	issue(t, s, "c", 1000, time.Time{})
	errs := testkit.Race(30, func(i int) error {
		_, _, err := s.Adjust(t.Context(), app.Adjustment{OperationID: fmt.Sprint("op", i%15), CreditID: "c", Amount: usd(-100), Reason: "r", Actor: "staff:7"}, now)
		return err
	})
	refused := 0
	for _, err := range errs {
		switch {
		case fault.CodeOf(err) == payment.ErrBalance.Code:
			refused++
		case err != nil:
			t.Error(err)
		}
	}
	if c := auditCredit(t, s, "c"); !c.Balance.IsZero() || c.Version != 11 || refused != 10 {
		t.Errorf("%d refused, %+v", refused, c)
	}
	once := app.Adjustment{OperationID: "once", CreditID: "c", Amount: usd(5), Reason: "r"}
	for name, m := range map[string]app.Adjustment{
		app.ErrReused.Code:   {OperationID: "once", CreditID: "c", Amount: usd(6), Reason: "r"},
		app.ErrNoCredit.Code: {OperationID: "x", CreditID: "nobody", Amount: usd(5), Reason: "r"},
		app.ErrCurrency.Code: {OperationID: "y", CreditID: "c", Amount: money.New(5, "EUR"), Reason: "r"},
	} {
		if _, _, err := s.Adjust(t.Context(), once, now); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Adjust(t.Context(), m, now); fault.CodeOf(err) != name {
			t.Errorf("%v, want %s", err, name)
		}
	}
	auditCredit(t, s, "c")
}

func TestWhatHasRunOutIsEmptiedOnce(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	for i := range 25 {
		issue(t, s, fmt.Sprint("c", i), 100, now.Add(time.Hour))
	}
	issue(t, s, "later", 100, now.Add(2*time.Hour))
	issue(t, s, "never", 100, time.Time{})
	total := make([]int, 4)
	errs := testkit.Race(4, func(i int) error {
		for range 5 {
			n, err := s.Expire(t.Context(), now.Add(time.Hour), 10)
			total[i] += n
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil || total[0]+total[1]+total[2]+total[3] != 25 {
		t.Errorf("%v emptied: %v", total, err)
	}
	for i := range 25 {
		if c := auditCredit(t, s, fmt.Sprint("c", i)); !c.Balance.IsZero() || c.Version != 2 {
			t.Errorf("%+v", c)
		}
	}
	for _, id := range []string{"later", "never"} {
		if c := auditCredit(t, s, id); c.Balance != usd(100) {
			t.Errorf("%+v", c)
		}
	}
}

// What the core promises stands in the database as well.
func TestTheDatabaseKeepsCreditRight(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	issue(t, s, "c", 100, time.Time{})
	for _, sql := range []string{
		`UPDATE credits SET balance = -1`, `UPDATE credits SET held = -1`, `UPDATE credits SET kind = 'store_credit'`, `UPDATE credits SET code_hash = NULL`,
		`UPDATE credit_ledger SET amount = 1`, `DELETE FROM credit_ledger`, `TRUNCATE credit_ledger`,
		`INSERT INTO credit_ledger SELECT credit_id, 2, type, operation_id, payment_id, currency, amount, held, balance, reason, actor, at FROM credit_ledger`,
	} {
		if _, err := pool.Exec(t.Context(), sql); err == nil {
			t.Errorf("%s was done", sql)
		}
	}
	auditCredit(t, s, "c")
}
