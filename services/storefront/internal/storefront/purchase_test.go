package storefront

import (
	"slices"
	"strings"
	"testing"

	"github.com/sidecart/sidecart/pkg/money"
)

func TestCapabilitiesInCookies(t *testing.T) {
	t.Parallel()
	id, other := strings.Repeat("0a", 16), strings.Repeat("1b", 16)
	if got := ParseTicket(Ticket{id, other}.String()); got != (Ticket{id, other}) {
		t.Error(got)
	}
	for _, bad := range []string{"", id, id + ".x", "../x." + other, strings.ToUpper(id) + "." + other} {
		if got := ParseTicket(bad); got != (Ticket{}) {
			t.Errorf("%q is taken for %v", bad, got)
		}
	}
	var r Receipts
	ids := []string{}
	for _, c := range "abcdef0" {
		order := strings.Repeat(string(c), 8) + "-0000-7000-8000-000000000000"
		ids = append(ids, order)
		r = r.With(order, id)
	}
	r = r.With(ids[6], other)
	got := ParseReceipts(r.String() + "~x.y~" + ids[0])
	if len(got) != MaxOrders || got.Token(ids[6]) != other || got.Token(ids[5]) != id || got.Token(ids[0]) != "" {
		t.Error(got)
	}
}

func TestGiftCards(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{" aaaa-bbbb cccc ": "AAAABBBBCCCC", "<b>": "", "": "", strings.Repeat("x", 65): ""} {
		if got := GiftCode(typed); got != want {
			t.Errorf("%q: %q", typed, got)
		}
	}
	if got := ParseGiftCards("A~B~A~<~C~D~E~F"); got.String() != "A~B~C~D~E" {
		t.Error(got)
	}
	if CodeEnd("ABCDEFG") != "CDEFG" || CodeEnd("AB") != "AB" {
		t.Error("the end of a code")
	}
	usd := func(n int64) money.Amount { return money.New(n, "USD") }
	for _, tc := range []struct {
		cards []money.Amount
		want  int64
	}{{nil, 100}, {[]money.Amount{usd(30), money.New(50, "EUR"), usd(-5)}, 70}, {[]money.Amount{usd(80), usd(80)}, 0}} {
		if got := Remainder(usd(100), tc.cards); got != usd(tc.want) {
			t.Errorf("%v: %v", tc.cards, got)
		}
	}
}

func TestDeclined(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{"2001": "funds", "3000": "network", "300": "other", "fraud": "blocked", "gift-card-refused": "giftcard", "": "other"} {
		if got := Declined(code); got != want {
			t.Errorf("%s: %s", code, got)
		}
	}
}

func TestSteps(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		asked           string
		address, option bool
		want            Step
	}{
		{"", false, false, StepAddress}, {"payment", false, true, StepAddress}, {"", true, false, StepShipping}, {"payment", true, false, StepShipping},
		{"address", true, true, StepAddress}, {"shipping", true, true, StepShipping}, {"nonsense", true, true, StepPayment},
	} {
		if got := StepOf(tc.asked, tc.address, tc.option); got != tc.want {
			t.Errorf("%+v: %s", tc, got)
		}
	}
}

func TestAddressForms(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"US": "name company line1 line2 city region postal_code phone", "DE": "name company line1 line2 postal_code city phone", "GB": "name company line1 line2 city postal_code phone",
		"JP": "name company line1 line2 city region postal_code phone", "XX": "name company line1 line2 city region postal_code phone",
	} {
		var names []string
		for _, f := range AddressForm(code) {
			names = append(names, f.Name)
			if f.Label == "" || f.Complete == "" || f.Max == 0 {
				t.Errorf("%s: %+v", code, f)
			}
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: %s", code, got)
		}
	}
	us := AddressForm("US")
	if i := slices.IndexFunc(us, func(f AddressField) bool { return f.Name == "region" }); len(us[i].Choices) != 59 || us[i].Choices[4] != (Region{"CA", "California"}) || !us[i].Required {
		t.Error(len(us[i].Choices), us[i])
	}
	for _, code := range Countries() {
		for _, f := range AddressForm(code) {
			if f.Name == "postal_code" && f.Sample == "" {
				t.Errorf("%s has no sample of a postal code", code)
			}
		}
	}
	for want, got := range map[string]string{
		"10115 Berlin": CityLine("DE", "Berlin", "", "10115"), "San Francisco, CA 94105": CityLine("US", "San Francisco", "CA", "94105"), "London SW1A 1AA": CityLine("GB", "London", "", "SW1A 1AA"),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
