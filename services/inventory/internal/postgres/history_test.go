package postgres

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/sidecart/sidecart/services/inventory/internal/app"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
)

const (
	historyClients = 8
	historyOrders  = 4 // of each client
	historyPieces  = 9
)

// ask is what a client does to the stock of one SKU.
type ask struct {
	what     string // hold, allocate, release
	owner    int
	order    int // of allocate and release
	quantity int64
}

// counter is the stock as one hand at a time would keep it: what is left, what carts hold, what orders have.
type counter struct {
	left  int64
	held  [historyClients]int64
	taken [historyClients * historyOrders]int64
}

func (c counter) free() int64 {
	free := c.left
	for _, q := range c.held {
		free -= q
	}
	return max(free, 0)
}

// byHand is the model: holds keep within what is free, orders within what is left and look at no hold, and an order takes its cart's hold.
// What a refused hold is told to be available is news of a moment and not part of it: a turn reads it before it writes, and an order may come
// between.
var byHand = porcupine.Model{
	Init: func() any { return counter{left: historyPieces} },
	Step: func(state, input, output any) (bool, any) {
		c, in, out := state.(counter), input.(ask), output.(bool)
		switch in.what {
		case "hold":
			if held := in.quantity <= c.free()+c.held[in.owner]; held != out {
				return false, c
			} else if held {
				c.held[in.owner] = in.quantity
			}
			return true, c
		case "allocate":
			if fits := in.quantity <= c.left; fits != out {
				return false, c
			} else if fits {
				c.left -= in.quantity
				c.taken[in.order] = in.quantity
				c.held[in.owner] = 0
			}
			return true, c
		default:
			c.left += c.taken[in.order]
			c.taken[in.order] = 0
			return true, c
		}
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v → %+v", input, output) },
}

// Holds, orders and their release, from eight carts at two replicas, each one thing after the other as checkout does: what each was told is what one hand at a time
// would have told, in an order that agrees with the clock.
func TestHistoriesAreLinearizable(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			s, pool := empty(t)
			receive(t, s, "mug", "east", 5)
			receive(t, s, "mug", "west", historyPieces-5)
			replicas := []*Store{s, replica(pool)}
			var mu sync.Mutex
			var history []porcupine.Operation
			var all sync.WaitGroup
			begun := time.Now()
			for client := range historyClients {
				all.Go(func() {
					draw := rand.New(rand.NewPCG(seed, uint64(client)))
					orders, open := 0, []int{}
					for range 16 {
						in := ask{what: []string{"hold", "hold", "allocate", "release"}[draw.IntN(4)], owner: client, quantity: draw.Int64N(4)}
						switch {
						case in.what == "allocate" && orders == historyOrders, in.what == "release" && len(open) == 0:
							in.what = "hold"
						case in.what == "allocate":
							in.order, in.quantity = client*historyOrders+orders, 1+draw.Int64N(3)
							orders++
						case in.what == "release":
							in.order, open = open[0], open[1:]
						}
						call := time.Since(begun).Nanoseconds()
						out, err := in.of(t, replicas[draw.IntN(2)])
						if err != nil {
							t.Errorf("%+v: %v", in, err)
							return
						}
						back := time.Since(begun).Nanoseconds()
						if in.what == "allocate" && out {
							open = append(open, in.order)
						}
						mu.Lock()
						history = append(history, porcupine.Operation{ClientId: client, Input: in, Call: call, Output: out, Return: back})
						mu.Unlock()
					}
				})
			}
			all.Wait()
			if result, _ := porcupine.CheckOperationsVerbose(byHand, history, time.Minute); result != porcupine.Ok {
				for _, op := range history {
					t.Logf("%d %10d–%10d %s", op.ClientId, op.Call, op.Return, byHand.DescribeOperation(op.Input, op.Output))
				}
				t.Errorf("%d operations: %s", len(history), result)
			}
		})
	}
}

// of does what a client asks at a replica.
func (in ask) of(t *testing.T, s *Store) (bool, error) {
	owner, order := fmt.Sprint("cart", in.owner), fmt.Sprint("o-", in.order)
	switch in.what {
	case "hold":
		o, err := s.Turn(t.Context(), "mug", []inventory.Change{{Owner: owner, Quantity: in.quantity, ExpiresAt: soon}}, noon)
		return err == nil && o[0].Held, err
	case "allocate":
		_, err := s.Allocate(t.Context(), inventory.Order{ID: order, Owner: owner, Lines: []inventory.OrderLine{{ID: "1", SKU: "mug", Quantity: in.quantity}}}, by)
		if errors.Is(err, inventory.ErrOutOfStock) {
			return false, nil
		}
		return err == nil, err
	default:
		_, err := s.Release(t.Context(), order, app.Change{Actor: "test", At: noon})
		return err == nil, err
	}
}
