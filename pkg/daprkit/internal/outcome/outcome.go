// Package outcome reads what a sidecar says about a failed call. First of all: did it surely not reach its target?
//
// Daprd puts most failures into one code with a text, so the text is all there is, and this is the one place that reads it. It
// decides between fault.Unavailable (repeat freely) and fault.Timeout (look it up first), so a wrong "not sent" charges somebody
// twice: whatever is not on the list was perhaps sent. The texts are those of daprd 1.18.1 and components-contrib 1.18.0; the
// tests with a real sidecar hold the ones that matter.
package outcome

import (
	"regexp"
	"strings"
)

// notSent lists what daprd, its components and the gRPC and HTTP clients beneath say when nothing was sent.
var notSent = []string{
	"dial tcp",                // net: no connection to the target
	"dial unix",               // the same on a socket
	"Error while dialing",     // grpc-go: no connection to the target
	"connection error: ",      // grpc-go: the connection was never ready; see perhaps
	"circuit breaker is open", // resiliency refused before the target
	"couldn't find output binding",
	"does not support operation",
	"invalid operation: ",
	"couldn't find service",           // name resolution: mdns
	"no host found with the given ID", // name resolution: sqlite
	"failed to resolve address",       // name resolution: kubernetes and others
	"app is not in a healthy state",   // the target's sidecar does not pass on
	"app channel is not initialized",  // the target's sidecar knows no app yet
	"app channel not initialized",     // the same, own app
	"invoke API is not ready",         // the sidecar is starting
	"name resolver not initialized",   // the sidecar has no resolver
}

// perhaps matches texts that hold one of notSent and yet tell of a call that may have been executed: what daprd adds when it has
// repeated a call by itself, because the text then speaks of the last attempt only; and what grpc-go says of a call under way when
// a server that had announced its stop (GOAWAY) is gone before the answer.
var perhaps = regexp.MustCompile(`after [1-9][0-9]* retries|closing transport due to: `)

// NotSent reports whether text says that the call never left for its target.
func NotSent(text string) bool {
	if perhaps.MatchString(text) {
		return false
	}
	for _, s := range notSent {
		if strings.Contains(text, s) {
			return true
		}
	}
	return false
}

// exists matches what stores say of a first write without an ETag that found the key there: Postgres in words, Redis by the script that
// refused it.
var exists = regexp.MustCompile(`no item was updated|user_script:[0-9]+: failed to set key`)

// Exists reports whether text says that a first write without an ETag found the key there. A write with an ETag that no longer matches
// has a code of its own.
func Exists(text string) bool { return exists.MatchString(text) }
