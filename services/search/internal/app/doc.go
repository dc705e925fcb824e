// Package app holds the use cases of search: events enter the replica, the tail brings the replica into the index, shoppers read
// the index, staff say what stands in front. It owns the ports; an index that is away is a fault, never an empty answer.
package app
