package text

import (
	"reflect"
	"testing"
	"time"

	"github.com/sidecart/sidecart/pkg/money"
	"github.com/sidecart/sidecart/services/storefront/internal/storefront"
)

// whole reports each text that is missing.
func whole(t *testing.T, path string, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			whole(t, path+"."+v.Type().Field(i).Name, v.Field(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			whole(t, path, v.Index(i))
		}
	case reflect.Map:
		if v.Len() == 0 {
			t.Errorf("%s is empty", path)
		}
		for _, k := range v.MapKeys() {
			whole(t, path+"["+k.String()+"]", v.MapIndex(k))
		}
	default:
		if v.IsZero() {
			t.Errorf("%s is missing", path)
		}
	}
}

func TestEveryLanguageSaysEverything(t *testing.T) {
	t.Parallel()
	own := reflect.ValueOf(*In("en"))
	for _, language := range Languages() {
		whole(t, language, reflect.ValueOf(*In(language)))
		other := reflect.ValueOf(*In(language))
		for i := range own.NumField() {
			sameKeys(t, language+"."+own.Type().Field(i).Name, own.Field(i), other.Field(i))
		}
	}
}

// sameKeys holds maps of texts to the keys of the first language.
func sameKeys(t *testing.T, path string, a, b reflect.Value) {
	t.Helper()
	switch a.Kind() {
	case reflect.Struct:
		for i := range a.NumField() {
			sameKeys(t, path+"."+a.Type().Field(i).Name, a.Field(i), b.Field(i))
		}
	case reflect.Map:
		for _, k := range a.MapKeys() {
			if !b.MapIndex(k).IsValid() {
				t.Errorf("%s lacks %s", path, k)
			}
		}
	}
}

func TestAmountsAndDates(t *testing.T) {
	t.Parallel()
	us, de := storefront.Market{Language: "en", Country: "US", Currency: "USD"}, storefront.Market{Language: "de", Country: "DE", Currency: "EUR"}
	day := time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)
	for got, want := range map[string]string{
		Money(us, money.New(123456, "USD")): "$1,234.56",
		Money(de, money.New(123456, "EUR")): "1.234,56\u00a0€",
		Money(us, money.New(-500, "USD")):   "-$5.00",
		Money(us, money.New(500, "JPY")):    "¥500",
		In("en").Day(day):                   "Sunday, March 1",
		In("de").Day(day):                   "Sonntag, 1. März",
		In("de").Moment(day):                "1. März 2026, 12:30 UTC",
		In("de").Count(1234567):             "1.234.567",
		In("en").Count(1500):                "1,500",
		In("en").Count(7):                   "7",
		In("en").Listing.Results(1):         "1 product",
		In("de").Listing.Results(2):         "2 Produkte",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// Every country that a form offers, and every part of its address, has a name.
func TestAddressesHaveTheirWords(t *testing.T) {
	t.Parallel()
	for _, language := range Languages() {
		words := In(language).Checkout
		for _, code := range append(storefront.Countries(), "XX") {
			if words.Countries[code] == "" && code != "XX" {
				t.Errorf("%s has no name for %s", language, code)
			}
			for _, f := range storefront.AddressForm(code) {
				if words.Label[f.Label] == "" {
					t.Errorf("%s has no label for %s", language, f.Label)
				}
			}
		}
	}
}
