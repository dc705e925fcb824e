package auth_test

import (
	"context"
	"fmt"
	"time"

	"github.com/sidecart/sidecart/pkg/auth"
)

func Example() {
	signer, err := auth.Generate()
	if err != nil {
		fmt.Println(err)
		return
	}
	verifier, err := auth.NewVerifier(auth.JWKS{Keys: []auth.JWK{signer.JWK()}}.Public())
	if err != nil {
		fmt.Println(err)
		return
	}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	token, err := signer.Mint(auth.Principal{Subject: "u-1", Scopes: []string{"orders.read"}, Kind: auth.KindStaff}, time.Minute, at)
	if err != nil {
		fmt.Println(err)
		return
	}

	caller, err := verifier.Verify(token, at)
	ctx := auth.With(context.Background(), caller)
	fmt.Println(err, auth.Require(ctx, "orders.read"))
	fmt.Println(auth.Require(ctx, "orders.write"))
	// Output:
	// <nil> <nil>
	// forbidden: the scope orders.write is needed here
}

func ExampleNewKey() {
	plain, id, hash := auth.NewKey() // plain is shown once; id and hash are kept
	gotID, gotHash, err := auth.ParseKey(plain)
	fmt.Println(len(plain), gotID == id, auth.SameHash(gotHash, hash), err)
	// Output: 48 true true <nil>
}
