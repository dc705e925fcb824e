// Package httpapi is the simulator's HTTP side: the gateway's API below /merchants/{id}, and the switches below /_sim
// that no real gateway has.
//
// It decides what the protocol decides (credentials, versions, content types, status codes, compression) and injects the
// faults that were ordered; everything about money is the ledger's. Answers: 401 wrong keys, 403 right keys for another
// merchant, 404 unknown id (empty body), 400 malformed XML, 415 not XML, 413 over 1 MiB, 422 refused or declined, 426 an API
// version that is missing or too old, 500 the disk failed, and 429 and 503 by fault switch.
package httpapi
