package daprio

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/daprkit"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// stock records turns and answers as told.
type stock struct {
	changes  []inventory.Change
	outcomes []inventory.Outcome
	err      error
}

func (s *stock) Turn(_ context.Context, sku string, changes []inventory.Change) ([]inventory.Outcome, error) {
	s.changes = changes
	return s.outcomes, s.err
}

func (s *stock) Availability(_ context.Context, skus []string, _ time.Time) ([]inventory.Available, error) {
	if skus[0] == "ghost" {
		return nil, s.err
	}
	return []inventory.Available{{SKU: skus[0], OnHand: 9, Allocated: 2, Stock: 7, Held: 3}}, s.err
}

// sidecar calls the actor as daprd does: JSON there and back.
type sidecar struct {
	t       *testing.T
	stock   *stock
	methods []string
}

func (s *sidecar) Actor(ctx context.Context, typ, id, method string, in, out any) error {
	s.methods = append(s.methods, typ+"/"+id+"/"+method)
	data, err := json.Marshal(in)
	if err != nil {
		s.t.Fatal(err)
	}
	act := &skuActor{sku: id, door: s.stock, read: s.stock, now: func() time.Time { return noon }}
	defer act.Deactivate()
	result, err := act.Invoke(ctx, method, data)
	if err != nil {
		return err
	}
	if data, err = json.Marshal(result); err != nil {
		s.t.Fatal(err)
	}
	return json.Unmarshal(data, out)
}

func TestDoorToActor(t *testing.T) {
	t.Parallel()
	st := &stock{outcomes: []inventory.Outcome{{Held: true, Available: 3}, {Available: 1}}}
	side := &sidecar{t: t, stock: st}
	d := Door{Caller: side, Actors: daprkit.NewActors(daprkit.ActorOptions{})}
	changes := []inventory.Change{{Owner: "a", Quantity: 2, ExpiresAt: noon.Add(time.Microsecond)}, {Owner: "b"}}
	got, err := d.Turn(t.Context(), "mug", changes)
	if diff := cmp.Diff(st.outcomes, got) + cmp.Diff(changes, st.changes); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	releases := []inventory.Change{{Owner: "a"}, {Owner: "b"}}
	if _, err := d.Turn(t.Context(), "mug", releases); err != nil || cmp.Diff(releases, st.changes) != "" {
		t.Errorf("%v %v", err, st.changes)
	}
	if diff := cmp.Diff([]string{"sku/mug/Hold", "sku/mug/Release"}, side.methods); diff != "" {
		t.Error(diff)
	}
	st.outcomes = nil
	if _, err := d.Turn(t.Context(), "mug", changes); err == nil {
		t.Error("an answer without outcomes was taken")
	}
	st.err = fault.New(fault.Unavailable, "database-unavailable", "")
	if _, err := d.Turn(t.Context(), "mug", changes); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a refusal arrives as %v", err)
	}
}

func TestActorRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		sku, method, data string
		kind              fault.Kind
	}{
		"an unknown method": {"mug", "Steal", `{}`, daprkit.ErrUnknownMethod.Kind},
		"no JSON":           {"mug", methodHold, `{`, fault.Malformed},
		"no JSON either":    {"mug", methodRelease, `[]`, fault.Malformed},
		"a negative hold":   {"mug", methodHold, `{"changes":[{"owner":"a","quantity":-1,"expires_at":"2026-03-01T12:00:00Z"}]}`, fault.Invalid},
		"a hold for ever":   {"mug", methodHold, `{"changes":[{"owner":"a","quantity":1}]}`, fault.Invalid},
		"nobody's hold":     {"mug", methodRelease, `{"owners":[""]}`, fault.Invalid},
		"no SKU":            {"m g", methodHold, `{}`, fault.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &stock{}
			_, err := (&skuActor{sku: tc.sku, door: s, read: s, now: time.Now}).Invoke(t.Context(), tc.method, []byte(tc.data))
			if err == nil || fault.KindOf(err) != tc.kind || s.changes != nil {
				t.Errorf("%v, turn %v", err, s.changes)
			}
		})
	}
}

func TestActorAvailability(t *testing.T) {
	t.Parallel()
	s := &stock{}
	for sku, want := range map[string]int64{"mug": 4, "ghost": 0} {
		got, err := (&skuActor{sku: sku, door: s, read: s, now: time.Now}).Invoke(t.Context(), methodAvailability, nil)
		if a, ok := got.(availabilityAnswer); err != nil || !ok || a.Available != want {
			t.Errorf("%s: %v %v", sku, got, err)
		}
	}
}
