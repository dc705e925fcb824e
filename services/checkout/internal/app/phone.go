package app

import (
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// e164 returns a phone number as carriers take it, and whether it can be one: +14155550132, with " ext. 12" where an extension was given.
// A number without + is one of the country. Only its length is judged: numbers are given out faster than tables learn of them.
// None is well. What is none comes back as it is.
func e164(given, country string) (string, bool) {
	if given == "" {
		return "", true
	}
	number, err := phonenumbers.Parse(given, country)
	if err != nil || phonenumbers.IsPossibleNumberWithReason(number) != phonenumbers.IS_POSSIBLE {
		return given, false
	}
	set := phonenumbers.Format(number, phonenumbers.E164)
	if ext := strings.TrimSpace(number.GetExtension()); ext != "" {
		set += " ext. " + ext
	}
	return set, true
}
