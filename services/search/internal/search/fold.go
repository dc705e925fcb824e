package search

import (
	"strings"
	"unicode"
)

// Letters with accents, and what they are without: "base letters". It stands here, and not in golang.org/x/text, because the core reads
// words for documents, synonyms, rules and queries alike; TestFoldingIsThatOfUnicode holds it to the tables of Unicode.
// Umlauts lose their dots ("Kopfhörer" is "kopfhorer"); who writes them with an e is a letter away, and corrected.
const foldedLetters = `
a ªàáâãäåāăąǎǟǡǻȁȃȧḁạảấầẩẫậắằẳẵặ
ae æǣǽ
b ḃḅḇ
c çćĉċčḉ
d ðďđḋḍḏḑḓ
dz ǆǳ
e èéêëēĕėęěȅȇȩḕḗḙḛḝẹẻẽếềểễệ
f ƒḟ
ff ﬀ
ffi ﬃ
ffl ﬄ
fi ﬁ
fl ﬂ
g ĝğġģǧǵḡ
h ĥħȟḣḥḧḩḫẖ
i ìíîïĩīĭįıǐȉȋḭḯỉị
ij ĳ
j ĵǰ
k ķĸǩḱḳḵ
l ĺļľłḷḹḻḽ
lj ǉ
m ḿṁṃ
n ñńņňŉŋǹṅṇṉṋ
nj ǌ
o ºòóôõöøōŏőơǒǫǭǿȍȏȫȭȯȱṍṏṑṓọỏốồổỗộớờởỡợ
oe œ
p ṕṗ
r ŕŗřȑȓṙṛṝṟ
s śŝşšſșṡṣṥṧṩẛ
ss ß
st ﬅﬆ
t ţťŧțṫṭṯṱẗ
th þ
u ùúûüũūŭůűųưǔǖǘǚǜȕȗṳṵṷṹṻụủứừửữự
v ṽṿ
w ŵẁẃẅẇẉẘ
x ẋẍ×
y ýÿŷȳẏẙỳỵỷỹ
z źżžƶẑẓẕ
ʒ ǯ
α άἀἁἂἃἄἅἆἇὰᾀᾁᾂᾃᾄᾅᾆᾇᾰᾱᾲᾳᾴᾶᾷ
β ϐ
ε έϵἐἑἒἓἔἕὲ
η ήἠἡἢἣἤἥἦἧὴᾐᾑᾒᾓᾔᾕᾖᾗῂῃῄῆῇ
θ ϑ
ι ΐίϊἰἱἲἳἴἵἶἷὶιῐῑῒῖῗ
κ ϰ
μ µ
ο όὀὁὂὃὄὅὸ
π ϖ
ρ ϱῤῥ
σ ςϲ
υ ΰϋύϒϓϔὐὑὒὓὔὕὖὗὺῠῡῢῦῧ
φ ϕ
ω ώὠὡὢὣὤὥὦὧὼᾠᾡᾢᾣᾤᾥᾦᾧῲῳῴῶῷ
а ӑӓ
г ѓ
е ѐёӗ
ж ӂӝ
з ӟ
и йѝӣӥ
к ќ
о ӧ
у ўӯӱӳ
ч ӵ
ы ӹ
э ӭ
і ї
ѵ ѷ
ә ӛ
ө ӫ
ا آأإ
و ؤ
ي ئ
ہ ۂ
ے ۓ
ە ۀ
` + // these are the same letters as some above, which editors would make of them
	"α \u1f71\nε \u1f73\nη \u1f75\nι \u1f77\u1fbe\u1fd3\nο \u1f79\nυ \u1f7b\u1fe3\nω \u1f7d\n"

var folded = foldTable()

func foldTable() map[rune]string {
	table := map[rune]string{'²': "2", '³': "3", '¹': "1"}
	for line := range strings.Lines(foldedLetters) {
		base, letters, _ := strings.Cut(strings.TrimSpace(line), " ")
		for _, c := range letters {
			table[c] = base
		}
	}
	return table
}

// kind is what a character does to the word that it stands in.
type kind uint8

const (
	separator kind = iota
	letter
	digit
	ideograph // is a word by itself
	nothing   // is read over: marks, invisible characters, ™
)

// fold returns a character in lower case and without marks. The text is empty for separators and for nothing.
func fold(c rune) (kind, string) {
	if c < 0x80 {
		return foldASCII(c)
	}
	if c >= '！' && c <= '～' {
		return foldASCII(c - '！' + '!')
	}
	c = unicode.ToLower(c)
	if s, ok := folded[c]; ok {
		if s[0] <= '9' {
			return digit, s
		}
		return letter, s
	}
	switch {
	case c == '™', c == '®', c == '©', c == '℠', unicode.In(c, unicode.Mn, unicode.Me, unicode.Cf):
		return nothing, ""
	case unicode.In(c, unicode.Han, unicode.Hiragana, unicode.Katakana):
		return ideograph, string(c)
	case unicode.IsLetter(c), unicode.Is(unicode.Mc, c):
		return letter, string(c)
	case unicode.Is(unicode.Nd, c):
		return digit, ascii[digitOf(c) : digitOf(c)+1]
	}
	return separator, ""
}

const ascii = "0123456789abcdefghijklmnopqrstuvwxyz"

func foldASCII(c rune) (kind, string) {
	switch {
	case c >= 'a' && c <= 'z':
		return letter, ascii[c-'a'+10 : c-'a'+11]
	case c >= 'A' && c <= 'Z':
		return letter, ascii[c-'A'+10 : c-'A'+11]
	case c >= '0' && c <= '9':
		return digit, ascii[c-'0' : c-'0'+1]
	}
	return separator, ""
}

// digitOf returns the value of a decimal digit of any script: Unicode keeps each script's ten together, and begins its ranges with a nought.
func digitOf(c rune) rune {
	for _, r := range unicode.Nd.R16 {
		if c >= rune(r.Lo) && c <= rune(r.Hi) {
			return (c - rune(r.Lo)) % 10
		}
	}
	for _, r := range unicode.Nd.R32 {
		if c >= rune(r.Lo) && c <= rune(r.Hi) {
			return (c - rune(r.Lo)) % 10
		}
	}
	return 0
}
