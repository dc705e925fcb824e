package httpapi_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/order/internal/app"
	. "github.com/sidecart/sidecart/services/order/internal/httpapi"
	"github.com/sidecart/sidecart/services/order/internal/ordertest"
	"github.com/sidecart/sidecart/services/order/internal/postgres"
	"github.com/sidecart/sidecart/services/order/orderapi"
)

const giftWrapping = "../../../../docs/examples/order-gift-wrapping.yaml"

// gift places an order one line of which is to be wrapped.
func (s *shop) gift(metadata string) (id, token string) {
	s.t.Helper()
	id = newID(s.t)
	snapshot := ordertest.Snapshot(id, 1)
	snapshot.Lines[0].Metadata = json.RawMessage(metadata)
	var r orderapi.PlaceResult
	s.client.As("checkout").Do("POST", orderapi.PathOrders+id+"/place", snapshot).Want(200).JSON(&r)
	return id, r.Order.AccessToken
}

func (s *shop) bring(id, to string, status int) (seen StaffOrder) {
	s.t.Helper()
	answer := s.client.Staff(s.signer, ScopeRead, ScopeWrite).Do("POST", "/v1/admin/orders/"+id+"/transitions", fmt.Sprintf(`{"to":%q}`, to)).Want(status)
	if status == 200 {
		answer.JSON(&seen)
	}
	return seen
}

// The example: a gift is wrapped before it is picked, its glue dries for a while, and then it is picked by itself. Not a line of Go knows of it.
func TestAGiftIsWrapped(t *testing.T) {
	t.Parallel()
	s := openOn(t, testkit.Schema(t, postgres.Migrations()...), giftWrapping)
	id, token := s.gift(`{"gift_wrap":true,"card":"For you"}`)
	if seen := s.staffOrder(id); !slices.Equal(seen.May, []string{"wrapping"}) {
		t.Errorf("staff may %q", seen.May)
	}
	s.bring(id, "picking", 409)
	seen := s.bring(id, "wrapping", 200)
	if o := s.order(id, token); o.Status != "confirmed" || o.FulfillmentStatus != "wrapping" || o.PaymentStatus != "captured" || string(o.Lines[0].Metadata) != `{"card":"For you","gift_wrap":true}` {
		t.Errorf("%+v", o)
	}
	if last := seen.Timeline[len(seen.Timeline)-1]; last.What != "wrap" || last.Status != "confirmed" || !slices.Equal(seen.May, []string{"wrapped"}) {
		t.Errorf("%+v, staff may %q", last, seen.May)
	}
	s.bring(id, "wrapping", 200) // again
	s.bring(id, "wrapped", 200)
	s.app.Driver().Sweep(t.Context())
	s.reaches(id, "wrapped")
	s.turnClock(11 * time.Minute)
	s.app.Driver().Sweep(t.Context())
	s.reaches(id, "picking")
	if got := s.events(id); !slices.Equal(got, []string{orderapi.TypePlacedV1, orderapi.TypeConfirmedV1, orderapi.TypeAdvancedV1, orderapi.TypeAdvancedV1}) {
		t.Errorf("announced %q", got)
	}
	s.bring(id, "shipped", 200)
	s.wantTold(id, token, "placed", "confirmed", "wrapping", "wrapped", "picking", "shipped")
}

// What is no gift is picked as ever, and may be wrapped all the same; whoever moves on waits no more.
func TestAnOrderThatIsNoGift(t *testing.T) {
	t.Parallel()
	s := openOn(t, testkit.Schema(t, postgres.Migrations()...), giftWrapping)
	id, _ := s.gift(`{"gift_wrap":"no"}`)
	if seen := s.staffOrder(id); !slices.Equal(seen.May, []string{"picking", "wrapping"}) {
		t.Errorf("staff may %q", seen.May)
	}
	s.bring(id, "wrapping", 200)
	s.bring(id, "wrapped", 200)
	s.bring(id, "picking", 200)
	var left int
	if err := s.pool.QueryRow(t.Context(), `SELECT count(*) FROM order_effects WHERE order_id = $1`, id).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d effects are left, %v", left, err)
	}
	plain := newID(t)
	s.place(plain, 1)
	s.bring(plain, "picking", 200)
}

// An added state can do what its model can: here be cancelled, with money and stock back; the reconciler looks after its wait.
func TestAnAddedStateIsLikeItsModel(t *testing.T) {
	t.Parallel()
	s := openOn(t, testkit.Schema(t, postgres.Migrations()...), giftWrapping)
	id, token := s.gift(`{"gift_wrap":"yes"}`)
	s.bring(id, "wrapping", 200)
	s.bring(id, "wrapped", 200)
	if _, err := s.pool.Exec(t.Context(), `DELETE FROM order_effects WHERE order_id = $1`, id); err != nil {
		t.Fatal(err)
	}
	s.turnClock(time.Minute)
	r := app.NewReconciler(s.app, s.store, s.bank, s.bank, nil)
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.client.Do("POST", "/v1/orders/"+id+"/cancel?access_token="+token, `{"reason":"changed my mind"}`).Want(200)
	rec := s.reaches(id, "cancelled")
	if rec.Returned != ordertest.Total || s.shelf.Of("shirt") != 10 {
		t.Errorf("%s returned, %d shirts", rec.Returned, s.shelf.Of("shirt"))
	}
	var page struct{ Items []orderapi.Order }
	s.client.Staff(s.signer, ScopeRead).Do("GET", "/v1/admin/orders?status=cancelled", nil).Want(200).JSON(&page)
	if len(page.Items) != 1 {
		t.Errorf("%+v", page)
	}
}

// Orders keep the version that they were placed under, through a newer one; without its file the service does not start, nor when the file
// says something else.
func TestOrdersKeepTheirMachine(t *testing.T) {
	t.Parallel()
	pool := testkit.Schema(t, postgres.Migrations()...)
	plain := openOn(t, pool, "")
	before := newID(t)
	plain.place(before, 1)

	folder := t.TempDir()
	example, err := os.ReadFile(giftWrapping)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a.yaml", string(example))
	s := openOn(t, pool, folder)
	s.bring(before, "picking", 200) // under version 1
	id, _ := s.gift(`{"gift_wrap":true}`)

	write("b.yaml", "version: 1002\nextends: 1\n")
	newer := openOn(t, pool, folder)
	newer.bring(id, "wrapping", 200)
	if rec, err := newer.store.Load(t.Context(), id); err != nil || rec.MachineVersion != 1001 {
		t.Errorf("version %d, %v", rec.MachineVersion, err)
	}
	last := newID(t)
	newer.place(last, 1)
	if rec, err := newer.store.Load(t.Context(), last); err != nil || rec.MachineVersion != 1002 {
		t.Errorf("version %d, %v", rec.MachineVersion, err)
	}

	start := func(path string) string {
		machines, err := app.ReadMachines(path)
		if err == nil {
			err = s.store.CheckMachines(t.Context(), machines.Prints())
		}
		return fmt.Sprint(err)
	}
	write("a.yaml", "# another comment\n"+string(example))
	if said := start(folder); said != "<nil>" {
		t.Errorf("a comment is refused: %s", said)
	}
	for _, version := range []string{"1001", "1002"} {
		if said := start(""); !strings.Contains(said, "machine version "+version+", which is not there") {
			t.Errorf("without the files: %s", said)
		}
	}
	write("a.yaml", strings.Replace(string(example), "wait: 600", "wait: 60", 1))
	if said := start(folder); !strings.Contains(said, "1001 has changed since orders were placed under it") || strings.Contains(said, "1002") {
		t.Errorf("with another file: %s", said)
	}
	// A replica that does not know the version leaves its orders to those that do.
	if _, err := plain.app.Transition(t.Context(), id, "staff:7", "picking", ""); fault.CodeOf(err) != app.ErrUnknownMachine.Code {
		t.Errorf("an order of an unknown machine: %v", err)
	}
}
