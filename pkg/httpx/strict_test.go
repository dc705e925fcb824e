package httpx

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestRepeated(t *testing.T) {
	t.Parallel()
	many := func(n int, more string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"k%d":%d,`, i, i)
		}
		return "{" + b.String() + more + "}"
	}
	for text, want := range map[string]string{
		`{}`: "", `[]`: "", `"a"`: "", `1`: "", `null`: "",
		`{"a":1,"b":1}`:                        "",
		`{"a":1,"a":1}`:                        "a",
		`{"a":{"a":1},"b":{"a":1}}`:            "",
		`[{"a":1},{"a":1}]`:                    "",
		`{"x":[{"a":1,"b":[1,2],"a":{}}]}`:     "a",
		`{"a":"a","b":"b"}`:                    "",
		`{"a":"\"a\":1,\"a\":2"}`:              "",
		`{"a\"":1,"a\\":2,"a":3}`:              "",
		`{"a\"":1,"a\u0022":2}`:                `a"`,
		`{"\u0061":1 , "a" : 2}`:               "a",
		`{"A":1,"a":2}`:                        "",
		`{"a":["a","a"],"b":{"c":[{},{},[]]}}`: "",
		`{"":1,"":2}`:                          "",
		many(40, `"x":1`):                      "",
		many(40, `"k39":1`):                    "k39",
		many(16, `"k0":1`):                     "k0",
		many(17, `"k16":1`):                    "k16",
	} {
		name, found := repeated([]byte(text))
		if name != want || found != (want != "" || strings.HasPrefix(text, `{"":`)) {
			t.Errorf("%s: %q %v", text, name, found)
		}
	}
}

func FuzzRepeated(f *testing.F) {
	for _, text := range []string{`{"a":1,"a":1}`, `[{"a":"\\\""},2]`, `{"\u0061":{},"a":[]}`, `"`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var v any
		if json.Unmarshal(data, &v) != nil {
			return
		}
		_, found := repeated(data) // must not panic on anything that is valid
		clean, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if _, still := repeated(clean); still {
			t.Errorf("%s (from %s, found %v) has a member twice", clean, data, found)
		}
	})
}
