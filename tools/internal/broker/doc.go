// Package broker is the message broker of a shop that runs on one machine: NATS JetStream inside this process, shown to
// every daprd as a pluggable pub/sub component (a gRPC server on a Unix socket in DAPR_COMPONENTS_SOCKETS_FOLDER; the
// component's type is "pubsub." + the socket's name).
//
//	app ── daprd ──gRPC/unix──▶ service ──▶ store ──▶ one JetStream stream per topic, files in --data
//	app ◀─ daprd ◀──PullMessages── pull ◀── one durable consumer per (app id, topic)
//
// Why it exists: Dapr's own JetStream component has one durable name per component, so an app with two topics loses its
// place, and the stable daprd does not hold it. A process of its own because daprd never subscribes again to a pluggable
// component that went away: whoever restarts this process runs a [Watchdog] beside it, which makes every daprd do so.
//
// What is promised, and what is not:
//   - Publish and BulkPublish answer after the events are on disk. With Sync "always" (the default) that is after fsync, so
//     they survive kill -9 and loss of power; with an interval they survive kill -9 and may lose the last interval with
//     the machine. Whoever got an error or no answer publishes again; within the dedupe window (by CloudEvents source and
//     id, per topic) the second copy is swallowed.
//   - At least once. Events stay for MaxAge, acknowledged or not. A topic that reaches MaxBytes before drops what every
//     app that ever subscribed has acknowledged; if that is nothing, it refuses publishes and says which app holds it up.
//   - A new app id starts with the oldest event still held.
//   - An app with one instance gets a topic's events in the order of publication; what a broken stream held comes again first,
//     in order. A negative acknowledgement breaks the order: the event comes later. Ordered (one event under way per app
//     and topic) keeps it even then, at the price of waiting for each. Between topics, and between instances of an app,
//     there is no order, and none is promised across a killed broker.
//   - The acknowledgements themselves are written a little later: after kill -9 some events come twice.
//
// What may go wrong: the disk fills (publishes are refused while less than MinFree is left, consuming goes on; if a write
// fails all the same, Serve ends with the reason), the folder is in use by another broker ([ErrInUse]), the store is
// damaged ([ErrDamaged]; a topic that cannot be read is never begun anew, but single damaged events inside a file are
// skipped by JetStream unseen). An event above MaxEvent is refused, because daprd's receive limit would otherwise kill its
// subscription for good.
package broker
