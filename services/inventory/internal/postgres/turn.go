package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
)

// shelfSQL reads all that a turn decides on, in one moment, so that an allocation counts on one side only: the row's version, what
// can be sold, what is held, what of it is dead and in how many rows, and what the owners hold who want a change, with whether
// any of it is dead: lapsed, or marked as taken. Holds are named by id and the dead are found by index: the cost follows them, not
// the living holds.
var shelfSQL = `
	SELECT t.xmin, t.held,
		(SELECT coalesce(sum(` + sellable("$2") + `), 0)::bigint FROM stock_levels l JOIN locations o ON o.id = l.location_id
			WHERE l.sku = $1 AND o.enabled),
		dead.quantity, dead.marks + dead.rows, own.owners, own.quantities, own.ends, own.lapsed OR taken.ids && $3::text[]
	FROM hold_totals t,
		(SELECT ARRAY(SELECT id FROM taken_holds WHERE sku = $1)) AS taken (ids),
		LATERAL (SELECT coalesce(sum(h.quantity), 0)::bigint, count(h.quantity), cardinality(taken.ids) FROM (
			SELECT quantity FROM stock_holds WHERE sku = $1 AND expires_at <= $2
			UNION ALL
			SELECT ` + unlessLapsed("$2") + ` FROM stock_holds h WHERE h.id = ANY (taken.ids)) h) AS dead (quantity, rows, marks),
		LATERAL (SELECT array_agg(owner), array_agg(quantity), array_agg(expires_at), coalesce(bool_or(expires_at <= $2), false)
			FROM stock_holds WHERE id = ANY ($3::text[])) AS own (owners, quantities, ends, lapsed)
	WHERE t.sku = $1`

// writeSQL writes what a turn decided, if no other turn has written since the shelf was read: whoever writes holds of a SKU also
// updates its row in hold_totals, so the row still has the version that was read, and is locked from here on, or nothing happens.
// That the turn does not wait for the disk is said in the guard, where it costs no statement.
const writeSQL = `
	WITH guard AS (
		UPDATE hold_totals SET held = held + $3 WHERE sku = $1 AND xmin = $2 AND set_config('synchronous_commit', 'off', true) = 'off'
		RETURNING sku
	), put AS (
		INSERT INTO stock_holds (id, owner, sku, quantity, expires_at)
		SELECT i, o, guard.sku, q, e FROM guard, unnest($4::text[], $5::text[], $6::bigint[], $7::timestamptz[]) AS u (i, o, q, e)
		ON CONFLICT (id) DO UPDATE SET quantity = excluded.quantity, expires_at = excluded.expires_at
	), gone AS (
		DELETE FROM stock_holds USING guard WHERE id = ANY ($8)
	)
	SELECT count(*) FROM guard`

// foldSQL deletes the holds of SKUs that were taken or have expired and takes off the totals what it has deleted. It locks the
// totals first, as turns do. Its snapshot may be older than its locks: what a turn has deleted since is not deleted again and not
// counted again, and what a turn has held anew is looked at again before it is deleted. The total is that of the locked row: the
// one of the snapshot may be lower than what is deleted, which the CHECK would refuse before Postgres looks at the row again.
const foldSQL = `
	WITH locked AS MATERIALIZED (
		SELECT sku, held FROM hold_totals WHERE sku = ANY ($1) AND set_config('synchronous_commit', 'off', true) = 'off' ORDER BY sku FOR UPDATE
	), taken AS (
		DELETE FROM taken_holds WHERE sku = ANY (ARRAY(SELECT sku FROM locked)) RETURNING id
	), used AS (
		DELETE FROM stock_holds WHERE id = ANY (ARRAY(SELECT id FROM taken)) RETURNING sku, quantity
	), lapsed AS (
		DELETE FROM stock_holds WHERE sku = ANY (ARRAY(SELECT sku FROM locked)) AND expires_at <= $2 RETURNING id, owner, sku, quantity, expires_at
	), noted AS (
		INSERT INTO expired_holds (owner, sku, quantity, expires_at)
		SELECT owner, sku, quantity, expires_at FROM lapsed WHERE id <> ALL (ARRAY(SELECT id FROM taken))
	)
	UPDATE hold_totals t SET held = locked.held - dead.quantity FROM locked, (
		SELECT sku, sum(quantity)::bigint AS quantity FROM (SELECT sku, quantity FROM used UNION ALL SELECT sku, quantity FROM lapsed) d GROUP BY sku) dead
	WHERE t.sku = dead.sku AND locked.sku = dead.sku`

// foldAbove is how many dead rows a turn reads over before it folds them itself instead of leaving them to the sweep.
const foldAbove = 50

// Turn implements app.TurnStore: a statement that reads the SKU's shelf, the decision, and a guarded statement that writes it, each
// a READ COMMITTED transaction of its own. A turn that finds that another came between, which takes a second host that
// believes it has the actor, queues for the row and does the same under its lock. The last moments may be lost in a crash of
// Postgres (synchronous_commit off): that disappoints somebody and sells nothing twice. A SKU that never had stock has no
// row: every hold of it is refused.
func (s *Store) Turn(ctx context.Context, sku string, changes []inventory.Change, now time.Time) ([]inventory.Outcome, error) {
	turn, kept, err := s.turn(ctx, s.pool, sku, changes, now)
	if err == nil && !kept {
		err = pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
			if _, err := tx.Exec(ctx, `SELECT FROM hold_totals WHERE sku = $1 FOR UPDATE`, sku); err != nil {
				return fmt.Errorf("queue: %w", err)
			}
			turn, kept, err = s.turn(ctx, tx, sku, changes, now)
			if err == nil && !kept {
				err = errors.New("the held total moved under its lock")
			}
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("turn of %s: %w", sku, pg.AsFault(err))
	}
	return turn.Outcomes, nil
}

func (s *Store) turn(ctx context.Context, q pg.Querier, sku string, changes []inventory.Change, now time.Time) (turn inventory.Turn, kept bool, err error) {
	at, err := look(ctx, q, sku, changes, now)
	for err == nil && (at.ownDead || at.dead > foldAbove) {
		if _, err = q.Exec(ctx, foldSQL, []string{sku}, now); err != nil {
			return turn, false, fmt.Errorf("fold: %w", err)
		}
		at, err = look(ctx, q, sku, changes, now)
	}
	if err != nil {
		return turn, false, err
	}
	turn = at.Decide(sku, changes)
	if len(turn.Put) == 0 && len(turn.Gone) == 0 {
		return turn, true, nil
	}
	kept, err = write(ctx, q, sku, at, turn)
	return turn, kept, err
}

// shelf is what a turn decides on; the holds of dead rows are not in Held.
type shelf struct {
	inventory.Shelf
	version uint32 // of the row in hold_totals
	dead    int64  // rows to fold
	ownDead bool   // among them one of an owner who wants a change: the change would end with it
}

func look(ctx context.Context, q pg.Querier, sku string, changes []inventory.Change, now time.Time) (at shelf, err error) {
	ids := make([]string, len(changes))
	for i, c := range changes {
		ids[i] = inventory.HoldID(c.Owner, sku)
	}
	var dead int64
	var owners []string
	var quantities []int64
	var ends []time.Time
	err = q.QueryRow(ctx, shelfSQL, sku, now, ids).Scan(&at.version, &at.Held, &at.Sellable, &dead, &at.dead, &owners, &quantities, &ends, &at.ownDead)
	if errors.Is(err, pgx.ErrNoRows) {
		return shelf{}, nil
	}
	if err != nil {
		return at, fmt.Errorf("look: %w", err)
	}
	at.Held -= dead
	at.Own = make(map[string]inventory.Hold, len(owners))
	for i, owner := range owners {
		at.Own[owner] = inventory.Hold{Owner: owner, SKU: sku, Quantity: quantities[i], ExpiresAt: ends[i]}
	}
	return at, nil
}

// write reports whether the turn was kept: not when another turn has written since the look.
func write(ctx context.Context, q pg.Querier, sku string, at shelf, turn inventory.Turn) (kept bool, err error) {
	n := len(turn.Put)
	ids, owners, quantities, ends, gone := make([]string, n), make([]string, n), make([]int64, n), make([]time.Time, n), make([]string, len(turn.Gone))
	for i, h := range turn.Put {
		ids[i], owners[i], quantities[i], ends[i] = h.ID(), h.Owner, h.Quantity, h.ExpiresAt
	}
	for i, owner := range turn.Gone {
		gone[i] = inventory.HoldID(owner, sku)
	}
	err = q.QueryRow(ctx, writeSQL, sku, at.version, turn.Held-at.Held, ids, owners, quantities, ends, gone).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("write: %w", err)
	}
	return n == 1, nil
}

// unlessLapsed is the quantity of a hold h that has not expired. As a condition its end would be one more reason to read the holds by an index of
// ends, which is all of them.
func unlessLapsed(at string) string { return `CASE WHEN h.expires_at > ` + at + ` THEN h.quantity END` }

// unexpired is the condition of a hold h that has not ended at $1, in the form of stock_holds_by_owner: no other index serves it.
const unexpired = `h.expires_at AT TIME ZONE 'UTC' > $1::timestamptz AT TIME ZONE 'UTC'`

// alive is the condition of a hold h that still counts at $1.
const alive = unexpired + ` AND NOT EXISTS (SELECT FROM taken_holds t WHERE t.sku = h.sku AND t.id = h.id)`

// holdsSQL counts what is taken for each hold: a join with it would like them in the order of an index, and read it whole.
const holdsSQL = `SELECT h.owner, h.sku, h.quantity, h.expires_at FROM stock_holds h
	WHERE h.owner = ANY ($2) AND ` + unexpired + ` AND (SELECT count(*) FROM taken_holds t WHERE t.sku = h.sku AND t.id = h.id) = 0`

// HoldsOf implements app.HoldStore.
func (s *Store) HoldsOf(ctx context.Context, owner string, now time.Time) ([]inventory.Hold, error) {
	held, err := s.HoldsOfEach(ctx, []string{owner}, now)
	return held[owner], err
}

// HoldsOfEach reads what each of the owners holds; see app.Together.
func (s *Store) HoldsOfEach(ctx context.Context, owners []string, now time.Time) (map[string][]inventory.Hold, error) {
	all, err := collect(ctx, s.pool, "holds of owners", scanHold, holdsSQL, now, owners)
	held := make(map[string][]inventory.Hold, len(owners))
	slices.SortFunc(all, func(a, b inventory.Hold) int { return cmp.Compare(a.SKU, b.SKU) }) // here, so that no index is chosen for its order
	for _, h := range all {
		held[h.Owner] = append(held[h.Owner], h)
	}
	return held, err
}

func scanHold(row pgx.CollectableRow) (h inventory.Hold, err error) {
	err = row.Scan(&h.Owner, &h.SKU, &h.Quantity, &h.ExpiresAt)
	return h, err
}
