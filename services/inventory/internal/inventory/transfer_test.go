package inventory

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sidecart/sidecart/pkg/fault"
)

// Every state × event, with what it moves.
func TestTransferStates(t *testing.T) {
	t.Parallel()
	goods := func(received int64) []TransferLine {
		return []TransferLine{{SKU: "mug", Quantity: 5, Received: received}, {SKU: "cup", Quantity: 1}}
	}
	some, rest := []TransferLine{{SKU: "mug", Quantity: 2}}, []TransferLine{{SKU: "mug", Quantity: 5}, {SKU: "cup", Quantity: 1}}
	send := func(t Transfer) (Transfer, []BookingLine, error) { return t.Send(noon) }
	cancel := func(t Transfer) (Transfer, []BookingLine, error) { return t.Cancel(noon) }
	receive := func(come []TransferLine, last bool) func(Transfer) (Transfer, []BookingLine, error) {
		return func(t Transfer) (Transfer, []BookingLine, error) { return t.Receive(come, last, noon) }
	}
	here := func(sign int64) []BookingLine {
		return []BookingLine{{Place: Place{"mug", "here"}, Quantity: sign * 5}, {Place: Place{"cup", "here"}, Quantity: sign}}
	}
	for name, tc := range map[string]struct {
		status   string
		received int64
		event    func(Transfer) (Transfer, []BookingLine, error)
		want     string
		moves    []BookingLine
		err      error
	}{
		"send a draft":              {TransferDraft, 0, send, TransferInTransit, here(-1), nil},
		"send twice":                {TransferInTransit, 0, send, TransferInTransit, nil, nil},
		"send what came":            {TransferReceived, 5, send, TransferReceived, nil, ErrTransferState},
		"send what was cancelled":   {TransferCancelled, 0, send, TransferCancelled, nil, ErrTransferState},
		"receive a draft":           {TransferDraft, 0, receive(some, false), TransferDraft, nil, ErrTransferState},
		"receive some":              {TransferInTransit, 0, receive(some, false), TransferInTransit, []BookingLine{{Place: Place{"mug", "there"}, Quantity: 2}}, nil},
		"receive all":               {TransferInTransit, 0, receive(rest, false), TransferReceived, []BookingLine{{Place: Place{"mug", "there"}, Quantity: 5}, {Place: Place{"cup", "there"}, Quantity: 1}}, nil},
		"receive the last of it":    {TransferInTransit, 0, receive(some, true), TransferReceived, []BookingLine{{Place: Place{"mug", "there"}, Quantity: 2}}, nil},
		"nothing more comes":        {TransferInTransit, 2, receive(nil, true), TransferReceived, nil, nil},
		"receive after the end":     {TransferReceived, 2, receive(some, false), TransferReceived, nil, ErrTransferState},
		"receive the cancelled":     {TransferCancelled, 0, receive(some, false), TransferCancelled, nil, ErrTransferState},
		"cancel a draft":            {TransferDraft, 0, cancel, TransferCancelled, nil, nil},
		"cancel on the way":         {TransferInTransit, 0, cancel, TransferCancelled, here(1), nil},
		"cancel when some has come": {TransferInTransit, 1, cancel, TransferInTransit, nil, ErrTransferState},
		"cancel what came":          {TransferReceived, 5, cancel, TransferReceived, nil, ErrTransferState},
		"cancel twice":              {TransferCancelled, 0, cancel, TransferCancelled, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := Transfer{ID: "t", From: "here", To: "there", Status: tc.status, Lines: goods(tc.received)}
			got, moves, err := tc.event(before)
			if got.Status != tc.want || !errors.Is(err, tc.err) {
				t.Errorf("%s, %v", got.Status, err)
			}
			if diff := cmp.Diff(tc.moves, moves); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(goods(tc.received), before.Lines); diff != "" {
				t.Errorf("the one before was changed: %s", diff)
			}
		})
	}
}

func TestTransferIsChecked(t *testing.T) {
	t.Parallel()
	good := Transfer{ID: "t", From: "a", To: "b", Lines: []TransferLine{{SKU: "mug", Quantity: 1}}}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*Transfer){
		"no id": func(t *Transfer) { t.ID = "" }, "to itself": func(t *Transfer) { t.To = "a" }, "nothing": func(t *Transfer) { t.Lines = nil },
		"none of it": func(t *Transfer) { t.Lines = []TransferLine{{SKU: "mug"}} }, "twice": func(t *Transfer) { t.Lines = append(t.Lines, t.Lines[0]) },
		"no SKU": func(t *Transfer) { t.Lines = []TransferLine{{SKU: "a b", Quantity: 1}} },
	} {
		bad := good
		if change(&bad); fault.KindOf(bad.Check()) != fault.Invalid {
			t.Errorf("%s is not refused", name)
		}
	}
	good.Status = TransferInTransit
	for name, come := range map[string][]TransferLine{"nothing": nil, "too much": {{SKU: "mug", Quantity: 2}}, "something else": {{SKU: "cup", Quantity: 1}},
		"twice": {{SKU: "mug", Quantity: 1}, {SKU: "mug", Quantity: 1}}} {
		if _, _, err := good.Receive(come, false, noon); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s has come: %v", name, err)
		}
	}
}
