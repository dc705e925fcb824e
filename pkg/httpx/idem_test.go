package httpx_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sidecart/sidecart/pkg/auth"
	"github.com/sidecart/sidecart/pkg/fault"
	"github.com/sidecart/sidecart/pkg/httpx"
)

func TestIdemFrom(t *testing.T) {
	t.Parallel()
	signer, err := auth.Generate()
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := auth.NewVerifier(auth.JWKS{Keys: []auth.JWK{signer.JWK()}})
	if err != nil {
		t.Fatal(err)
	}
	token, err := signer.Mint(auth.Principal{Subject: "u", Kind: auth.KindCustomer}, time.Minute, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var got httpx.Idem
	s := httpx.New(httpx.Config{Verifier: verifier})
	httpx.Register(s, huma.Operation{Method: "POST", Path: "/v1/things/{id}"},
		func(ctx context.Context, in *struct {
			ID string `path:"id"`
			httpx.IdempotencyHeader
			Body map[string]any
		}) (*struct{}, error) {
			var err error
			got, err = httpx.IdemFrom(ctx, in.IdempotencyKey)
			return nil, errors.Join(err)
		})
	post := func(path, body, key string, headers ...string) httpx.Idem {
		got = httpx.Idem{}
		a := call(t, s, "POST", path, body, append(headers, "Idempotency-Key", key)...)
		if a.Code != 204 {
			t.Errorf("%s %s: %s", path, key, a.Body)
		}
		return got
	}
	first := post("/v1/things/1", `{"a":1,"b":[1,2]}`, "k-1")
	if first.Key != "k-1" || first.Scope != "POST /v1/things/1 anonymous" || first.Hash == [32]byte{} {
		t.Errorf("first %+v", first)
	}
	if same := post("/v1/things/1", "{ \"b\": [1, 2],\n \"a\": 1 }", "k-1"); same != first {
		t.Errorf("spacing and order count: %+v", same)
	}
	for name, other := range map[string]httpx.Idem{
		"body":  post("/v1/things/1", `{"a":1,"b":[2,1]}`, "k-1"),
		"float": post("/v1/things/1", `{"a":1.0,"b":[1,2]}`, "k-1"),
		"path":  post("/v1/things/2", `{"a":1,"b":[1,2]}`, "k-1"),
	} {
		if other.Hash == first.Hash {
			t.Errorf("%s does not count", name)
		}
	}
	if mine := post("/v1/things/1", `{"a":1,"b":[1,2]}`, "k-1", "Authorization", "Bearer "+token); mine.Scope != "POST /v1/things/1 customer:u" {
		t.Errorf("caller: %+v", mine)
	}
	if none := post("/v1/things/1", `{}`, ""); none != (httpx.Idem{}) {
		t.Errorf("none: %+v", none)
	}
	post("/v1/things/1", `{}`, strings.Repeat("k", 255))
	for _, bad := range []string{strings.Repeat("k", 256), "a\tb", "é", "a\x7f"} {
		call(t, s, "POST", "/v1/things/1", `{}`, "Idempotency-Key", bad).want(t, 400, "malformed")
	}
	if _, err := httpx.IdemFrom(context.Background(), "k"); err == nil {
		t.Error("outside of a request")
	}
	if first.AtLeast(4) == nil || first.AtLeast(3) != nil || (httpx.Idem{}).AtLeast(3) != nil {
		t.Error("length of a key")
	}
}

// What refuses requests without a key says so in its document; what takes them with and without does not.
func TestNeedsKey(t *testing.T) {
	t.Parallel()
	s := shop(httpx.Config{})
	type input struct {
		httpx.IdempotencyHeader
		Body struct {
			N int64 `json:"n"`
		}
	}
	httpx.Register(s, huma.Operation{Method: "POST", Path: "/pay"}, func(_ context.Context, in *input) (*struct{ Body string }, error) {
		return &struct{ Body string }{Body: in.IdempotencyKey}, nil
	}, httpx.NeedsKey())
	call(t, s, "POST", "/pay", `{"n":1}`).want(t, 400, "idempotency-key-required")
	call(t, s, "POST", "/pay", `{}`, "Idempotency-Key", "k").want(t, 422, "validation-failed")
	if a := call(t, s, "POST", "/pay", `{"n":1}`, "Idempotency-Key", "k"); a.Code != 200 || strings.TrimSpace(a.Body.String()) != `"k"` {
		t.Errorf("with a key: %d %s", a.Code, a.Body)
	}
	for path, want := range map[string]bool{"/pay": true, "/v1/carts/{id}/lines": false} {
		n := 0
		for _, p := range s.API().OpenAPI().Paths[path].Post.Parameters {
			if p.Name == "Idempotency-Key" {
				n++
				if p.Required != want || p.In != "header" || p.Description == "" {
					t.Errorf("%s documents %+v", path, p)
				}
			}
		}
		if n != 1 {
			t.Errorf("%s documents the header %d times", path, n)
		}
	}
}

func TestIfMatch(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]int64{`"v1"`: 1, `"v0"`: 0, `"v9223372036854775807"`: 1<<63 - 1} {
		if v, given, err := httpx.ParseIfMatch(header); v != want || !given || err != nil {
			t.Errorf("%s: %d %v %v", header, v, given, err)
		}
		if httpx.ETag(want).ETag != header {
			t.Errorf("tag of %d: %s", want, httpx.ETag(want).ETag)
		}
	}
	for _, header := range []string{"", "*"} {
		if _, given, err := httpx.ParseIfMatch(header); given || err != nil {
			t.Errorf("%q: %v %v", header, given, err)
		}
	}
	for _, header := range []string{"v1", `"1"`, `W/"v1"`, `"v1", "v2"`, `"v-1"`, `"v"`, `"v9223372036854775808"`, `"v1`, `"v1 "`, "null"} {
		if _, given, err := httpx.ParseIfMatch(header); given || fault.KindOf(err) != fault.Malformed {
			t.Errorf("%q: %v %v", header, given, err)
		}
	}
}

type position struct {
	At time.Time `json:"t"`
	ID string    `json:"i"`
}

func TestCursor(t *testing.T) {
	t.Parallel()
	at := position{time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC), "x"}
	got, ok, err := httpx.DecodeCursor[position](httpx.EncodeCursor(at))
	if got != at || !ok || err != nil {
		t.Errorf("%+v %v %v", got, ok, err)
	}
	if _, ok, err := httpx.DecodeCursor[position](""); ok || err != nil {
		t.Errorf("first page: %v %v", ok, err)
	}
	for _, bad := range []string{"!!!", "e30x", httpx.EncodeCursor("text"), httpx.EncodeCursor(map[string]int{"z": 1}), httpx.EncodeCursor(at) + "AAAA", "e30=", "bnVsbCBudWxs",
		httpx.EncodeCursor(position{ID: "a\x00"})} {
		got, ok, err := httpx.DecodeCursor[position](bad)
		f, isFault := fault.As(err)
		if ok || got != (position{}) || !isFault || f.Kind != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Location != "query.cursor" {
			t.Errorf("%s: %+v %v %v", bad, got, ok, err)
		}
	}
}

func TestNewPage(t *testing.T) {
	t.Parallel()
	cursor := func(n int) string { return fmt.Sprint("after ", n) }
	for _, tc := range []struct {
		rows []int
		want string
	}{
		{nil, `{"items":[],"next_cursor":null}`},
		{[]int{1, 2}, `{"items":[1,2],"next_cursor":null}`},
		{[]int{1, 2, 3}, `{"items":[1,2],"next_cursor":"after 2"}`},
	} {
		data, err := json.Marshal(httpx.NewPage(tc.rows, 2, cursor))
		if err != nil || string(data) != tc.want {
			t.Errorf("%v: %s %v", tc.rows, data, err)
		}
	}
}

func TestListOf(t *testing.T) {
	t.Parallel()
	for want, rows := range map[string][]int{`{"items":[]}`: nil, `{"items":[1,2]}`: {1, 2}} {
		data, err := json.Marshal(httpx.ListOf(rows).Body)
		if err != nil || string(data) != want {
			t.Errorf("%v: %s %v", rows, data, err)
		}
	}
}
