package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sidecart/sidecart/services/order/orderapi"
	"github.com/sidecart/sidecart/tools/internal/shopclient"
)

const (
	abreast   = 250             // guests who take each step together
	atOnce    = 16              // of them that are served at a time
	aftermath = 3 * time.Second // events of their orders arrive in it
)

// requests measures what each step of a checkout costs: many guests take one together, and nobody the next before all have taken it.
func (r *runner) requests(ctx context.Context) error {
	if err := r.restock(ctx); err != nil {
		return err
	}
	goods, err := onOffer(ctx, shopclient.New(r.state.Gateway))
	if err != nil {
		return err
	}
	notes, err := r.quiet(ctx)
	if err != nil {
		return err
	}
	costs := map[string]shares{}
	var steps []string
	var total shares
	for i := range r.Runs + 1 {
		m := march{ranks: abreast, slots: make(chan struct{}, atOnce), count: func() (usage, error) { return r.used(ctx) }}
		if err := m.buy(ctx, r.state.Gateway, goods.SKUs); err != nil {
			return err
		}
		if i == 0 {
			continue // the first opens connections and prepares statements
		}
		steps = m.steps
		for step, cost := range m.costs {
			per := shares(nil).plus(cost.cpu, 1000/float64(abreast*r.Runs))
			costs[step], total = costs[step].plus(per, 1), total.plus(per, 1)
		}
	}
	for _, step := range steps {
		notes = append(notes, fmt.Sprintf("%s: %s ms: %s", step, costs[step].total(), costs[step]))
	}
	r.note(Result{What: fmt.Sprintf("CPU of a guest checkout by request, %d guests in step, %d at once", abreast, atOnce),
		Figure: fmt.Sprintf("%s ms an order", total.total()), Notes: notes})
	return nil
}

// march is a number of guests who go in step.
type march struct {
	ranks int
	slots chan struct{}
	count func() (usage, error)

	mu      sync.Mutex
	waiting int
	gate    chan struct{} // closed when all have come
	last    usage
	step    string // that is being taken
	steps   []string
	costs   map[string]usage
}

// buy has everybody buy two lines, and counts each step.
func (m *march) buy(ctx context.Context, gateway string, skus []string) error {
	if len(skus) < 2 {
		return errors.New("there are not two SKUs on offer")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	m.gate, m.costs = make(chan struct{}), map[string]usage{}
	address := orderapi.Address{Name: "Sample Customer", Line1: "1 Main Street", City: "Columbus", Region: "OH", PostalCode: "43004", Country: "US"}
	var guests sync.WaitGroup
	for n := range m.ranks {
		guests.Go(func() {
			err := m.walk(ctx, gateway, shopclient.Guest{Email: "customer@example.com", Currency: "USD", Address: address, Nonce: "fake-valid-nonce",
				Items: []shopclient.Item{{SKU: skus[2*n%len(skus)], Quantity: 1}, {SKU: skus[(2*n+1)%len(skus)], Quantity: 1}}})
			if err != nil {
				cancel(err)
			}
		})
	}
	guests.Wait()
	return context.Cause(ctx)
}

// walk takes a guest through the steps.
func (m *march) walk(ctx context.Context, gateway string, g shopclient.Guest) error {
	serving := false // he has a slot
	leave := func() {
		if serving {
			<-m.slots
			serving = false
		}
	}
	next := func(step string) error {
		leave()
		if err := m.together(ctx, step); err != nil {
			return err
		}
		select {
		case m.slots <- struct{}{}:
			serving = true
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	defer leave()
	g.Before = next
	client := shopclient.New(gateway)
	order, err := client.Buy(ctx, g)
	if err != nil {
		return err
	}
	if err := next("order"); err != nil {
		return err
	}
	if err := client.Get(ctx, "/v1/orders/"+order.ID+"?access_token="+order.AccessToken, nil); err != nil {
		return err
	}
	leave()
	if err := m.together(ctx, "afterwards"); err != nil {
		return err
	}
	select {
	case <-time.After(aftermath):
	case <-ctx.Done():
	}
	return m.together(ctx, "")
}

// together waits until everybody is about to take a step, and counts what the one before has cost.
func (m *march) together(ctx context.Context, step string) error {
	m.mu.Lock()
	gate := m.gate
	if m.waiting++; m.waiting == m.ranks {
		if err := m.turn(step); err != nil {
			m.mu.Unlock()
			return err
		}
		m.waiting, m.gate = 0, make(chan struct{})
		close(gate)
	}
	m.mu.Unlock()
	select {
	case <-gate:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (m *march) turn(step string) error {
	now, err := m.count()
	if err != nil {
		return err
	}
	if m.step != "" {
		name := m.step
		if _, again := m.costs[name]; again {
			name += " again"
		}
		m.steps, m.costs[name] = append(m.steps, name), now.plus(m.last, -1)
	}
	m.step, m.last = step, now
	return nil
}
