// Package daprkit is everything between a service and its own Dapr sidecar: calls to other services, events out and in,
// actors, state, jobs.
//
//	service A ── Caller/Transport ──▶ sidecar A ──▶ sidecar B ──▶ service B (httpx)
//	service A ── PublishBulk ───────▶ sidecar A ──▶ broker ─────▶ sidecar B ──▶ Subscriptions
//	service A ── Client.Actor ──────▶ sidecar A ──▶ sidecar B ──▶ Actors (one turn at a time per id)
//	scheduler ──────────────────────▶ sidecar A ──▶ Jobs
//
// Who decides: the sidecar routes and repeats, the broker keeps, and the callee's own database keeps every invariant. Nothing
// here is a guard. A turn may run twice or beside another one, an event may come twice or out of order, a job may fire late.
//
// What may go wrong, and how it is said: every failure is a *fault.Fault. fault.Unavailable means that the callee surely saw
// nothing; fault.Timeout means that nobody knows, so look it up before repeating. Daprd reports most failures as text only; the
// one place that reads the text is internal/outcome, and when in doubt it says "unknown". A refusal of the callee itself arrives
// as the very fault that it raised, over HTTP as a problem document, from an actor in an envelope with status 200 (daprd turns
// every other status of an actor into a 500 without its body).
//
// Connect waits for nothing: a service starts, stops and answers /healthz without its sidecar.
package daprkit
