// Package testkit is what tests of every service share: a schema of their own on a real Postgres, faults that are injected by a
// seed, contracts that the real adapter and its fake both keep, and ways to wait that are not sleeping. Real sidecars are in
// pkg/daprkit/daprtest, the rules of the tree in archtest.
//
// It serves tests only: nothing that runs in production imports it. What a test needs and does not find is a failure that says
// what to do, never a skip. Random choices are printed with the seed that repeats them (SIDECART_TEST_SEED).
package testkit
