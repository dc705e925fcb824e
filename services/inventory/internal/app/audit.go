package app

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/services/inventory/internal/inventory"
)

// What auditing is refused with.
var (
	ErrNoSnapshot   = fault.New(fault.NotFound, "snapshot-not-found", "There is no such snapshot.")
	ErrSnapshotUsed = fault.New(fault.Conflict, "snapshot-exists", "There is a snapshot of that name.")
)

// Snapshot is the stock at a moment.
type Snapshot struct {
	Name  string
	At    time.Time
	Actor string
	Lines int64 // levels
}

// Stand is a level at a moment.
type Stand struct{ OnHand, Allocated, Owed int64 }

// Moved is what ledger entries of a kind have added between two moments, and the latest of what they were written for, MovedBy at most: allocations,
// bookings, transfers.
type Moved struct {
	Entries int64
	Stand
	References []string
}

// MovedBy is how many references a Moved names.
const MovedBy = 20

// Difference is what happened to a level between two moments. What is not explained by the ledger is damage.
type Difference struct {
	inventory.Place
	Before, After Stand
	Moves         map[string]Moved // by kind of the ledger
}

// Unexplained is what the ledger does not account for.
func (d Difference) Unexplained() Stand {
	u := Stand{d.After.OnHand - d.Before.OnHand, d.After.Allocated - d.Before.Allocated, d.After.Owed - d.Before.Owed}
	for _, m := range d.Moves {
		u.OnHand -= m.OnHand
		u.Allocated -= m.Allocated
		u.Owed -= m.Owed
	}
	return u
}

// HeldAt is what was held of a SKU at two moments.
type HeldAt struct {
	SKU                   string
	Before, After         int64
	OwnersThen, OwnersNow int64
}

// Comparison is two moments side by side: the levels and SKUs of which something differs.
type Comparison struct {
	From, To Snapshot
	Levels   []Difference
	Holds    []HeldAt
}

// What a Fault is of.
const (
	FaultLevel = "level"
	FaultHolds = "holds"
	FaultLot   = "lot"
)

// Fault is a level, a lot of it, or the held total of a SKU, that does not agree with what it is the sum of.
type Fault struct {
	What string
	inventory.Place
	Lot                  string // of a lot; "": its level has less than all of its lots, whose sums are Ledger.OnHand and Reserved.Allocated
	Missing              bool   // of a lot: it is not there, and nobody knows its last day
	Is, Ledger, Reserved Stand  // of holds: Is.OnHand is the total, Ledger.OnHand the sum of the holds
	Repaired             bool
	ExpiresOn            time.Time // of a lot that is missing: its last day, as people say
}

// LotDay is the last day of a lot that is missing, as people say.
type LotDay struct {
	inventory.Place
	Lot       string
	ExpiresOn time.Time
}

// AuditStore looks back.
type AuditStore interface {
	// TakeSnapshot keeps all levels, holds and sums of the ledger as they are in one moment, or ErrSnapshotUsed.
	TakeSnapshot(ctx context.Context, name string, by Change) (Snapshot, error)
	Snapshots(ctx context.Context) ([]Snapshot, error)
	// Compare sets a snapshot beside a later one, or beside now when to is empty. ErrNoSnapshot.
	Compare(ctx context.Context, from, to string, now time.Time) (Comparison, error)
	// Faults returns what does not add up, up to limit.
	Faults(ctx context.Context, limit int) ([]Fault, error)
	// Repair makes a fault's level or lot the sum of the ledger and of the reservations, and a held total the sum of the holds; whether it
	// could be done within what constraints allow.
	Repair(ctx context.Context, f Fault, by Change) (done bool, err error)
}

// CountStore keeps sums of the ledger, so that not all of it is read at each look.
type CountStore interface {
	// CountNew adds what was written to the sums and returns how much is not what it should be by them: a hint, which Faults looks into; due says
	// that all is to be counted again.
	CountNew(ctx context.Context, now time.Time) (differ int, due bool, err error)
	// Resum makes the sums anew from the whole ledger, and notes when all is to be counted again.
	Resum(ctx context.Context, next time.Time) error
}

// Auditor recounts.
type Auditor struct {
	Store AuditStore
	Now   func() time.Time
}

var snapshotForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// TakeSnapshot keeps the stock as it is under a name.
func (a *Auditor) TakeSnapshot(ctx context.Context, actor, name string) (Snapshot, error) {
	if !snapshotForm.MatchString(name) {
		return Snapshot{}, fault.New(fault.Invalid, "validation-failed", "path.name: must be 1 to 64 letters, digits, . _ or -").
			WithField("path.name", "must be 1 to 64 letters, digits, . _ or -", name)
	}
	return a.Store.TakeSnapshot(ctx, name, stamp(actor, a.Now()))
}

// maxFaults is how many faults one call reports and repairs; the next call goes on.
const maxFaults = 1000

// Reconcile recounts every level from the ledger and the reservations and every held total from its holds, and repairs what differs if it
// is asked to; lots that are missing, with the last days that are given. Fault: validation-failed for a day of a lot that is not missing.
func (a *Auditor) Reconcile(ctx context.Context, actor string, repair bool, days []LotDay) ([]Fault, error) {
	faults, err := a.Store.Faults(ctx, maxFaults)
	if err != nil {
		return nil, err
	}
	if err := giveDays(faults, repair, days); err != nil || !repair {
		return faults, err
	}
	for i := range faults {
		if faults[i].Repaired, err = a.Store.Repair(ctx, faults[i], stamp(actor, a.Now())); err != nil {
			return nil, err
		}
	}
	return faults, nil
}

func giveDays(faults []Fault, repair bool, days []LotDay) error {
	var c fault.Collector
	c.Check(repair || len(days) == 0, "body.lots", "go with a repair", nil)
	for i, d := range days {
		at := slices.IndexFunc(faults, func(f Fault) bool { return f.Missing && f.Place == d.Place && f.Lot == d.Lot })
		c.Check(at >= 0, fmt.Sprintf("body.lots[%d].lot", i), "is not a lot that is missing there", d.Lot)
		if at >= 0 {
			c.Check(faults[at].ExpiresOn.IsZero(), fmt.Sprintf("body.lots[%d]", i), "stands twice", d.Lot)
			faults[at].ExpiresOn = d.ExpiresOn
		}
	}
	return c.Err()
}
