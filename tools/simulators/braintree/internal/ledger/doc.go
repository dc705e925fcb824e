// Package ledger is the simulated gateway's book-keeping: which payment methods exist, what the processor says to a sale,
// and which states a transaction may go through.
//
// It exists so that every rule about money stands in one place that touches neither network nor disk: each decision takes
// the Book as it is, a time and a source of ids, and returns the records to write. Who calls it (package store) decides
// when those records count. What may go wrong is told in two ways, as the real gateway does: a Refusal (validation errors,
// nothing is recorded) and a transaction whose status is a decline (recorded, answered with 422).
//
//	             ┌────────────── void ──────────────┐
//	             │                                  ▼
//	(sale) ─► authorized ─ submit ─► submitted_for_settlement ─ settle ─► settled ─ refund ─► a credit transaction
//	   │         │  └── submit part ─► settlement_pending (parent) + child submitted_for_settlement
//	   │         └── expire ─► authorization_expired
//	   └─► processor_declined · gateway_rejected · failed
//
// Sources: the public documentation of Braintree (transaction statuses, testing values, processor responses, validation
// errors, duplicate checking) and the tests of its public SDKs. See the README for what differs.
package ledger
