// Package card finds numbers of payment cards in texts, so that no door takes one in: what is kept or logged would have to be guarded as
// cards are. Ids that happen to have as many digits are none.
package card

import (
	"regexp"
	"strings"

	"github.com/sidecart/sidecart/pkg/fault"
)

// ErrRefused is the answer to a request that holds a card number.
var ErrRefused = fault.New(fault.Invalid, "card-number-refused", "The request holds a card number. Collect cards with the gateway's client and send its nonce.")

var (
	// Ids are no card numbers, however many digits they have: UUIDs, and hexadecimal words that are too long for one.
	idForm = regexp.MustCompile(`(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b(-\d{1,4}\b)?|\b[0-9a-f]*[a-f][0-9a-f]{19,}\b|\b[0-9a-f]{19,}[a-f][0-9a-f]*\b|\b[0-9a-f]{32}\b`)
	// A run of digits with single separators between them.
	digitRun = regexp.MustCompile(`\d(?:[ .\-]?\d){12,}`)
)

const (
	shortestCard = 13
	longestCard  = 19
)

// Held reports whether a text holds what could be the number of a payment card: 13 to 19 digits, perhaps in groups,
// with the prefix and length of a card brand and a right check digit (Luhn, ISO/IEC 7812-1).
func Held(text string) bool {
	if !hasRun(text) {
		return false
	}
	text = idForm.ReplaceAllString(text, "#")
	for _, run := range digitRun.FindAllString(text, -1) {
		groups := strings.FieldsFunc(run, func(r rune) bool { return r < '0' || r > '9' })
		for i := range groups {
			digits := ""
			for _, g := range groups[i:] {
				if digits += g; len(digits) > longestCard {
					break
				}
				if isCard(digits) {
					return true
				}
			}
		}
	}
	return false
}

// hasRun reports whether a text has a run of digits, with single separators between them, that is long enough for a card: most have
// none, and need no closer look.
func hasRun(text string) bool {
	run, gap := 0, 0
	for i := range len(text) {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			if run, gap = run+1, 0; run == shortestCard {
				return true
			}
		case (c == ' ' || c == '.' || c == '-') && gap == 0:
			gap = 1
		default:
			run, gap = 0, 0
		}
	}
	return false
}

func isCard(digits string) bool {
	return len(digits) >= shortestCard && branded(digits) && luhn(digits)
}

// brands are the issuer prefixes, as ranges of their first digits, with the lengths in use.
var brands = []struct {
	from, to string
	lengths  string // of the number, as letters: a = 13 … g = 19
}{
	{"4", "4", "adg"},        // Visa
	{"51", "55", "d"},        // Mastercard
	{"2221", "2720", "d"},    // Mastercard
	{"34", "34", "c"},        // American Express
	{"37", "37", "c"},        // American Express
	{"30", "30", "bcdefg"},   // Diners Club
	{"36", "36", "bcdefg"},   // Diners Club
	{"38", "39", "bcdefg"},   // Diners Club
	{"3528", "3589", "defg"}, // JCB
	{"50", "50", "abcdefg"},  // Maestro
	{"56", "58", "abcdefg"},  // Maestro
	{"60", "69", "abcdefg"},  // Discover, UnionPay, Maestro, RuPay
}

func branded(digits string) bool {
	length := string(rune('a' + len(digits) - shortestCard))
	for _, b := range brands {
		prefix := digits[:len(b.from)]
		if prefix >= b.from && prefix <= b.to && strings.Contains(b.lengths, length) {
			return true
		}
	}
	return false
}

func luhn(digits string) bool {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
