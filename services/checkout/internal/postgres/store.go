// Package postgres keeps checkouts. The database decides who won: every write is guarded by the version that was seen, one cart
// has one live checkout by a unique index, and an Idempotency-Key is written in the statement of its effect.
package postgres

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/idem"
	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/pkg/outbox"
	"github.com/sidecart/sidecart/pkg/pg"
	"github.com/sidecart/sidecart/services/checkout/internal/app"
	"github.com/sidecart/sidecart/services/checkout/internal/checkout"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are all sets that checkout's database needs.
func Migrations() []pg.Migrations {
	own, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the path is a constant
	}
	return []pg.Migrations{outbox.Migrations, idem.Migrations, {Name: "checkout", FS: own}}
}

// Store is checkout's database. It implements app.Store and app.Sweeps.
type Store struct {
	pool   *pgxpool.Pool
	box    *outbox.Box
	recent *recent
}

// New returns a store on a migrated database.
func New(pool *pgxpool.Pool, box *outbox.Box) *Store {
	return &Store{pool: pool, box: box, recent: newRecent()}
}

const columns = `c.id, c.cart_id, c.order_id, c.status, c.version, c.attempt, c.cart_version, c.currency, c.country, c.customer_id, c.email,
	c.shipping_address, c.billing_address, c.option_id, c.note, c.hold_status, c.hold_until, c.completing_at, c.order_number, c.access_token,
	c.loose, c.recovery, c.channel, c.payment_provider, c.payment_fee, c.covered_attempt, c.failure, c.expires_at, c.created_at, c.updated_at`

// scan reads columns and the quote, then what else the row has. A quote that is NULL is left out.
func scan(row pgx.Row, more ...any) (app.Record, error) {
	var r app.Record
	var currency string
	var shipping, billing, quote, failure []byte
	var completing *time.Time
	var fee int64
	err := row.Scan(append([]any{&r.ID, &r.CartID, &r.OrderID, &r.Status, &r.Version, &r.Attempt, &r.CartVersion, &currency, &r.Country, &r.CustomerID,
		&r.Email, &shipping, &billing, &r.OptionID, &r.Note, &r.Hold, &r.HoldUntil, &completing, &r.OrderNumber, &r.AccessToken,
		&r.Loose, &r.Recovery, &r.Channel, &r.Provider, &fee, &r.Covered, &failure, &r.ExpiresAt, &r.CreatedAt, &r.UpdatedAt, &quote}, more...)...)
	if err != nil {
		return r, err
	}
	r.Currency = money.Currency(currency)
	if fee > 0 {
		r.Fee = money.New(fee, r.Currency)
	}
	if completing != nil {
		r.CompletingAt = *completing
	}
	if r.Shipping, err = readAddress(shipping); err != nil {
		return r, err
	}
	if r.Billing, err = readAddress(billing); err != nil {
		return r, err
	}
	if failure != nil {
		if err := json.Unmarshal(failure, (*failed)(&r.Failed)); err != nil {
			return r, fmt.Errorf("failure of the checkout of order %s: %w", r.OrderID, err)
		}
	}
	if quote == nil {
		return r, nil
	}
	if err := json.Unmarshal(quote, &r.Quote); err != nil {
		return r, fmt.Errorf("quote of the checkout of order %s: %w", r.OrderID, err)
	}
	return r, nil
}

// Find implements app.Store, in one statement. The key's row is idem's: it counts while it is younger than idem.Lifetime. The quote
// of a version that is known here already is not read again.
func (s *Store) Find(ctx context.Context, id string, k app.Key) (app.Record, *app.Entry, error) {
	var hash, answer []byte
	var ref *string
	known := s.recent.get(id)
	r, err := scan(s.pool.QueryRow(ctx, `
		SELECT `+columns+`, CASE WHEN c.version <> $5 THEN c.quote END, k.hash, k.ref, k.answer FROM checkouts c
		LEFT JOIN idempotency_keys k ON k.scope = $2 AND k.key = $3 AND k.created_at > now() - $4::interval
		WHERE c.id = $1`, id, k.Scope, k.Key, idem.Lifetime, known.Version), &hash, &ref, &answer)
	if err == nil {
		if r.Version == known.Version {
			r.Quote = known.Quote
		}
		s.recent.keep(r)
	}
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return r, nil, app.ErrNotFound
	case err != nil:
		return r, nil, fmt.Errorf("find checkout: %w", pg.AsFault(err))
	case ref == nil:
		return r, nil, nil
	case [32]byte(hash) != k.Hash:
		return r, nil, idem.ErrReused
	}
	entry := &app.Entry{}
	if entry.Attempt, err = strconv.Atoi(*ref); err != nil {
		return r, nil, fmt.Errorf("attempt of a key of order %s: %w", r.OrderID, err)
	}
	if answer != nil {
		if err := json.Unmarshal(answer, &entry.Answer); err != nil {
			return r, nil, fmt.Errorf("kept answer of order %s: %w", r.OrderID, err)
		}
	}
	return r, entry, nil
}

// OfCart implements app.Store.
func (s *Store) OfCart(ctx context.Context, cartID string) (app.Record, error) {
	r, err := scan(s.pool.QueryRow(ctx, `SELECT `+columns+`, c.quote FROM checkouts c
		WHERE c.cart_id = $1 AND c.status IN ('open', 'completing', 'completed') ORDER BY c.status = 'completed' DESC LIMIT 1`, cartID))
	if errors.Is(err, pgx.ErrNoRows) {
		return r, app.ErrNotFound
	}
	if err != nil {
		return r, fmt.Errorf("checkout of a cart: %w", pg.AsFault(err))
	}
	return r, nil
}

// args are the values of a record, $1 to $28. The quote is nil when it stays.
func args(r app.Record, quote bool) ([]any, error) {
	shipping, err1 := writeAddress(r.Shipping)
	billing, err2 := writeAddress(r.Billing)
	var kept []byte
	var err3 error
	if quote {
		kept, err3 = json.Marshal(r.Quote)
	}
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, fmt.Errorf("encode the checkout of order %s: %w", r.OrderID, err)
	}
	var completing *time.Time
	if !r.CompletingAt.IsZero() {
		completing = &r.CompletingAt
	}
	return []any{r.ID, r.CartID, r.OrderID, string(r.Status), r.Version, r.Attempt, r.CartVersion, string(r.Currency), r.Country, r.CustomerID, r.Email,
		shipping, billing, r.OptionID, r.Note, kept, string(r.Hold), r.HoldUntil, completing, r.OrderNumber, r.AccessToken, r.Loose, r.ExpiresAt,
		r.CreatedAt, r.UpdatedAt, r.Channel, r.Provider, r.Fee.Minor}, nil
}

// Create implements app.Store.
func (s *Store) Create(ctx context.Context, r app.Record) error {
	values, err := args(r, true)
	if err != nil {
		return err
	}
	_, err = s.pool.Exec(ctx, `
		INSERT INTO checkouts (id, cart_id, order_id, status, version, attempt, cart_version, currency, country, customer_id, email, shipping_address,
			billing_address, option_id, note, quote, hold_status, hold_until, completing_at, order_number, access_token, loose, expires_at, created_at, updated_at, channel,
			payment_provider, payment_fee)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28)`, values...)
	switch {
	case pg.Violates(err, "checkouts_cart_live"):
		return app.ErrMoved
	case err != nil:
		return fmt.Errorf("create checkout: %w", pg.AsFault(err))
	}
	s.recent.keep(r)
	return nil
}

// saveSQL is a whole decision in one statement: the checkout under its version, and what is noted of the Idempotency-Key. A key
// that is begun twice violates its primary key, and nothing happens; an answer is kept once; a key is forgotten only with the
// change that gives its attempt up. It returns how many checkouts moved: 0 or 1.
const saveSQL = `
WITH moved AS (
	UPDATE checkouts SET status = $4, version = $5, attempt = $6, cart_version = $7, currency = $8, country = $9, customer_id = $10, email = $11,
		shipping_address = $12, billing_address = $13, option_id = $14, note = $15, quote = coalesce($16, quote), hold_status = $17, hold_until = $18,
		completing_at = $19, order_number = $20, access_token = $21, loose = $22, expires_at = $23, updated_at = $25, channel = $26,
		payment_provider = $27, payment_fee = $28, recovery = $35, covered_attempt = $36, failure = $37
	WHERE id = $1 AND cart_id = $2 AND order_id = $3 AND created_at = $24 AND version = $29
	RETURNING 1
), begun AS (
	INSERT INTO idempotency_keys (scope, key, hash, ref) SELECT $30, $31, $32, $6::integer::text FROM moved WHERE $33::text = 'begin'
), answered AS (
	UPDATE idempotency_keys SET answer = $34::json WHERE scope = $30 AND key = $31 AND hash = $32 AND answer IS NULL AND $33 = 'answer'
), forgotten AS (
	DELETE FROM idempotency_keys WHERE scope = $30 AND key = $31 AND hash = $32 AND answer IS NULL AND $33 = 'forget' AND EXISTS (SELECT FROM moved)
)
SELECT count(*) FROM moved`

// Save implements app.Store: one statement, or a transaction with what is told.
func (s *Store) Save(ctx context.Context, c app.Change) error {
	if c.KeyOnly {
		return s.note(ctx, c)
	}
	values, err := args(c.After, c.Quote)
	if err != nil {
		return err
	}
	what := ""
	var answer []byte
	switch {
	case c.Key.Key == "":
	case c.Begin:
		what = "begin"
	case c.Forget:
		what = "forget"
	case c.Answer != nil:
		what = "answer"
		if answer, err = json.Marshal(c.Answer); err != nil {
			return fmt.Errorf("encode the answer of order %s: %w", c.After.OrderID, err)
		}
	}
	failure, err := writeFailure(c.After.Failed)
	if err != nil {
		return fmt.Errorf("encode the failure of order %s: %w", c.After.OrderID, err)
	}
	values = append(values, c.Seen, c.Key.Scope, c.Key.Key, c.Key.Hash[:], what, answer, string(c.After.Recovery), c.After.Covered, failure)
	var moved int
	if c.After.Tells != checkout.TellsNothing {
		err = pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
			if err := tx.QueryRow(ctx, saveSQL, values...).Scan(&moved); err != nil || moved == 0 {
				return err
			}
			return s.box.Append(ctx, tx, tale(c.After))
		})
	} else {
		err = pg.AsFault(s.pool.QueryRow(ctx, saveSQL, values...).Scan(&moved))
	}
	switch {
	case pg.Violates(err, "idempotency_keys_pkey"), err == nil && moved == 0:
		return app.ErrMoved
	case err != nil:
		return fmt.Errorf("save the checkout of order %s: %w", c.After.OrderID, err)
	}
	s.recent.change(c)
	return nil
}

// note keeps the answer to a key, or forgets the key.
func (s *Store) note(ctx context.Context, c app.Change) error {
	sql, values := `DELETE FROM idempotency_keys WHERE scope = $1 AND key = $2 AND hash = $3 AND answer IS NULL`, []any{c.Key.Scope, c.Key.Key, c.Key.Hash[:]}
	if c.Answer != nil {
		answer, err := json.Marshal(c.Answer)
		if err != nil {
			return fmt.Errorf("encode the answer of order %s: %w", c.After.OrderID, err)
		}
		sql = `UPDATE idempotency_keys SET answer = $4 WHERE scope = $1 AND key = $2 AND hash = $3 AND answer IS NULL`
		values = append(values, answer)
	}
	if _, err := s.pool.Exec(ctx, sql, values...); err != nil {
		return fmt.Errorf("note a key of order %s: %w", c.After.OrderID, pg.AsFault(err))
	}
	return nil
}

// Due implements app.Sweeps.
func (s *Store) Due(ctx context.Context, now time.Time, n int) ([]app.Record, error) {
	return s.list(ctx, `SELECT `+columns+`, c.quote FROM checkouts c
		WHERE c.expires_at <= $1 AND (c.status = 'open' OR c.status = 'completing' AND c.completing_at <= $3) ORDER BY c.expires_at LIMIT $2`,
		now, n, now.Add(-checkout.StuckAfter))
}

// Merged implements app.Sweeps.
func (s *Store) Merged(ctx context.Context, carts []string) (live []string, ordered bool, err error) {
	rows, err := s.pool.Query(ctx, `SELECT id, status = 'completed' FROM checkouts WHERE cart_id = ANY ($1) AND status IN ('open', 'completing', 'completed')`, carts)
	if err != nil {
		return nil, false, pg.AsFault(err)
	}
	var id string
	var completed bool
	_, err = pgx.ForEachRow(rows, []any{&id, &completed}, func() error {
		if ordered = ordered || completed; !completed {
			live = append(live, id)
		}
		return nil
	})
	if err != nil {
		return nil, false, fmt.Errorf("checkouts of merged carts: %w", pg.AsFault(err))
	}
	return live, ordered, nil
}

// Left implements app.Sweeps.
func (s *Store) Left(ctx context.Context, now, until time.Time, n int) ([]app.Record, error) {
	return s.list(ctx, `SELECT `+columns+`, c.quote FROM checkouts c
		WHERE c.status = 'open' AND c.expires_at > $1 AND c.expires_at <= $2 AND c.recovery = '' AND c.email <> '' ORDER BY c.expires_at LIMIT $3`, now, until, n)
}

// Loose implements app.Sweeps.
func (s *Store) Loose(ctx context.Context, before time.Time, n int) ([]app.Record, error) {
	return s.list(ctx, `SELECT `+columns+`, c.quote FROM checkouts c WHERE c.loose AND c.updated_at <= $1 ORDER BY c.updated_at LIMIT $2`, before, n)
}

// Attended implements app.Sweeps.
func (s *Store) Attended(ctx context.Context, carts []string) ([]string, error) {
	rows, err := s.pool.Query(ctx, `SELECT cart_id FROM checkouts WHERE cart_id = ANY ($1) AND status IN ('open', 'completing')
		UNION SELECT cart_id FROM checkouts WHERE loose AND cart_id = ANY ($1)`, carts)
	if err != nil {
		return nil, pg.AsFault(err)
	}
	attended, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("carts with a checkout: %w", pg.AsFault(err))
	}
	return attended, nil
}

func (s *Store) list(ctx context.Context, sql string, values ...any) ([]app.Record, error) {
	rows, err := s.pool.Query(ctx, sql, values...)
	if err != nil {
		return nil, pg.AsFault(err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (app.Record, error) { return scan(row) })
	if err != nil {
		return nil, fmt.Errorf("list checkouts: %w", pg.AsFault(err))
	}
	return all, nil
}

// Prune implements app.Sweeps.
func (s *Store) Prune(ctx context.Context) error {
	_, err := idem.Prune(ctx, s.pool, idem.Lifetime)
	return err
}

// Once runs a command once per Idempotency-Key and replays its answer. The command asks other services, so it runs before the
// transaction that keeps its answer; it is idempotent by itself, should this process die between the two. Known tells the answer
// beforehand.
func Once[T any](ctx context.Context, s *Store, k app.Key, fn func() (T, error)) (answer T, replayed bool, err error) {
	if k.Key == "" {
		answer, err = fn()
		return answer, false, err
	}
	if replayed, err = known(ctx, s, k, &answer); replayed || err != nil {
		return answer, replayed, err
	}
	fresh, err := fn()
	if err != nil {
		return answer, false, err
	}
	err = pg.InTx(ctx, s.pool, pg.TxOptions{}, func(ctx context.Context, tx *pg.Tx) error {
		answer, replayed, err = idem.Do(ctx, tx, idem.Key(k), func() (T, error) { return fresh, nil })
		return err
	})
	return answer, replayed, err
}

// known reads the answer that was kept with a key.
func known(ctx context.Context, s *Store, k app.Key, answer any) (bool, error) {
	var hash, kept []byte
	err := s.pool.QueryRow(ctx, `SELECT hash, answer FROM idempotency_keys WHERE scope = $1 AND key = $2 AND created_at > now() - $3::interval`,
		k.Scope, k.Key, idem.Lifetime).Scan(&hash, &kept)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("idempotency key: %w", pg.AsFault(err))
	case [32]byte(hash) != k.Hash:
		return false, idem.ErrReused
	case kept == nil:
		return false, nil
	}
	return true, json.Unmarshal(kept, answer)
}
