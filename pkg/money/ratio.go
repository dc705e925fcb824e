package money

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
)

// Rounding names what happens to the part of a result that is smaller than a minor unit.
type Rounding int

// The roundings. Where a rule of law names one, it is nearly always HalfUp (away from zero at the half) or Down.
const (
	HalfUp   Rounding = iota // to the nearest, a half away from zero: 0.5 → 1, −0.5 → −1
	HalfEven                 // to the nearest, a half to the even neighbour: 0.5 → 0, 1.5 → 2
	Down                     // towards zero
	Up                       // away from zero
	Floor                    // towards −∞
	Ceiling                  // towards +∞
)

var roundingNames = [...]string{"half-up", "half-even", "down", "up", "floor", "ceiling"}

// String returns the name as ParseRounding reads it.
func (r Rounding) String() string {
	if r >= 0 && int(r) < len(roundingNames) {
		return roundingNames[r]
	}
	return fmt.Sprintf("rounding(%d)", int(r))
}

// ParseRounding is the inverse of String; an unknown name is ErrFormat.
func ParseRounding(s string) (Rounding, error) {
	if i := slices.Index(roundingNames[:], s); i >= 0 {
		return Rounding(i), nil
	}
	return 0, fmt.Errorf("%w: unknown rounding %.16q", ErrFormat, s)
}

// away decides whether a truncated quotient goes one further from zero. negative is the sign of the exact result, odd tells
// that of the quotient; remainder and divisor are of its absolute value, with 0 < remainder < divisor.
func (r Rounding) away(negative, odd bool, remainder, divisor uint64) bool {
	half := cmp.Compare(remainder, divisor-remainder) // of remainder/divisor with 1/2
	switch r {
	case HalfUp:
		return half >= 0
	case HalfEven:
		return half > 0 || half == 0 && odd
	case Up:
		return true
	case Floor:
		return negative
	case Ceiling:
		return !negative
	default: // Down
		return false
	}
}

// BasisPoints returns a × bp / 10,000: 825 basis points are 8.25 %. The product is exact in 128 bits before it is rounded
// once; a result out of range is ErrOverflow.
func (a Amount) BasisPoints(bp int64, r Rounding) (Amount, error) { return a.Ratio(bp, 10_000, r) }

// Ratio returns a × num / den, exact before it is rounded once. den == 0 is ErrRatio, a result out of range ErrOverflow.
func (a Amount) Ratio(num, den int64, r Rounding) (Amount, error) {
	minor, err := scale(a.Minor, num, den, r)
	if err != nil {
		return Amount{}, fmt.Errorf("%w: %d * %d / %d %s", err, a.Minor, num, den, a.Currency)
	}
	return Amount{Minor: minor, Currency: a.Currency}, nil
}

// scale returns a × num / den with a product of 128 bits.
func scale(a, num, den int64, r Rounding) (int64, error) {
	if den == 0 {
		return 0, ErrRatio
	}
	negative := (a < 0) != (num < 0) != (den < 0)
	divisor := magnitude(den)
	high, low := bits.Mul64(magnitude(a), magnitude(num))
	if high >= divisor {
		return 0, ErrOverflow
	}
	quotient, remainder := bits.Div64(high, low, divisor)
	if remainder != 0 && r.away(negative, quotient&1 == 1, remainder, divisor) {
		quotient++
		if quotient == 0 {
			return 0, ErrOverflow
		}
	}
	return signed(negative, quotient)
}

// magnitude is |n|, which fits even for the most negative number.
func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

func signed(negative bool, m uint64) (int64, error) {
	switch {
	case negative && m <= 1<<63:
		return int64(-m), nil
	case !negative && m < 1<<63:
		return int64(m), nil
	default:
		return 0, ErrOverflow
	}
}

// Allocate splits a by weights, for instance a discount over lines. The parts add up to a exactly, each is less than one
// minor unit away from its exact share, and a weight of zero gets nothing. What is left over after rounding down goes to
// the largest remainders, ties to the lower index, so the same input always splits alike; a negative amount splits like
// its positive with the signs changed. A negative weight, or no weight above zero for an amount that is not zero, is
// ErrRatio; weights whose sum leaves int64 are ErrOverflow.
func (a Amount) Allocate(weights []int64) ([]Amount, error) {
	var total uint64
	for _, w := range weights {
		if w < 0 {
			return nil, fmt.Errorf("%w: weight %d", ErrRatio, w)
		}
		if total += uint64(w); total >= 1<<63 {
			return nil, fmt.Errorf("%w: sum of weights", ErrOverflow)
		}
	}
	parts := make([]Amount, len(weights))
	for i := range parts {
		parts[i].Currency = a.Currency
	}
	if a.Minor == 0 {
		return parts, nil
	}
	if total == 0 {
		return nil, fmt.Errorf("%w: no weight above zero", ErrRatio)
	}
	return parts, a.fill(parts, weights, total)
}

func (a Amount) fill(parts []Amount, weights []int64, total uint64) error {
	remainders := make([]uint64, len(weights))
	shares := make([]uint64, len(weights))
	whole := magnitude(a.Minor)
	left := whole
	for i, w := range weights {
		high, low := bits.Mul64(whole, uint64(w))
		shares[i], remainders[i] = bits.Div64(high, low, total) // high < total, because w ≤ total and whole < 2⁶⁴
		left -= shares[i]
	}
	order := make([]int, len(weights))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(remainders[j], remainders[i]) })
	for _, i := range order[:left] { // left is below the number of remainders above zero
		shares[i]++
	}
	for i, share := range shares {
		minor, err := signed(a.Minor < 0, share)
		if err != nil {
			return err
		}
		parts[i].Minor = minor
	}
	return nil
}
