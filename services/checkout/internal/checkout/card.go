package checkout

import "strings"

// LooksLikeCard reports whether a text that should be a nonce or a token is a card number: 12 to 19 digits, perhaps in groups,
// with a right check digit (ISO/IEC 7812-1). Such a text must neither travel on nor be kept.
func LooksLikeCard(s string) bool {
	digits := make([]int, 0, 19)
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			digits = append(digits, int(r-'0'))
		case r == ' ' || r == '-' || r == '.':
		default:
			return false
		}
		if len(digits) > 19 {
			return false
		}
	}
	if len(digits) < 12 {
		return false
	}
	sum := 0
	for i := range digits {
		d := digits[len(digits)-1-i]
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// HoldsCard reports whether a free text holds a card number: 13 to 19 digits that begin as those of payment cards do (3 to 6), alone
// or in groups, with a right check digit.
func HoldsCard(s string) bool {
	digit := func(i int) bool { return i >= 0 && i < len(s) && s[i] >= '0' && s[i] <= '9' }
	for start := range len(s) {
		if s[start] < '3' || s[start] > '6' || digit(start-1) {
			continue
		}
		digits := 0
		for i := start; digits < 19 && (digit(i) || digit(i-1) && digit(i+1) && strings.IndexByte(" -.", s[i]) >= 0); i++ {
			if !digit(i) {
				continue
			}
			digits++
			if digits >= 13 && !digit(i+1) && LooksLikeCard(s[start:i+1]) {
				return true
			}
		}
	}
	return false
}
