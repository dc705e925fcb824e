// Package store keeps the ledger's book on disk: an append-only journal of records, replayed at start.
//
// One line is one decision (all its records or none), with a checksum before it. A caller's Update returns only after its
// line is on disk; lines that arrive while the disk is busy share the next fsync, so that the rate of decisions is not
// bounded by the rate of fsyncs. A View returns only what is on disk too: nobody sees a charge that a crash could take back.
//
// What may go wrong: a killed process leaves half a line at the end, which the next start cuts off (nobody was told of it);
// a damaged line before intact ones is ErrCorrupt, because guessing about money is worse than not starting; a disk that
// refuses a write or fsync stops the store for good (Failed), because memory then knows more than the disk: restart it.
// A second process on the same folder gets ErrLocked.
package store
