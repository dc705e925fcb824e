package httpapi_test

import (
	"strings"
	"testing"

	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/order/internal/app"
	"github.com/sidecart/sidecart/services/order/internal/postgres"
)

// migratesAgain makes an order owe what migration 00009 said that it owes, then does the next one: what it owes by that, and whether its log tells of it.
func (s *shop) migratesAgain(id string, owing int64) (owes int64, told bool) {
	s.t.Helper()
	if _, err := s.pool.Exec(s.t.Context(), `UPDATE orders SET owing = least(reduced, $1::bigint) WHERE id = $2`, owing, id); err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.pool.Exec(s.t.Context(), `DELETE FROM goose_order WHERE version_id = 10`); err != nil {
		s.t.Fatal(err)
	}
	if err := pg.Migrate(s.t.Context(), s.pool.Config().ConnString(), postgres.Migrations()...); err != nil {
		s.t.Fatal(err)
	}
	rec, err := s.store.Load(s.t.Context(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	log, err := s.store.Log(s.t.Context(), id)
	if err != nil || int64(len(log)) != rec.Version {
		s.t.Fatalf("%d entries at version %d: %v", len(log), rec.Version, err)
	}
	return rec.Owing.Minor, log[len(log)-1].Event == "migrated"
}

// A refund of an edit of which one payment has given back its part: the rest of it is owed, not the whole, and it is taken off nothing once it went back.
func TestADebtThatWasMigratedHalfway(t *testing.T) {
	t.Parallel()
	for name, settled := range map[string]bool{"on its way": false, "done since": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, id, _ := aMugMore(t)
			s.bank.Next = func(step string, c app.MoneyCommand) (answer app.MoneyAnswer) {
				if step == "refund" && c.PaymentID == id+"-1" && !s.settled.Load() {
					answer = app.MoneyAnswer{Outcome: app.MoneyDeclined, DeclineCode: "not-settled", Retryable: true}
				}
				return answer
			}
			s.edit(id, "less", aShirtLess).Want(201) // 20.00 of the newest, 5.00 wait
			s.refundIs(id, 0, "pending")
			s.waitsAgain(id)
			want, was := int64(500), int64(2500)
			if settled {
				s.settles(id)
				s.refundIs(id, 0, "refunded")
				want, was = 0, 2000
			}
			if owes, told := s.migratesAgain(id, was); owes != want || !told {
				t.Errorf("%d are owed, told %t", owes, told)
			}
			if owes, _ := s.migratesAgain(id, want); owes != want {
				t.Errorf("the next time %d are owed", owes)
			}
			if !settled {
				s.settles(id)
				s.refundIs(id, 0, "refunded")
			}
			s.owes(id, 0)
			s.edit(id, "more", oneMugMore).Want(201)
			if e := s.editIs(id, "done"); e.Charged == nil || e.Charged.Minor != 2000 {
				t.Errorf("%+v", e)
			}
			if rec, left := s.reaches(id, "confirmed"), s.left(id); left != rec.Total.Minor {
				t.Errorf("it costs %s, payment has %d", rec.Total, left)
			}
		})
	}
}

// What was refused is owed as before; of an order that is cancelled nothing is, and of one that the bank did not pay what it was paid too much.
func TestDebtsThatWereMigrated(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		owes int64
		do   func(s *shop, id, token string)
	}{
		"refused": {owes: 2500, do: func(s *shop, id, _ string) { s.aDifferenceIsRefused(id) }},
		"refused, and a part given back since": {owes: 1500, do: func(s *shop, id, _ string) {
			s.aDifferenceIsRefused(id)
			s.staffGiveBack(id, 1, 1000)
		}},
		"cancelled": {do: func(s *shop, id, token string) {
			s.aDifferenceIsRefused(id)
			s.client.Do("POST", "/v1/orders/"+id+"/cancel?access_token="+token, `{"reason":"no"}`).Want(200)
			s.reaches(id, "cancelled")
		}},
		"not paid": {do: func(s *shop, id, _ string) {
			s.waitsForSettlement(id)
			s.bring(id, "picking", 200)
			s.unpaid(id, 1, 4999)
		}},
		"not paid in part": {owes: 500, do: func(s *shop, id, _ string) {
			s.waitsForSettlement(id)
			s.bring(id, "picking", 200)
			s.unpaid(id, 1_000_001, 2000)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			order := mugs
			if strings.HasSuffix(name, "in part") {
				order = aMugMore
			}
			s, id, token := order(t)
			c.do(s, id, token)
			was := int64(2500)
			if c.owes == 1500 { // 00009 would not have seen that it was refused
				was = 1500
			}
			if owes, told := s.migratesAgain(id, was); owes != c.owes || told != (c.owes < was) {
				t.Errorf("%d are owed, told %t", owes, told)
			}
		})
	}
}
