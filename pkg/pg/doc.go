// Package pg is the one way in which services speak to their Postgres: how a pool is set up, how a transaction runs and is
// repeated, how the schema is brought up to date, and which failures of the database mean what to a caller.
//
// The database decides who won. Go code never matches on error text: it asks [Violates] for a constraint by the name that a
// migration gave it, or [Code] for the SQLSTATE. [InTx] is the transaction boundary of every use case: it rolls back on error
// and on panic, repeats only what Postgres itself asks to repeat (40001, 40P01), and runs the [Tx.OnCommit] hooks after the
// commit is known to have happened, never otherwise.
//
// What may go wrong, and how it is told (package fault):
//
//	no connection, server going down, too many clients, disk full  → Unavailable: surely not executed, repeat later
//	serialization failure or deadlock after the last attempt       → Unavailable: surely not executed, repeat later
//	connection lost inside a transaction, before COMMIT was sent   → Unavailable: Postgres rolls it back
//	connection lost while COMMIT was under way                     → Timeout: outcome unknown, look it up
//	connection lost during a statement outside of a transaction    → Timeout: outcome unknown, look it up
//	deadline of the context, statement_timeout                     → Timeout
//
// Everything else is passed on as it is.
package pg
