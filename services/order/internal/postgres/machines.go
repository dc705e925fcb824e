package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/sidecart/sidecart/pkg/pg"
)

// CheckMachines compares the machines that are there, by version and with what their files say, with those that orders are under. An
// order whose machine is missing, or has become another one, could not go on: all such versions are named at once. What is new is kept.
func (s *Store) CheckMachines(ctx context.Context, known map[int]string) error {
	rows, err := s.pool.Query(ctx, `SELECT m.version, m.fingerprint FROM order_machines m
		WHERE EXISTS (SELECT FROM orders o WHERE o.machine_version = m.version) ORDER BY m.version`)
	if err != nil {
		return fmt.Errorf("machines of orders: %w", pg.AsFault(err))
	}
	var faults []error
	var version int
	var said string
	_, err = pgx.ForEachRow(rows, []any{&version, &said}, func() error {
		now, ok := known[version]
		switch {
		case !ok:
			faults = append(faults, fmt.Errorf("orders were placed under machine version %d, which is not there: give its file back", version))
		case now != said:
			faults = append(faults, fmt.Errorf("the file of machine version %d has changed since orders were placed under it: make it a new version", version))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("machines of orders: %w", pg.AsFault(err))
	}
	if len(faults) > 0 {
		return errors.Join(faults...)
	}
	for version, said := range known {
		if _, err := s.pool.Exec(ctx, `INSERT INTO order_machines VALUES ($1, $2)
			ON CONFLICT (version) DO UPDATE SET fingerprint = excluded.fingerprint WHERE order_machines.fingerprint <> excluded.fingerprint`, version, said); err != nil {
			return fmt.Errorf("keep machine version %d: %w", version, pg.AsFault(err))
		}
	}
	return nil
}
