package search

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestWords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		// letters
		"":                       "",
		"Wireless Headphones":    "wireless headphones",
		"Kopfhörer für Straße":   "kopfhorer fur strasse",
		"CRÈME BRÛLÉE":           "creme brulee",
		"Søren Ærø Łódź Đà Nẵng": "soren aero lodz da nang",
		"cre\u0301me":            "creme",
		"İstanbul ISPARTA ığdır": "istanbul isparta igdir",
		"ΣΊΣΥΦΟΣ":                "σισυφοσ",
		"Ёлка й":                 "елка и",
		"ﬁne ﬂat":                "fine flat",
		"ＳＯＮＹ　ＷＨ－１０００ＸＭ４":           "sony wh 1000xm4",
		"Dell™ Apple® iPhone®":      "dell apple iphone",
		"soft\u00adhyphen":          "softhyphen",
		"zero\u200bwidth\u200djoin": "zerowidthjoin",
		"ノートパソコン":                   "ノ ー ト パ ソ コ ン",
		// inches, feet, other units
		`15.6"`:                     "15.6in",
		"15,6 Zoll":                 "15.6in",
		"15.6 inch":                 "15.6in",
		"15.6-inch":                 "15.6in",
		"15.6inches":                "15.6in",
		"15.6 in.":                  "15.6in",
		"15.6”":                     "15.6in",
		"15.6''":                    "15.6in",
		"15.6″ laptop":              "15.6in laptop",
		"15,6-Zoll-Display":         "15.6in display",
		"15 pouces":                 "15in",
		`Monitor 27"/34"`:           "monitor 27in 34in",
		`Acer 15.60" Chromebook`:    "acer 15.6in chromebook",
		`"iphone 15"`:               "iphone 15",
		"“galaxy 9”":                "galaxy 9",
		"„Pixel 8“ Hülle":           "pixel 8 hulle",
		`the "best" 27" monitor`:    "the best 27in monitor",
		"'iphone 5' case":           "iphone 5 case",
		"3' USB-to-Lightning Cable": "3ft usb to lightning cable",
		"3.2' USB 2.0-to-Micro USB": "3.2ft usb 2 to micro usb",
		"6 ft cable":                "6ft cable",
		"10-foot":                   "10ft",
		"1TB":                       "1tb",
		"1 TB":                      "1tb",
		"1-TB":                      "1tb",
		"1 terabyte":                "1tb",
		"disque dur 1 To":           "disque dur 1tb",
		"512 Go":                    "512gb",
		"2 to 4 players":            "2 to 4 players",
		"2 in 1 laptop":             "2 in 1 laptop",
		"2-in-1 laptop":             "2 in 1 laptop",
		"2in1":                      "2in1",
		"10.000 mAh":                "10000mah",
		"10,000mAh":                 "10000mah",
		"500 Watt":                  "500w",
		"2,5 l":                     "2.5l",
		"1.5 litres":                "1.5l",
		"144 Hz":                    "144hz",
		"48 Megapixel":              "48mp",
		"3 lbs":                     "3lb",
		"2 Kilogramm":               "2kg",
		"take 2 a day":              "take 2 a day",
		"4K":                        "4k",
		"5G":                        "5g",
		"iPhone 5, in black":        "iphone 5 in black",
		// numbers
		"1,234.50":     "1234.5",
		"1.234,50":     "1234.5",
		"1.000.000":    "1000000",
		"USB 3.0":      "usb 3",
		"HDMI 2.1":     "hdmi 2.1",
		"v2.0.1":       "v2.0.1",
		"802.11ac":     "802.11ac",
		"0.125":        "0.125",
		"$1,299.00":    "1299",
		"100% cotton":  "100 cotton",
		"m²":           "m2",
		"٣ أكواب":      "3 اكواب",
		"SKU 007":      "sku 007",
		"30×40":        "30x40",
		"ends at 5.":   "ends at 5",
		"1.,2":         "1 2",
		"iPhone 6, 6s": "iphone 6 6s",
		// models, hyphens, apostrophes, ampersands
		"WH-1000XM4":     "wh 1000xm4",
		"WH 1000 XM4":    "wh 1000 xm4",
		"wh1000xm4":      "wh1000xm4",
		"T-Shirt":        "t shirt",
		"USB-C":          "usb c",
		"Men's Levi’s":   "men levi",
		"L'Oréal":        "l oreal",
		"rock'n'roll":    "rock n roll",
		"don't":          "don t",
		"boys' shoes":    "boys shoes",
		"AT&T":           "at t",
		"Black & Decker": "black decker",
		"S21+ 5G":        "s21 plus 5g",
		"C++":            "c",
		"Dr.Martens":     "dr martens",
		"black/white":    "black white",
		"snake_case":     "snake case",
		"a,b;c|d":        "a b c d",
		"🎧 headphones 🎧": "headphones",
	} {
		if got := strings.Join(Words(text), " "); got != want {
			t.Errorf("%q is read as %q, want %q", text, got, want)
		}
	}
}

func TestTokensSayWhereTheyStand(t *testing.T) {
	t.Parallel()
	const text = `  Größe 15,6 Zoll: Men’s T-Shirt® 27" Café™ ok+`
	var got []string
	for _, tok := range Read(text) {
		got = append(got, text[tok.Start:tok.End])
	}
	if want := []string{"Größe", "15,6 Zoll", "Men’s", "T", "Shirt", `27"`, "Café", "ok", "+"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestAWordIsReadAsItself: dictionaries, synonyms and indexes hold words, and read them again.
func TestAWordIsReadAsItself(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[0-9a-zA-Z,. "'+-]{0,30}`)).Draw(t, "text")
		for _, w := range Words(text) {
			if again := Words(w); len(again) != 1 || again[0] != w {
				t.Fatalf("%q of %q is read as %q", w, text, again)
			}
		}
	})
}

func TestWordsAreClean(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "text")
		end := 0
		for _, tok := range Read(text) {
			if tok.Start < end || tok.End <= tok.Start || tok.End > len(text) {
				t.Fatalf("%q stands at %d–%d of %d", tok.Word, tok.Start, tok.End, len(text))
			}
			end = tok.End
			if tok.Word == "" || !utf8.ValidString(tok.Word) || utf8.RuneCountInString(tok.Word) > 2*maxWord {
				t.Fatalf("%q", tok.Word)
			}
			for _, c := range tok.Word {
				if unicode.ToLower(c) != c || unicode.IsSpace(c) || unicode.IsControl(c) || unicode.Is(unicode.Mn, c) || strings.ContainsRune(`|<>"'&-`, c) {
					t.Fatalf("%q has %q", tok.Word, c)
				}
			}
		}
	})
}

func TestHostileTextIsBounded(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"one word":    strings.Repeat("a", 10<<10),
		"digits":      strings.Repeat("1", 10<<10),
		"alternating": strings.Repeat("a1", 5<<10),
		"singles":     strings.Repeat("1 a ", 1<<20),
		"hyphens":     strings.Repeat("a-", 1<<20),
		"points":      strings.Repeat("1.", 1<<20),
		"quotes":      strings.Repeat(`1"'`, 1<<20),
		"plus":        strings.Repeat("a+", 1<<20),
		"emoji":       strings.Repeat("👩‍👩‍👧‍👦", 1<<10),
		"marks":       "a" + strings.Repeat("\u0301", 1<<20),
		"rtl":         "\u202e" + strings.Repeat("שלום עולם ", 1<<10),
		"invalid":     strings.Repeat("\xff\xc0\x80", 1<<20),
		"nul":         strings.Repeat("\x00", 1<<20),
		"html":        strings.Repeat(`<script>alert("1")</script>`, 1<<15),
		"ligatures":   strings.Repeat("ﬃ", 1<<10),
	} {
		held := Index(text)
		if len(held) > 3*maxText+maxBeside*(maxJoined+1) {
			t.Errorf("%s: %d bytes of %d", name, len(held), len(text))
		}
		for w := range strings.FieldsSeq(held) {
			if len(w) > 4*maxWord {
				t.Errorf("%s: a word of %d bytes", name, len(w))
			}
		}
	}
	if got := strings.Join(Words("a\x00b \xff<b>Bold</b>\u202egnp.exe"), " "); got != "a b b bold b gnp exe" {
		t.Errorf("%q", got)
	}
}

const sampleText = `Sony WH-1000XM4 Kabelloser Bluetooth-Kopfhörer mit Geräuschunterdrückung, 30 Stunden Akku, 1,5 m Kabel. Stay in touch with loved ones
with this unlocked phone. It has a thin, lightweight design for comfort, a 15.6" display and 1 TB of storage; customers' reviews say it's great.`

func BenchmarkWords(b *testing.B) {
	b.SetBytes(int64(len(sampleText)))
	for b.Loop() {
		Words(sampleText)
	}
}

func BenchmarkIndex(b *testing.B) {
	b.SetBytes(int64(len(sampleText)))
	for b.Loop() {
		Index(sampleText)
	}
}
