package chaos

import "testing"

// Eighty guests of every kind while a schedule drawn from a seed kills, freezes, repeats, wipes, lies and delays: what
// `make chaos` does with more of both, and with a disk that runs full.
func TestEverythingGoesWrong(t *testing.T) {
	out, err := s.Run(t.Context(), "chaos", "--here", "--seed", "21", "--orders", "80")
	if err != nil {
		t.Error(err)
	}
	t.Log(out)
	s.AwaitHealthy(t, recovery)
	var ofLots int
	if err := s.DB(t, "inventory").QueryRow(t.Context(), `SELECT count(*) FROM inventory_reservations WHERE lot LIKE 'load-%'`).Scan(&ofLots); err != nil || ofLots == 0 {
		t.Errorf("%d parts of orders are of lots, %v", ofLots, err)
	}
}
