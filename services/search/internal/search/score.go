package search

import "math"

// Popular is what the score of a product is multiplied by for its popularity: 1 for nothing sold, 1.46 for 100 pieces, 1.92 for 10,000.
func Popular(pieces int64) float64 {
	return 1 + math.Log1p(float64(max(pieces, 0)))/10
}

// The rules that a Reason names beside those of boosts.
const (
	RuleAll        = "all"        // the 1 that a query without words counts
	RulePopularity = "popularity" // Popular
)
