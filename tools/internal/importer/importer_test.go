package importer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sidecart/sidecart/services/catalog/catalogapi"
	"github.com/sidecart/sidecart/services/inventory/inventoryapi"
	"github.com/sidecart/sidecart/tools/internal/shopclient"
	"github.com/sidecart/sidecart/tools/internal/shopclient/shoptest"
)

func example(t *testing.T) Mapping {
	t.Helper()
	m, err := ReadMapping("../../../docs/examples/electronics.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func importFile(t *testing.T, s *shoptest.Shop, m Mapping, name, content string, change func(*Options)) (Report, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	c := shopclient.New(s.URL)
	c.Patience = time.Second
	opt := Options{Staff: c.As(func() (string, error) { return "token", nil }), File: path, Mapping: m, Out: io.Discard}
	if change != nil {
		change(&opt)
	}
	return Run(t.Context(), opt)
}

// strict refuses as the shop does what would end an import if it stood in a call: U+0000, more than 4 MiB, and brands and categories
// that cannot be.
func strict(w http.ResponseWriter, r *http.Request, body []byte) bool {
	var in catalogapi.CategoryInput
	_ = json.Unmarshal(body, &in)
	refuse := func(status int) bool {
		http.Error(w, fmt.Sprintf(`{"type":"https://sidecart.dev/problems/refused","status":%d,"detail":"refused"}`, status), status)
		return true
	}
	switch {
	case len(body) > 4<<20 || strings.HasSuffix(r.URL.Path, "-exceptions") && len(body) > 1<<20:
		return refuse(413)
	case bytes.Contains(bytes.ReplaceAll(body, []byte(`\\`), nil), []byte(`\u0000`)) || !utf8.Valid(body):
		return refuse(400)
	case r.Method == "PUT" && strings.Contains(r.URL.Path, "/brands/") && (in.Name == "" || len(in.Name) > 200),
		r.Method == "PUT" && strings.Contains(r.URL.Path, "/categories/") && (in.Name == "" || len(in.Name) > 200 || !slugForm.MatchString(in.Slug) || strings.Count(r.URL.Path, ".") > 10):
		return refuse(422)
	}
	return false
}

var slugForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// TestNoRowEndsAnImport: whatever stands in one row, it is an exception, and the others go in.
func TestNoRowEndsAnImport(t *testing.T) {
	t.Parallel()
	row := func(name, brand, categories, description string) string {
		return fmt.Sprintf(`{"name":%q,"brand":%q,"categories":[%s],"price":1,"description":%q}`, name, brand, categories, description)
	}
	long := strings.Repeat("n", 201)
	for name, tc := range map[string]struct {
		row  string
		want string // what the exception says; empty: the row is fine
	}{
		"U+0000 in a text":         {`{"name":"a\u0000b","brand":"B","categories":["C"],"price":1}`, "U+0000"},
		"U+0000 in a list":         {`{"name":"a","brand":"B","categories":["C"],"price":1,"tags":[{"x":"\u0000"}]}`, "U+0000"},
		"a backslash before u0000": {`{"name":"a\\u0000b","brand":"B","categories":["C"],"price":1}`, ""},
		"a long brand":             {row("a", long, `"C"`, ""), "brand"},
		"a long category":          {row("a", "B", `"C","`+long+`"`, ""), "entry 2"},
		"a blank category":         {row("a", "B", `"C"," "`, ""), "entry 2"},
		"a deep category":          {row("a", "B", strings.Repeat(`"C",`, 10)+`"C"`, ""), "below each other"},
		"a category of no letters": {row("a", "日本", `"東京","Lamps","東京"`, ""), ""},
		"HTML that grows":          {row("a", "B", `"C"`, strings.Repeat("<&>", 300_000)), "bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := shoptest.New(t)
			s.Fault = strict
			r, err := importFile(t, s, example(t), "a.json", "["+gadget(1)+","+tc.row+","+gadget(2)+"]", nil)
			want := Report{Created: 3}
			if tc.want != "" {
				want = Report{Created: 2, Exceptions: 1}
			}
			if err != nil || r.Created != want.Created || r.Exceptions != want.Exceptions || !strings.Contains(strings.Join(r.Samples, ""), tc.want) {
				t.Errorf("%v %+v", err, r)
			}
		})
	}
}

func TestBatchesFitWhateverTheyHold(t *testing.T) {
	t.Parallel()
	s := shoptest.New(t)
	s.Fault = strict
	var rows []string
	for n := range 100 {
		rows = append(rows, strings.Replace(gadget(n), "A thing.", strings.Repeat("<b>&</b>", 1200), 1))
	}
	if r, err := importFile(t, s, example(t), "a.ndjson", strings.Join(rows, "\n"), nil); err != nil || r.Created != 100 {
		t.Errorf("%v %+v", err, r)
	}
}

func TestWhatStandsAroundTheRowsOfAnArray(t *testing.T) {
	t.Parallel()
	for content, want := range map[string][2]int64{ // created, exceptions
		"[" + gadget(1) + "][" + gadget(2) + "]": {1, 1},
		"[] []":                                  {0, 1},
		" [ ] \n":                                {0, 0},
		"[" + gadget(1) + "}," + gadget(2) + "]," + strings.Repeat("x", 5000): {1, 2},
		"[" + gadget(1) + "]\n\x00": {1, 1},
	} {
		s := shoptest.New(t)
		s.Fault = strict
		r, err := importFile(t, s, example(t), "a.json", content, nil)
		if err != nil || r.Created != want[0] || r.Exceptions != want[1] {
			t.Errorf("%.80s: %v %+v", content, err, r)
		}
	}
}

func TestCategoriesStayAsStaffLeaveThem(t *testing.T) {
	t.Parallel()
	s, m := shoptest.New(t), example(t)
	m.Attributes = map[string]Value{"ram": {Field: "ram"}, "colour": {Field: "colour"}}
	s.Fault = func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		if r.Method != "GET" || r.URL.Path != "/v1/admin/categories" {
			return false
		}
		_, _ = io.WriteString(w, `{"items":[
			{"code":"electronics.gadgets","name":"Things","slug":"things","parent_code":"all","attributes":[{"code":"colour","required":true,"comparable":true}]},
			{"code":"electronics.gadgets.phones","name":"Mobiles","slug":"mobiles","parent_code":"electronics.gadgets"}]}`)
		return true
	}
	r, err := importFile(t, s, m, "a.ndjson", gadget(1), nil)
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	if r.Print(&said); !strings.Contains(said.String(), "; 1 new brands, 1 new categories;") { // two are there
		t.Error(said.String())
	}
	var in catalogapi.CategoryInput
	if err := json.Unmarshal(s.Written("PUT /v1/admin/categories/electronics.gadgets"), &in); err != nil {
		t.Fatal(err)
	}
	if in.Name != "Things" || in.Slug != "things" || in.ParentCode != "all" || len(in.Attributes) != 2 || !in.Attributes[0].Comparable || in.Attributes[1].Code != "ram" {
		t.Errorf("%+v", in)
	}
	if s.Calls("PUT /v1/admin/categories/electronics.gadgets.phones") != 1 || s.Written("PUT /v1/admin/categories/electronics.gadgets.phones") != nil {
		t.Errorf("%d", s.Calls("PUT /v1/admin/categories"))
	}
}

func TestRowsWithoutTheirOwnSKUSayso(t *testing.T) {
	t.Parallel()
	s, m := shoptest.New(t), example(t)
	m.Identity, m.SKU = nil, Value{Field: "sku"}
	r, err := importFile(t, s, m, "a.ndjson", gadget(1)+"\n"+gadget(2), nil)
	if err != nil || r.Exceptions != 2 || strings.Contains(strings.Join(r.Samples, ""), "again") {
		t.Errorf("%v %+v", err, r)
	}
}

func gadget(n int) string {
	return fmt.Sprintf(`{"name":"Gadget %d 5\" – black","description":"A thing.","brand":"Ümlaut & Co","categories":["Phones","Phones"],"price":%d.99,"image":"https://example.com/%d.jpg","popularity":%d}`, n, n+1, n, n)
}

func TestEveryRowIsAccountedFor(t *testing.T) {
	t.Parallel()
	s := shoptest.New(t)
	s.Refuse = func(p catalogapi.ProductInput) []catalogapi.BatchError {
		if strings.Contains(p.Title, "Gadget 7 ") {
			return []catalogapi.BatchError{{Location: "title", Message: "is not wanted"}}
		}
		return nil
	}
	var rows []string
	for n := range 600 {
		rows = append(rows, gadget(n))
	}
	rows[3] = rows[2] // the same thing twice
	rows[4] = strings.Replace(rows[4], `"price":5.99`, `"price":0`, 1)
	rows[5] = strings.Replace(rows[5], `"price":6.99`, `"price":6.999`, 1)
	rows[6] = `{"name": broken}` // no JSON
	rows[8] = strings.Replace(rows[8], `["Phones","Phones"]`, `[]`, 1)
	rows[9] = `{"name":"` + strings.Repeat("x", 10<<20) + `"}` // ten megabytes
	rows[10] = "{\"name\":\"caf\xe9\"}"                        // Latin-1
	stock := func(o *Options) { o.Stock, o.Location = 5, "us-east" }
	r, err := importFile(t, s, example(t), "gadgets.json", "\uFEFF[\n"+strings.Join(rows, ",\n")+"\n]\n", stock)
	if err != nil {
		t.Fatal(err)
	}
	if r.Rows != 600 || r.Created != 592 || r.Exceptions != 8 || r.Categories != 3 || r.Brands != 1 {
		t.Errorf("%+v", r)
	}
	if n := s.Calls("POST /v1/admin/migration-exceptions"); int64(n) != r.Exceptions-1 {
		t.Errorf("%d exceptions sent, %d reported, one of them by the catalogue itself", n, r.Exceptions)
	}
	for _, want := range []string{"is row 3 again", "is no amount in USD", "is not above zero", "is no JSON object", "is not wanted", "categories are missing", "is longer than 1 MiB", "is not UTF-8"} {
		if !strings.Contains(strings.Join(r.Samples, "\n"), want) {
			t.Errorf("no exception says %q:\n%s", want, strings.Join(r.Samples, "\n"))
		}
	}
	before := s.Changes()
	again, err := importFile(t, s, example(t), "gadgets.json", "[\n"+strings.Join(rows, ",\n")+"\n]\n", stock)
	if err != nil || again.Created != 0 || again.Updated != 0 || again.Unchanged != r.Created || again.StockKept != 0 || s.Changes() != before {
		t.Errorf("again: %+v %v; %s, then %s", again, err, before, s.Changes())
	}
}

// TestStockIsBookedOnceForAnImportID: rows are corrected, added and moved between the runs of an import, and goods come in otherwise.
func TestStockIsBookedOnceForAnImportID(t *testing.T) {
	t.Parallel()
	const bad = `{"name":"Gadget"}`
	file := func(rows ...string) string { return strings.Join(rows, "\n") }
	var many []string
	for n := range 2 * batchRows {
		many = append(many, gadget(n))
	}
	for name, tc := range map[string]struct {
		first, then string
		id          string
		change      func(*Options) // in the second run
		kept        int64
	}{
		"again":                {file(gadget(1), gadget(2)), file(gadget(1), gadget(2)), "spring", nil, 0},
		"a corrected row":      {file(gadget(1), bad), file(gadget(1), gadget(2)), "spring", nil, 0},
		"a first row":          {file(bad, gadget(2)), file(gadget(1), gadget(2)), "spring", nil, 0},
		"another file":         {file(gadget(1), gadget(2)), file(gadget(3), gadget(2), gadget(1)), "spring", nil, 0},
		"other batches":        {file(many[1:]...), file(many...), "spring", nil, 0},
		"another quantity":     {file(gadget(1), gadget(2)), file(gadget(1), gadget(2), gadget(3)), "spring", func(o *Options) { o.Stock = 7 }, 2},
		"another location":     {file(gadget(1), gadget(2)), file(gadget(1), gadget(2), gadget(3)), "spring", func(o *Options) { o.Location = "eu-west" }, 2},
		"a long import id":     {file(gadget(1), bad), file(gadget(1), gadget(2)), strings.Repeat("ü", 50), nil, 0},
		"no stock at first":    {bad, file(gadget(1), gadget(2)), "spring", nil, 0},
		"a changed product":    {file(gadget(1), gadget(2)), strings.ReplaceAll(file(gadget(1), gadget(2)), "A thing.", "Two things."), "spring", nil, 0},
		"nothing but bad rows": {file(gadget(1), gadget(2)), bad, "spring", nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := shoptest.New(t)
			options := func(o *Options) { o.Stock, o.Location, o.ImportID = 5, "us-east", tc.id }
			if _, err := importFile(t, s, example(t), "a.ndjson", tc.first, options); err != nil {
				t.Fatal(err)
			}
			want := s.Stock()
			clerk := shopclient.New(s.URL).As(func() (string, error) { return "token", nil })
			for sku := range want {
				in := inventoryapi.StockInput{Reference: "import:spring:2:" + sku, Lines: []inventoryapi.StockLine{{SKU: sku, LocationID: "us-east", Quantity: 100}}}
				if err := clerk.Post(t.Context(), "/v1/admin/stock/receive", shopclient.Key(), in, nil); err != nil {
					t.Fatal(err)
				}
				want[sku] += 100
			}
			given := int64(5)
			for range 2 {
				r, err := importFile(t, s, example(t), "b.ndjson", tc.then, func(o *Options) {
					options(o)
					if tc.change != nil {
						tc.change(o)
					}
					given = o.Stock
				})
				if err != nil || r.StockKept != tc.kept {
					t.Errorf("%v %+v", err, r)
				}
			}
			got := s.Stock()
			for sku, n := range got {
				if _, before := want[sku]; !before && n != given {
					t.Errorf("%s, new: %d", sku, n)
				}
			}
			for sku, n := range want {
				if got[sku] != n {
					t.Errorf("%s: %d, want %d", sku, got[sku], n)
				}
			}
			if rows := strings.Count(tc.then, `"price"`); len(got) < rows {
				t.Errorf("stock of %d SKUs, of %d rows", len(got), rows)
			}
		})
	}
}

// TestStockTakesFewCalls: what is new is not looked up, and of a batch that was booked as it is one SKU.
func TestStockTakesFewCalls(t *testing.T) {
	t.Parallel()
	s := shoptest.New(t)
	var rows []string
	for n := range 2 * batchRows {
		rows = append(rows, gadget(n))
	}
	for _, lookups := range []int{0, 2, 4} {
		_, err := importFile(t, s, example(t), "a.ndjson", strings.Join(rows, "\n"), func(o *Options) { o.Stock, o.Location = 5, "us-east" })
		if err != nil || s.Calls("GET /v1/admin/stock/ledger") != lookups || s.Calls("POST /v1/admin/stock/receive") != 2 {
			t.Errorf("%v: %d lookups, want %d; %d bookings", err, s.Calls("GET /v1/admin/stock/ledger"), lookups, s.Calls("POST /v1/admin/stock/receive"))
		}
	}
}

func TestAnUnknownLocationEndsAnImport(t *testing.T) {
	t.Parallel()
	s := shoptest.New(t)
	for _, location := range []string{"us-east", "atlantis"} {
		_, err := importFile(t, s, example(t), "a.ndjson", gadget(1), func(o *Options) { o.Stock, o.Location = 5, location })
		if known := location == "us-east"; known != (err == nil) || !known && !strings.Contains(err.Error(), `no location "atlantis"; there is: eu-west, us-east`) {
			t.Errorf("%s: %v", location, err)
		}
	}
}

func TestTableWithEverythingWrong(t *testing.T) {
	t.Parallel()
	s, m := shoptest.New(t), example(t)
	m.Identity, m.SKU = nil, Value{Field: "sku"}
	m.Categories.From, m.Categories.Separator = Value{Field: "cat"}, ">"
	content := strings.Join([]string{
		`sku,name,cat,price,brand`,
		`A-1,"Lamp, ""large""",Home > Lamps,19.99,Acme`,
		`A-2,too few,Home`,
		`A-3,too,many,1.00,Acme,fields`,
		`A-4,"a quote that is never closed,Home,1.00,Acme`,
		`A-5,Vase,Home,25,Acme`,
		`A-6,"two`,
		`lines",Home,3.50,Acme`,
		"",
		`A-7,bad"quote,Home,1.00,Acme`,
		`A-8,bad"quote,Home,1.00,Acme`,
		`A-1,Lamp again,Home,1.00,Acme`,
		`no sku!,Rug,Home,1.00,Acme`,
		`A-9,Rug,Home,-1.00,Acme`,
		`A-10,` + strings.Repeat("y", 10<<20) + `,Home,1.00,Acme`,
		`A-11,Rug,Home,1.00,Acme`,
	}, "\r\n")
	r, err := importFile(t, s, m, "shop.csv", content, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Created != 4 || r.Rows != 13 || r.Exceptions != 9 {
		t.Errorf("%+v\n%s", r, strings.Join(r.Samples, "\n"))
	}
}

func TestTornFilesEndInAnException(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"a.json":   "[" + gadget(1) + "," + gadget(2)[:40],
		"b.ndjson": gadget(1) + "\n" + gadget(2)[:40],
	} {
		r, err := importFile(t, shoptest.New(t), example(t), name, content, nil)
		if err != nil || r.Created != 1 || r.Exceptions != 1 {
			t.Errorf("%s: %+v %v", name, r, err)
		}
	}
}

func TestFilesThatCannotBeReadAreSaid(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{"\xff\xfe[\x00": "UTF-16", `{"a":1}`: "no JSON array"} {
		_, err := importFile(t, shoptest.New(t), example(t), "a.json", content, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", content, err, want)
		}
	}
	_, err := importFile(t, shoptest.New(t), example(t), "a.csv", "a,b,a\n1,2,3\n", nil)
	if err == nil || !strings.Contains(err.Error(), "stands twice") {
		t.Errorf("got %v", err)
	}
}

func TestNumberedDuplicatesAndWindowsText(t *testing.T) {
	t.Parallel()
	s, m := shoptest.New(t), example(t)
	m.Duplicates, m.Encoding = Number, "windows-1252"
	row := "{\"name\":\"caf\xe9\",\"brand\":\"B\",\"categories\":[\"C\"],\"price\":1}"
	r, err := importFile(t, s, m, "a.ndjson", row+"\n"+row+"\n", nil)
	if err != nil || r.Created != 2 {
		t.Fatalf("%+v %v", r, err)
	}
	body := string(s.Written("POST /v1/admin/products/batch"))
	if !strings.Contains(body, `"café"`) || strings.Count(body, `-2\"`)+strings.Count(body, `-2"`) < 1 {
		t.Errorf("sent %s", body)
	}
}

func TestSKUsHangOnTheRowAlone(t *testing.T) {
	t.Parallel()
	m := example(t)
	sku := func(row map[string]any) string {
		return newReader(m, newNames("electronics", nil)).read(Row{Number: 9, Fields: row}).sku
	}
	row := map[string]any{"name": "Phone", "brand": "Ümlaut & Co", "image": "x", "categories": []any{"A"}, "price": "1"}
	first := sku(row)
	if !strings.HasPrefix(first, "EL-UEMLAUTA-") || !skuForm.MatchString(first) || sku(row) != first {
		t.Errorf("SKU %q, then %q", first, sku(row))
	}
	row["image"] = "y"
	if sku(row) == first {
		t.Error("another thing has the same SKU")
	}
}

func TestBrandsKeepTheirCodes(t *testing.T) {
	t.Parallel()
	n := newNames("src", map[string]string{"acme": "Acme", "dots": "d.o.t.s"})
	if got := n.brand("Acme"); got != "acme" {
		t.Errorf("the shop's own brand became %q", got)
	}
	if got := n.brand("ACME!"); got == "acme" || !strings.HasPrefix(got, "src-acme-") {
		t.Errorf("another name took %q", got)
	}
	long := n.category([]string{strings.Repeat("long ", 30), "日本"})
	if len(long) > maxCode || long != n.category([]string{strings.Repeat("long ", 30), "日本"}) {
		t.Errorf("code %q", long)
	}
}

func TestMappingsAreCheckedWhole(t *testing.T) {
	t.Parallel()
	for content, want := range map[string][]string{
		"version: 2\nsource: X Y\nduplicates: maybe\nprices: [{currency: EURO}]\n": {"version", "source", "duplicates", "title", "categories", "identity", "amount", "currency"},
		"version: 1\ntitel: name\n":                             {"titel"},
		"version: 1\ntitle: {field: a, const: b}\n":             {"exactly one"},
		"version: 1\ntitle: {feld: a}\n":                        {"feld"},
		"version: 1\nattributes: {a: {field: b, as: colour}}\n": {"attributes.a.as"},
	} {
		path := filepath.Join(t.TempDir(), "m.yaml")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := ReadMapping(path)
		for _, w := range want {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%q: %v does not say %q", content, err, w)
			}
		}
	}
}
