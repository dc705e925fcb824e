package postgres_test

import (
	"testing"

	"github.com/sidecart/sidecart/pkg/testkit"
	"github.com/sidecart/sidecart/services/search/internal/postgres"
)

// What was searched for, and who met which test, is forgotten after a time, and of a day that is over only what was asked most is kept.
func TestWhatIsOldIsForgotten(t *testing.T) {
	t.Parallel()
	pool := testkit.Schema(t, postgres.Migrations()...)
	if _, err := pool.Exec(t.Context(), `
		INSERT INTO queries SELECT current_date - 1, 'yesterday ' || n, 1 + n % 7, 1 FROM generate_series(1, 26000) n;
		INSERT INTO queries SELECT current_date, 'today ' || n, 1, 1 FROM generate_series(1, 6000) n;
		INSERT INTO queries VALUES (current_date - 365, 'a year ago', 1, 1), (current_date - 366, 'long ago', 1, 1);
		INSERT INTO trial_visitors (test, visitor, place, met_at) VALUES ('t', 'new', 1, now()), ('t', 'old', 1, now() - interval '91 days');
		INSERT INTO trial_orders VALUES ('new', 'new', 'USD', 1, now()), ('old', 'old', 'USD', 1, now() - interval '91 days')`); err != nil {
		t.Fatal(err)
	}
	if err := postgres.New(pool).Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	for sql, want := range map[string]int{
		`SELECT count(*) FROM queries WHERE day = current_date - 1`:               20_000,
		`SELECT count(*) FROM queries WHERE day = current_date - 1 AND asked = 7`: 26_000 / 7,
		`SELECT count(*) FROM queries WHERE day = current_date`:                   6000,
		`SELECT count(*) FROM queries WHERE day < current_date - 1`:               1,
		`SELECT count(*) FROM trial_visitors`:                                     1,
		`SELECT count(*) FROM trial_orders`:                                       1,
	} {
		var got int
		if err := pool.QueryRow(t.Context(), sql).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %d (%v), want %d", sql, got, err, want)
		}
	}
}
