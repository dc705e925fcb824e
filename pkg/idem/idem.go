// Package idem makes a command that arrives twice happen once: it keeps the Idempotency-Key of a request with a hash of its body
// and the answer, in the transaction of the effect.
//
//	no row → started ────────────► done
//	           │ transaction         answer is replayed
//	           ▼ rolled back         until the key is 24 h old
//	         no row
//
// The database decides: the row is inserted before the work, so that a second caller with the same key waits on it. When the first
// commits, the second replays its answer; when the first rolls back (a refusal, a crash), nothing is left and the second runs. The
// same key with another body is refused. Who makes a [Key] must put route, path ids and caller into its scope, or a stranger's
// answer would be replayed.
//
// A command that fits into one transaction uses [Do]. One that spans several (it starts something, and the outcome comes later)
// uses [Start] with the effect's first transaction and [Finish] with its last.
package idem

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/pg"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations creates the table idempotency_keys.
var Migrations = pg.Migrations{Name: "idem", FS: sub()}

func sub() fs.FS {
	dir, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the path is a constant
	}
	return dir
}

// Lifetime is how long a key is remembered. An older row counts as absent, pruned or not.
const Lifetime = 24 * time.Hour

var (
	// ErrReused says that the key came with another body before.
	ErrReused = fault.New(fault.Invalid, "idempotency-key-reused", "This Idempotency-Key was used for another request.")
	// ErrInProgress says that a request with the key is under way and its outcome is not known yet.
	ErrInProgress = fault.New(fault.Conflict, "request-in-progress", "A request with this Idempotency-Key is still being worked on.")
)

// Key is the identity of a request. Key == "" means that the caller sent none: nothing is remembered.
type Key struct {
	Scope string   // route with its path ids, and the caller
	Key   string   // as sent
	Hash  [32]byte // SHA-256 of the body
}

// State says how far the request of a key has come.
type State int

// The states of an [Entry].
const (
	New     State = iota // this call inserted it: do the work
	Started              // a transaction before this one started it: Ref says what it made
	Done                 // Answer is final
)

// Entry is what is known of a key.
type Entry struct {
	State  State
	Ref    string          // as given to Start by the call that was first
	Answer json.RawMessage // as given to Finish; only when Done
}

// Do runs fn once per key and stores its result as JSON; a later call with the key gets the stored one, replayed = true, so T must
// survive encoding/json. A call at the same time waits for the first. fn works in tx, and its error must be returned by the
// function of pg.InTx: rolled back, the key is free again, so a refusal is worked out anew each time.
//
// Faults: [ErrReused] for another body, [ErrInProgress] when the one that is under way does not end within the statement timeout
// or was begun with [Start] and is not finished.
func Do[T any](ctx context.Context, tx *pg.Tx, k Key, fn func() (T, error)) (res T, replayed bool, err error) {
	if k.Key == "" {
		res, err = fn()
		return res, false, err
	}
	entry, err := Start(ctx, tx, k, "")
	if err != nil {
		return res, false, err
	}
	switch entry.State {
	case Started:
		return res, false, ErrInProgress
	case Done:
		if err := json.Unmarshal(entry.Answer, &res); err != nil {
			return res, false, fmt.Errorf("stored answer of %s: %w", k.Scope, err)
		}
		return res, true, nil
	}
	if res, err = fn(); err != nil {
		return res, false, err
	}
	return res, false, Finish(ctx, tx, k, res)
}

// Start notes in tx that the request of k begins; ref names what it makes, for those who come with the key while it is under
// way. State New means that the caller is the first and does the work; an error must roll tx back. It waits for a transaction
// that holds the same key. Faults as of [Do]. With Key == "" it answers New and writes nothing.
func Start(ctx context.Context, tx *pg.Tx, k Key, ref string) (Entry, error) {
	if k.Key == "" {
		return Entry{State: New, Ref: ref}, nil
	}
	tag, err := tx.Exec(ctx, `
		INSERT INTO idempotency_keys AS i (scope, key, hash, ref) VALUES ($1, $2, $3, $4)
		ON CONFLICT (scope, key) DO UPDATE SET hash = excluded.hash, ref = excluded.ref, answer = NULL, created_at = now()
		WHERE i.created_at < now() - $5::interval`, k.Scope, k.Key, k.Hash[:], ref, Lifetime)
	switch {
	case err != nil:
		if waitedTooLong(ctx, err) {
			return Entry{}, ErrInProgress.WithCause(err)
		}
		return Entry{}, fmt.Errorf("idempotency key of %s: %w", k.Scope, err)
	case tag.RowsAffected() == 1:
		return Entry{State: New, Ref: ref}, nil
	}
	return load(ctx, tx, k)
}

func load(ctx context.Context, tx *pg.Tx, k Key) (Entry, error) {
	var hash []byte
	var e Entry
	err := tx.QueryRow(ctx, "SELECT hash, ref, answer FROM idempotency_keys WHERE scope = $1 AND key = $2", k.Scope, k.Key).
		Scan(&hash, &e.Ref, &e.Answer)
	if errors.Is(err, pgx.ErrNoRows) { // pruned since the insert: only a key of the last moment of its life
		return Entry{}, ErrInProgress
	}
	if err != nil {
		return Entry{}, fmt.Errorf("idempotency key of %s: %w", k.Scope, err)
	}
	if [32]byte(hash) != k.Hash {
		return Entry{}, ErrReused
	}
	e.State = Started
	if e.Answer != nil {
		e.State = Done
	}
	return e, nil
}

// Finish stores the answer of a request that [Start] began, as JSON, with the outcome. The first answer stays: calling it again
// changes nothing. It stores the answer also when the row is gone by age.
func Finish(ctx context.Context, tx *pg.Tx, k Key, answer any) error {
	if k.Key == "" {
		return nil
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("answer of %s: %w", k.Scope, err)
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO idempotency_keys AS i (scope, key, hash, answer) VALUES ($1, $2, $3, $4)
		ON CONFLICT (scope, key) DO UPDATE SET answer = excluded.answer
		WHERE i.answer IS NULL AND i.hash = excluded.hash`, k.Scope, k.Key, k.Hash[:], text)
	if err != nil {
		return fmt.Errorf("answer of %s: %w", k.Scope, err)
	}
	return nil
}

// waitedTooLong reports that the server ended the wait for the other transaction, and not the caller.
func waitedTooLong(ctx context.Context, err error) bool {
	const lockNotAvailable, queryCanceled = "55P03", "57014"
	code := pg.Code(err)
	return ctx.Err() == nil && (code == lockNotAvailable || code == queryCanceled)
}

const pruneChunk = 5000

// Prune forgets the keys that are older than olderThan ([Lifetime] or more) and returns how many, in transactions of some thousand.
func Prune(ctx context.Context, pool *pgxpool.Pool, olderThan time.Duration) (int64, error) {
	var total int64
	for {
		tag, err := pool.Exec(ctx, `
			DELETE FROM idempotency_keys WHERE (scope, key) IN (
				SELECT scope, key FROM idempotency_keys WHERE created_at < now() - $1::interval ORDER BY created_at LIMIT $2)`,
			olderThan, pruneChunk)
		if err != nil {
			return total, fmt.Errorf("prune idempotency keys: %w", pg.AsFault(err))
		}
		total += tag.RowsAffected()
		if tag.RowsAffected() < pruneChunk {
			return total, nil
		}
	}
}
