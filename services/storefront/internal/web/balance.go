package web

import (
	"crypto/sha256"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/sidecart/sidecart/services/payment/paymentapi"
)

const (
	balanceAge  = time.Minute // how long a balance is shown as it was; payment decides
	balanceMost = 10_000      // gift cards
)

// balances remembers what gift cards are worth, so that the payment step asks once for each. What nobody knows is never remembered: each try of a code counts.
// Codes are kept as their hashes alone.
type balances struct {
	now func() time.Time
	lru *lru.Cache[[32]byte, balance]
}

type balance struct {
	worth paymentapi.GiftCardBalance
	until time.Time
}

func newBalances(now func() time.Time) *balances {
	c, err := lru.New[[32]byte, balance](balanceMost)
	if err != nil {
		panic(err) // of a size that is not positive
	}
	return &balances{now: now, lru: c}
}

func (b *balances) get(code string) (worth paymentapi.GiftCardBalance, ok bool) {
	known, ok := b.lru.Get(sha256.Sum256([]byte(code)))
	return known.worth, ok && b.now().Before(known.until)
}

func (b *balances) keep(code string, worth paymentapi.GiftCardBalance) {
	b.lru.Add(sha256.Sum256([]byte(code)), balance{worth, b.now().Add(balanceAge)})
}

// forget is for codes that were paid with, or were to be.
func (b *balances) forget(codes []string) {
	for _, code := range codes {
		b.lru.Remove(sha256.Sum256([]byte(code)))
	}
}
