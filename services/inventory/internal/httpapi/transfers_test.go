package httpapi

import (
	"errors"
	"fmt"
	"testing"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/inventory/internal/app"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
)

// Goods on their way lie nowhere; what comes in parts is booked once, what never comes is lost and said so.
func TestTransfer(t *testing.T) {
	t.Parallel()
	s := stocked(t) // ten mugs in Reno, five in Berlin
	const path = "/v1/admin/stock/transfers/t-1"
	plan := `{"from":"reno","to":"berlin","note":"for spring","lines":[{"sku":"mug","quantity":6}]}`
	var v TransferView
	s.staff.Do("PUT", path, plan).Want(200).JSON(&v)
	same(t, "planned", v.Status, "draft")
	s.staff.Do("PUT", path, plan).Want(200)
	s.staff.Do("PUT", path, `{"from":"reno","to":"berlin","lines":[{"sku":"mug","quantity":7}]}`).Problem(409, "transfer-differs")
	s.staff.Do("POST", path+"/receive", `{"reference":"r-1","lines":[{"sku":"mug","quantity":1}]}`).Problem(409, "transfer-state")
	same(t, "a plan moves nothing", s.available("mug"), []int64{15})

	keyed := s.staff.With("Idempotency-Key", "send-1")
	keyed.Do("POST", path+"/send", nil).Want(200).JSON(&v)
	if a := keyed.Do("POST", path+"/send", nil).Want(200); a.Header.Get("Idempotency-Replayed") != "true" || v.Status != "in_transit" || v.SentAt == nil {
		t.Errorf("%+v", v)
	}
	s.staff.Do("POST", path+"/send", nil).Want(200)
	same(t, "on the way", s.available("mug"), []int64{9})
	some := `{"reference":"r-1","lines":[{"sku":"mug","quantity":4}]}`
	for range 2 {
		s.staff.Do("POST", path+"/receive", some).Want(200).JSON(&v)
	}
	same(t, "some has come", v.Lines, []TransferLineView{{SKU: "mug", Quantity: 6, Received: 4, Missing: 2}})
	s.staff.Do("POST", path+"/receive", `{"reference":"r-1","lines":[{"sku":"mug","quantity":1}]}`).Problem(409, "reference-used")
	s.staff.Do("POST", path+"/receive", `{"reference":"r-2","lines":[{"sku":"mug","quantity":3}]}`).Problem(422, "validation-failed")
	s.staff.Do("POST", path+"/cancel", nil).Problem(409, "transfer-state")
	s.staff.Do("POST", path+"/receive", `{"reference":"r-3","lines":[{"sku":"mug","quantity":1}],"last":true}`).Want(200).JSON(&v)
	if v.Status != "received" || v.EndedAt == nil || v.Lines[0].Missing != 1 {
		t.Errorf("%+v", v)
	}
	same(t, "one is lost", s.available("mug"), []int64{14})

	var page httpx.Page[TransferView]
	s.staff.Do("GET", "/v1/admin/stock/transfers?status=received", nil).Want(200).JSON(&page)
	same(t, "listed", len(page.Items), 1)
	var ledger httpx.Page[EntryView]
	s.staff.Do("GET", "/v1/admin/stock/ledger?sku=mug", nil).Want(200).JSON(&ledger)
	var moves []string
	for _, e := range ledger.Items[:3] {
		moves = append(moves, fmt.Sprint(e.Kind, " ", e.LocationID, " ", e.OnHandDelta, " ", e.Reference, " ", e.Reason))
	}
	same(t, "ledger", moves, []string{"transfer_in berlin 1 t-1 r-3", "transfer_in berlin 4 t-1 r-1", "transfer_out reno -6 t-1 "})
}

func TestTransferIsTakenBackOrRefused(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	const path = "/v1/admin/stock/transfers/t-1"
	s.staff.Do("PUT", path, `{"from":"reno","to":"berlin","lines":[{"sku":"mug","quantity":10}]}`).Want(200)
	s.order.Do("PUT", "/v1/internal/allocations/o-1", `{"owner":"c","country":"US","lines":[{"line_id":"1","sku":"mug","quantity":3}]}`).Want(200)
	s.staff.Do("POST", path+"/send", nil).Problem(409, "below-allocated")
	s.order.Do("DELETE", "/v1/internal/allocations/o-1", nil).Want(200)
	s.staff.Do("POST", path+"/send", nil).Want(200)
	same(t, "sent", s.available("mug"), []int64{5})
	for range 2 {
		s.staff.Do("POST", path+"/cancel", nil).Want(200)
	}
	same(t, "taken back", s.available("mug"), []int64{15})
	s.staff.Do("POST", path+"/send", nil).Problem(409, "transfer-state")

	for name, tc := range map[string][2]string{
		"an unknown place":  {"PUT", `{"from":"mars","to":"berlin","lines":[{"sku":"mug","quantity":1}]}`},
		"to itself":         {"PUT", `{"from":"reno","to":"reno","lines":[{"sku":"mug","quantity":1}]}`},
		"nothing":           {"PUT", `{"from":"reno","to":"berlin","lines":[]}`},
		"none":              {"PUT", `{"from":"reno","to":"berlin","lines":[{"sku":"mug","quantity":0}]}`},
		"an unknown member": {"PUT", `{"from":"reno","to":"berlin","lines":[{"sku":"mug","quantity":1}],"status":"received"}`},
	} {
		t.Run(name, func(t *testing.T) {
			s.staff.Do(tc[0], "/v1/admin/stock/transfers/t-2", tc[1]).Problem(422, "validation-failed")
		})
	}
	s.staff.Do("POST", path+"/receive", `{"lines":[]}`).Problem(422, "validation-failed")
	s.staff.Do("GET", "/v1/admin/stock/transfers/t-9", nil).Problem(404, "transfer-not-found")
	s.staff.Do("POST", "/v1/admin/stock/transfers/t-9/send", nil).Problem(404, "transfer-not-found")
	s.checkout.Do("PUT", path, `{}`).Problem(401, "unauthenticated")
}

// Twenty hands at once: a transfer is sent once and received once.
func TestTransferMovedAtOnce(t *testing.T) {
	t.Parallel()
	s := stocked(t)
	s.staff.Do("PUT", "/v1/admin/stock/transfers/t-1", `{"from":"reno","to":"berlin","lines":[{"sku":"mug","quantity":4}]}`).Want(200)
	staff := &app.Staff{Store: s.store, Now: s.clock.Now}
	for _, err := range testkit.Race(20, func(i int) error {
		if _, _, err := staff.SendTransfer(t.Context(), "test", "t-1", idem.Key{}); err != nil && !errors.Is(err, inventory.ErrTransferState) {
			return err
		}
		_, _, err := staff.ReceiveTransfer(t.Context(), "test", "t-1", app.Receipt{Reference: fmt.Sprint("r-", i%2), Lines: []inventory.TransferLine{{SKU: "mug", Quantity: 2}}}, idem.Key{})
		if fault.KindOf(err) == fault.Conflict {
			return nil
		}
		return err
	}) {
		if err != nil {
			t.Error(err)
		}
	}
	var v TransferView
	s.staff.Do("GET", "/v1/admin/stock/transfers/t-1", nil).Want(200).JSON(&v)
	if v.Status != "received" || v.Lines[0].Received != 4 {
		t.Errorf("%+v", v)
	}
	same(t, "all there", s.available("mug"), []int64{15})
}
