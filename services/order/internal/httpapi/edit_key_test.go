package httpapi_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sidecart/sidecart/services/order/internal/app"
	"github.com/sidecart/sidecart/services/order/internal/ordertest"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

// One key is one request, also when two come at once and when the answer to the first was lost: the other one is refused, and edits nothing.
func TestOneKeyForTwoEdits(t *testing.T) {
	t.Parallel()
	s, id, _ := mugs(t)
	body := func(n int) string { return fmt.Sprintf(`{"lines":[{"line_id":"l1","quantity":1}],"note":"%d"}`, n) }
	var answers [4]int
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = s.edit(id, "key-1", body(i%2)).Status })
	}
	all.Wait()
	made := s.editIs(id, "done")
	for i, status := range answers {
		if want := map[bool]int{true: 201, false: 422}[made.Note == fmt.Sprint(i%2)]; status != want {
			t.Errorf("body %d was answered %d, and %q was made", i%2, status, made.Note)
		}
	}
	if _, err := s.pool.Exec(t.Context(), `DELETE FROM idempotency_keys`); err != nil {
		t.Fatal(err)
	}
	s.edit(id, "key-1", body(2)).Problem(422, "idempotency-key-reused")
	var again orderapi.Edit
	s.edit(id, "key-1", fmt.Sprintf(`{"lines":[{"line_id":"l1","quantity":1}],"note":%q}`, made.Note)).Want(201).JSON(&again)
	if again.ID != made.ID || s.editIs(id, "done").Number != 1 {
		t.Errorf("%+v", again)
	}
}

// Each edit keeps the order as it was, so there is an end to them.
func TestTooManyEdits(t *testing.T) {
	t.Parallel()
	s, id, _ := mugs(t)
	_, err := s.pool.Exec(t.Context(), `UPDATE orders SET edit_number = 30, edits = (SELECT jsonb_agg(jsonb_build_object('id', n::text, 'number', n, 'status', 'done', 'lines', '[]'::jsonb)) FROM generate_series(1, 30) n) WHERE id = $1`, id)
	if err != nil {
		t.Fatal(err)
	}
	s.edit(id, "key-1", `{"lines":[{"line_id":"l1","quantity":1}],"preview":true}`).Problem(409, "too-many-edits")
	s.edit(id, "key-2", `{"lines":[{"line_id":"l1","quantity":1}]}`).Problem(409, "too-many-edits")
}

// An edit that was refused is pending until what was taken for it is free: until then no other is taken.
func TestARefusedEditIsOverWhenItIsOver(t *testing.T) {
	t.Parallel()
	s, id, _ := mugs(t)
	var away atomic.Bool
	s.shelf.Lie = func() error {
		if away.Load() {
			return ordertest.Unknown
		}
		return nil
	}
	s.bank.Next = func(step string, c app.MoneyCommand) (answer app.MoneyAnswer) {
		if step == "authorise" && c.PaymentID == id+"-1000001" {
			answer = app.MoneyAnswer{Outcome: app.MoneyDeclined, DeclineCode: "2001"}
			away.Store(true)
		}
		return answer
	}
	s.edit(id, "key-1", `{"add":[{"sku":"mug","quantity":1}]}`).Want(201)
	s.reaches(id, "editing_back")
	s.waitsAgain(id)
	if e := s.editIs(id, "pending"); e.DoneAt != nil || e.Problem != "payment-declined" {
		t.Errorf("%+v", e)
	}
	s.edit(id, "key-2", `{"lines":[{"line_id":"l1","quantity":1}]}`).Problem(409, "edit-in-progress")
	away.Store(false)
	s.turnClock(time.Minute)
	s.app.Driver().Sweep(t.Context())
	s.editIs(id, "refused")
	s.edit(id, "key-3", `{"lines":[{"line_id":"l1","quantity":1}]}`).Want(201)
	s.editIs(id, "done")
}
