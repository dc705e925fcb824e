package card

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// Published test numbers of the brands.
var cards = []string{"4111111111111111", "4222222222222", "5555555555554444", "2223003122003222", "378282246310005", "6011111111111117",
	"30569309025904", "3530111333300000", "6304000000000000", "6200000000000005"}

func TestCardNumbersAreSeen(t *testing.T) {
	t.Parallel()
	for _, card := range cards {
		spaced := card[:4] + " " + card[4:8] + " " + card[8:12] + " " + card[12:]
		for _, text := range []string{card, spaced, strings.ReplaceAll(spaced, " ", "-"), strings.ReplaceAll(spaced, " ", "."), "my card is " + card + ", thanks", "nonce_" + card,
			"tok" + card + "x", "5551234 " + spaced + ".", "x" + spaced + " 5551234567", "12 " + spaced, "exp 12/27 " + card, `{"number":"` + card + `"}`, card + card[:1] + " " + card} {
			if !Held(text) {
				t.Errorf("%q was let through", text)
			}
		}
		wrong := card[:len(card)-1] + string('0'+('9'-card[len(card)-1]+1)%10)
		if wrong != card && Held(wrong) {
			t.Errorf("%q has a wrong check digit", wrong)
		}
	}
}

func TestWhatIsNoCardNumber(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "fake-valid-nonce", "2026-11-21 10:59:53.123456", "20261121105953", "+49 30 1234567890", "1234567890123456", "0000000000000000",
		"tokencc_bh_7k3p2f_9x8w7v", "staff-0123456789abcdef0123456789abcdef", "411111111111111", "Ring twice, 3rd floor. 555-0100", "4111  1111  1111  1111", "order 1234567812345670", "41111111111111111111111",
		"01a1fdd6-361b-7f01-8edb-411111111111-1-authorise-11"} {
		if Held(text) {
			t.Errorf("%q was taken for a card number", text)
		}
	}
}

// Ids are drawn by the million: none may be refused for its digits.
func TestIdsAreNeverCardNumbers(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50_000 {
		hex := fmt.Sprintf("%016x%016x", rng.Uint64(), rng.Uint64())
		uuid := hex[:8] + "-" + hex[8:12] + "-7" + hex[13:16] + "-8" + hex[17:20] + "-" + hex[20:]
		for _, id := range []string{hex, uuid, fmt.Sprintf("%s-%d-authorise-%d", uuid, rng.IntN(12), rng.IntN(99))} {
			if Held(id) {
				t.Fatalf("the id %s was taken for a card number", id)
			}
		}
	}
	digits := "0" + strings.Repeat("1234567", 4) // a UUID of digits alone is an id too
	if id := digits[:8] + "-" + digits[8:12] + "-7111-8111-411111111111"; Held(id) {
		t.Errorf("%s", id)
	}
}

// The quick look finds a run wherever the pattern does.
func TestQuickLook(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	const alphabet = "0123456789012345678901234567890123456789 .-a"
	found := 0
	for range 100_000 {
		text := make([]byte, 10+rng.IntN(30))
		for i := range text {
			text[i] = alphabet[rng.IntN(len(alphabet))]
		}
		got, want := hasRun(string(text)), digitRun.Match(text)
		if got != want {
			t.Fatalf("%q: %v, want %v", text, got, want)
		}
		if got {
			found++
		}
	}
	if found < 10_000 || found > 90_000 {
		t.Errorf("%d of 100,000 texts had a run", found)
	}
}
