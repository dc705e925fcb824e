package app_test

import (
	"testing"

	"github.com/sidecart/sidecart/services/payment/internal/app"
)

func TestAccounts(t *testing.T) {
	t.Parallel()
	var a app.Accounts
	if err := a.UnmarshalText([]byte("USD=one, JPY=two")); err != nil || a["USD"] != "one" || a["JPY"] != "two" {
		t.Errorf("%v %v", a, err)
	}
	for _, wrong := range []string{"", "USD", "USD=", "XXY=a", "USD=a,USD=b", "USD=a,"} {
		if err := a.UnmarshalText([]byte(wrong)); err == nil {
			t.Errorf("%q was taken", wrong)
		}
	}
}
