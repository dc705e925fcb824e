package importer

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sidecart/sidecart/services/catalog/catalogapi"
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
	if err != nil || again.Created != 0 || again.Updated != 0 || again.Unchanged != r.Created || again.NoStock != 0 || s.Changes() != before {
		t.Errorf("again: %+v %v; %s, then %s", again, err, before, s.Changes())
	}
}

func TestStockIsBookedOnceForAnImportID(t *testing.T) {
	t.Parallel()
	s := shoptest.New(t)
	stock := func(o *Options) { o.Stock, o.Location, o.ImportID = 5, "us-east", "spring" }
	if _, err := importFile(t, s, example(t), "a.ndjson", gadget(1)+"\n"+gadget(2)+"\n", stock); err != nil {
		t.Fatal(err)
	}
	r, err := importFile(t, s, example(t), "b.ndjson", gadget(1)+"\n"+gadget(2)+"\n"+gadget(3)+"\n", stock)
	if err != nil || r.Created != 1 || r.NoStock != 3 || !strings.HasPrefix(s.Changes(), "3 products, 1 bookings") {
		t.Errorf("%+v %v %s", r, err, s.Changes())
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
