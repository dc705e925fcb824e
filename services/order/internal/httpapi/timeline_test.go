package httpapi_test

import (
	"slices"
	"testing"

	"github.com/sidecart/sidecart/services/order/internal/app"
	. "github.com/sidecart/sidecart/services/order/internal/httpapi"
	"github.com/sidecart/sidecart/services/order/internal/order"
)

func TestTimelineOfAGuest(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := newID(t)
	token := s.place(id, 1).Order.AccessToken
	var line Timeline
	s.client.Do("GET", "/v1/orders/"+id+"/timeline?access_token="+token, nil).Want(200).JSON(&line)
	if len(line.Items) != 2 || line.Items[0].Status != "placed" || line.Items[1].Status != "confirmed" || line.Items[1].Metadata != nil {
		t.Errorf("%+v", line.Items)
	}
	s.client.Do("GET", "/v1/orders/"+id+"/timeline", nil).Problem(404, "order-not-found")
	s.client.Do("GET", "/v1/orders/..", nil).Want(404)
	s.client.Do("GET", "/v1/orders/"+id+"?access_token="+token+token+token, nil).Problem(404, "order-not-found")
	s.client.Do("GET", "/v1/orders/"+id+"?access_token="+token[:31], nil).Problem(404, "order-not-found")
	s.client.Do("GET", "/v1/orders/nobody?access_token="+token, nil).Problem(404, "order-not-found")
}

// told is what a shopper sees that has happened.
func (s *shop) told(id, token string) (all []string) {
	s.t.Helper()
	var line Timeline
	s.client.Do("GET", "/v1/orders/"+id+"/timeline?access_token="+token, nil).Want(200).JSON(&line)
	for _, e := range line.Items {
		all = append(all, e.What)
	}
	return all
}

func (s *shop) wantTold(id, token string, want ...string) {
	s.t.Helper()
	if got := s.told(id, token); !slices.Equal(got, want) {
		s.t.Errorf("the shopper is told %q, want %q", got, want)
	}
}

// A shopper is told in the words of the contract, and nothing of how often something was tried.
func TestWhatAShopperIsTold(t *testing.T) {
	t.Parallel()
	s, id, token := mugs(t)
	s.edit(id, "key-0", `{"lines":[{"line_id":"l1","quantity":1}]}`).Want(201)
	s.refundIs(id, 0, "refunded")
	s.bring(id, "picking", 200)
	s.bring(id, "shipped", 200)
	s.wantTold(id, token, "placed", "confirmed", "edited", "refunded", "picking", "shipped")

	other := newID(t)
	token = s.place(other, 1).Order.AccessToken
	s.client.Do("POST", "/v1/orders/"+other+"/cancel?access_token="+token, `{"reason":"x"}`).Want(200)
	s.reaches(other, "cancelled")
	s.wantTold(other, token, "placed", "confirmed", "cancel_requested", "payment_returned", "cancelled")
}

// No transition of the machine is told under its own name, whatever it comes from.
func TestWordsOfTheTimeline(t *testing.T) {
	t.Parallel()
	s := open(t)
	id := newID(t)
	s.place(id, 1)
	rec := s.reaches(id, "confirmed")
	words := []string{"placed", "confirmed", "edited", "cancel_requested", "cancelled", "refunded", "payment_returned", "payment_failed", "allocated",
		"picking", "shipped", "delivered", "returned"}
	told := map[string]bool{}
	for _, tr := range s.app.Machines.Of(rec.MachineVersion).Transitions() {
		for _, from := range tr.From {
			to := tr.To
			if to == "" {
				to = from
			}
			word := s.app.Told(rec, app.Entry{Transition: tr.Name, Event: string(tr.Event), From: string(from), To: string(to)})
			told[word] = true
			if word != "" && !slices.Contains(words, word) {
				t.Errorf("%s is told as %q", tr.Name, word)
			}
			if quiet := []order.EventName{order.ReviewOpened, order.ReviewClosed, order.Disputed, order.RefundUnsettled, order.MoneyReturnFailed}; word != "" && slices.Contains(quiet, tr.Event) {
				t.Errorf("the shopper is told of %s", tr.Name)
			}
		}
	}
	for _, w := range words {
		if !told[w] {
			t.Errorf("nothing is told as %q", w)
		}
	}
}
