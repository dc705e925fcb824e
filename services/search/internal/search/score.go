package search

import "math"

// Popular is what the score of a product is multiplied by for its popularity: 1 for nothing sold, 1.46 for 100 pieces, 1.92 for 10,000.
func Popular(pieces int64) float64 {
	return 1 + math.Log1p(float64(max(pieces, 0)))/10
}

// RulePopularity is the rule of a Reason that stands for Popular. The reasons of words add up (to 1 where the query has none), those of
// rules multiply that.
const RulePopularity = "popularity"

// Complete is what the score of a product is multiplied by that has all words, among others that have not: more than all that raises them, or
// buries it, does together (MaxFactor to the power of maxBoosts), and better fields and popularity beside it.
const Complete = 1e12

// RuleComplete is the rule of a Reason that stands for Complete.
const RuleComplete = "complete"
