package app_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/sidecart/sidecart/pkg/card"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/payment/internal/app"
	"github.com/sidecart/sidecart/services/payment/internal/payment"
	"github.com/sidecart/sidecart/services/payment/internal/paymenttest"
)

func (g *flaky) KeepMethod(ctx context.Context, customerID, token, nonce string) (m payment.Method, err error) {
	err = g.act("KeepMethod", func() error { m, err = g.Gateway.KeepMethod(ctx, customerID, token, nonce); return err })
	return m, err
}

func (g *flaky) DropMethod(ctx context.Context, token string) error {
	return g.act("DropMethod", func() error { return g.Gateway.DropMethod(ctx, token) })
}

func (g *flaky) Method(ctx context.Context, token string) (payment.Method, error) {
	g.mu.Lock()
	down := g.down
	g.mu.Unlock()
	if down {
		return payment.Method{}, errLost
	}
	return g.Gateway.Method(ctx, token)
}

func (w *world) keep(customer, id string, def bool) payment.Method {
	w.t.Helper()
	r, err := w.vault.Keep(w.t.Context(), app.Keeping{ID: id, CustomerID: customer, Nonce: paymenttest.NonceValid, MakeDefault: def})
	if err != nil || r.Status != payment.MethodStored {
		w.t.Fatalf("%+v %v", r, err)
	}
	return r.Method
}

// kept lists the methods of a customer, with a star at the default.
func (w *world) kept(customer string) (ids string) {
	w.t.Helper()
	all, err := w.vault.Methods(w.t.Context(), customer)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, m := range all {
		if ids += m.ID; m.Default {
			ids += "*"
		}
		ids += " "
	}
	return ids
}

func TestMethodsAreKept(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.keep("c", "m1", false)
	w.clock.Add(1)
	w.keep("c", "m2", false)
	w.keep("other", "x1", false)
	if got := w.kept("c"); got != "m1* m2 " { // the first is the default
		t.Error(got)
	}
	w.keep("c", "m3", true)
	if got := w.kept("c"); got != "m3* m1 m2 " {
		t.Error(got)
	}
	if m, err := w.vault.SetDefault(t.Context(), "c", "m2"); err != nil || !m.Default {
		t.Errorf("%+v %v", m, err)
	}
	if v, err := w.gateway.Gateway.Method(t.Context(), "m2"); err != nil || !v.Default {
		t.Errorf("the gateway has %+v %v", v, err)
	}
	if err := w.vault.Drop(t.Context(), "c", "m2"); err != nil {
		t.Fatal(err)
	}
	if got := w.kept("c"); got != "m1* m3 " {
		t.Error(got)
	}
	if _, err := w.gateway.Gateway.Method(t.Context(), "m2"); !errors.Is(err, app.ErrNoMethod) {
		t.Errorf("the gateway still has it: %v", err)
	}
	for name, err := range map[string]error{
		"drop twice":      w.vault.Drop(t.Context(), "c", "m2"),
		"drop another's":  w.vault.Drop(t.Context(), "c", "x1"),
		"drop of nobody":  w.vault.Drop(t.Context(), "nobody", "m1"),
		"default of gone": func() error { _, err := w.vault.SetDefault(t.Context(), "c", "m2"); return err }(),
		"default another": func() error { _, err := w.vault.SetDefault(t.Context(), "c", "x1"); return err }(),
	} {
		if !errors.Is(err, app.ErrNoMethod) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := w.gateway.Sends("EnsureCustomer"); n != 2 {
		t.Errorf("customers were made %d times for 2 of them", n)
	}
}

// A method is charged for its owner alone; whose it is, nobody else learns.
func TestAMethodPaysForItsOwner(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.keep("c", "m1", false)
	w.keep("c", "gone", false)
	if err := w.vault.Drop(t.Context(), "c", "gone"); err != nil {
		t.Fatal(err)
	}
	for i, tc := range []struct {
		customer, method string
		want             payment.Result
	}{
		{"c", "m1", payment.Succeeded}, {"other", "m1", payment.DeclinedIt}, {"", "m1", payment.DeclinedIt}, {"c", "gone", payment.DeclinedIt}, {"c", "nobody", payment.DeclinedIt},
	} {
		a := authorisation(fmt.Sprint("o", i))
		a.Nonce, a.MethodID, a.CustomerID = "", tc.method, tc.customer
		sends := w.gateway.Sends("Authorise")
		for range 2 { // asked again it answers the same
			got, err := w.app.Authorise(t.Context(), a)
			if err != nil || got.Outcome.Result != tc.want || tc.want == payment.DeclinedIt && got.Outcome.Code != app.CodeMethod {
				t.Errorf("%s with %s: %+v %v", tc.customer, tc.method, got.Outcome, err)
			}
		}
		if n := w.gateway.Sends("Authorise") - sends; (n == 1) != (tc.want == payment.Succeeded) || n > 1 {
			t.Errorf("%s with %s: sent %d times", tc.customer, tc.method, n)
		}
		w.audit(fmt.Sprint("o", i))
	}
}

// Whatever becomes of the call, asking again keeps the method once.
func TestKeepingWithALostAnswer(t *testing.T) {
	t.Parallel()
	for _, f := range []fate{notSent, lostBefore, lostAfter} {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			w := open(t)
			w.keep("c", "first", false)
			w.gateway.always(f)
			k := app.Keeping{ID: "m", CustomerID: "c", Nonce: paymenttest.NonceValid}
			if _, err := w.vault.Keep(t.Context(), k); (err == nil) != (f == lostAfter) || err != nil && !errors.Is(err, app.ErrMethodUnknown) {
				t.Errorf("%v", err)
			}
			w.gateway.always(fine)
			w.clock.Add(app.LeaseTime)
			if r, err := w.vault.Keep(t.Context(), k); err != nil || r.Status != payment.MethodStored {
				t.Errorf("asked again: %+v %v", r, err)
			}
			if got := w.kept("c"); got != "first* m " {
				t.Error(got)
			}
		})
	}
}

func TestMethodsThatAreRefused(t *testing.T) {
	t.Parallel()
	w := open(t)
	k := app.Keeping{ID: "m", CustomerID: "c", Nonce: paymenttest.NonceConsumed}
	for range 2 {
		if _, err := w.vault.Keep(t.Context(), k); !errors.Is(err, app.ErrMethodRefused) {
			t.Errorf("%v", err)
		}
	}
	if n := w.gateway.Sends("KeepMethod"); n != 2 { // once more after the customer was made
		t.Errorf("sent %d times", n)
	}
	if got := w.kept("c"); got != "" {
		t.Error(got)
	}
	k.CustomerID = "other"
	if _, err := w.vault.Keep(t.Context(), k); !errors.Is(err, app.ErrReused) {
		t.Errorf("another's id: %v", err)
	}
	if _, err := w.vault.Keep(t.Context(), app.Keeping{ID: "n", CustomerID: "c", Nonce: "4111111111111111"}); !errors.Is(err, card.ErrRefused) {
		t.Errorf("a card number: %v", err)
	}
	if _, err := w.vault.Keep(t.Context(), app.Keeping{ID: "n", CustomerID: "no good", Nonce: "n"}); err == nil {
		t.Error("an id that is none was taken")
	}
}

// What could not be deleted at the gateway cannot be charged meanwhile, and is deleted later.
func TestDeletingWhileTheGatewayIsAway(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.keep("c", "m", false)
	w.gateway.always(lostBefore)
	if err := w.vault.Drop(t.Context(), "c", "m"); err != nil {
		t.Fatal(err)
	}
	if got := w.kept("c"); got != "" {
		t.Error(got)
	}
	w.gateway.always(fine)
	w.clock.Add(app.LeaseTime)
	for range 2 {
		if err := w.vault.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.gateway.Sends("DropMethod"); n != 1 {
		t.Errorf("deleted %d times", n)
	}
	var status string
	if err := w.pool.QueryRow(t.Context(), `SELECT status FROM payment_methods WHERE id = 'm'`).Scan(&status); err != nil || status != "deleted" {
		t.Errorf("%s %v", status, err)
	}
}

// However many are kept, dropped and made the default at once, a customer with methods has one default.
func TestOneDefault(t *testing.T) {
	t.Parallel()
	w := open(t)
	for i := range 6 {
		w.keep("c", fmt.Sprint("m", i), false)
	}
	errs := testkit.Race(18, func(i int) error {
		ctx := context.Background()
		switch i % 3 {
		case 0:
			_, err := w.vault.SetDefault(ctx, "c", fmt.Sprint("m", i%6))
			return err
		case 1:
			return w.vault.Drop(ctx, "c", fmt.Sprint("m", i%6))
		}
		_, err := w.vault.Keep(ctx, app.Keeping{ID: fmt.Sprint("n", i), CustomerID: "c", Nonce: paymenttest.NonceValid, MakeDefault: true})
		return err
	})
	for _, err := range errs {
		if err != nil && !errors.Is(err, app.ErrNoMethod) {
			t.Error(err)
		}
	}
	var stored, defaults int
	if err := w.pool.QueryRow(t.Context(), `SELECT count(*), count(*) FILTER (WHERE is_default) FROM payment_methods WHERE status = 'stored'`).Scan(&stored, &defaults); err != nil || stored == 0 || defaults != 1 {
		t.Errorf("%d stored, %d defaults, %v", stored, defaults, err)
	}
}
