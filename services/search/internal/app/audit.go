package app

import (
	"context"
	"time"
)

// AuditEntry is a change of a setting: who made it, and what stood there before and after.
type AuditEntry struct {
	Number        int64 // newer ones have higher numbers
	At            time.Time
	Actor         string
	Action        string // put, delete
	Kind          SettingKind
	ID            string
	Version       int64 // of the settings, with the change
	Before, After any   // search.Synonym, search.Rule or search.HomeRow by the kind; nil where there was none, or is none any more
}

// AuditQuery says which changes to read, the newest first.
type AuditQuery struct {
	Kind   SettingKind // empty: of all
	ID     string      // empty: of all
	Before int64       // only those with a lower number; 0: from the newest one on
	Limit  int
}

// AuditLog has each change of a setting.
type AuditLog interface {
	Audit(ctx context.Context, q AuditQuery) ([]AuditEntry, error)
}
