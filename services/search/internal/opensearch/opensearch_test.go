//go:build opensearch

package opensearch_test

import (
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/indextest"
	"github.com/sidecart/sidecart/services/search/internal/opensearch"
)

// cluster is the URL of the server of all tests, as bin/sidecart testenv --tags opensearch starts one.
func cluster(t testing.TB) string {
	t.Helper()
	url := os.Getenv("SIDECART_TEST_OPENSEARCH_URL")
	if url == "" {
		t.Fatal("SIDECART_TEST_OPENSEARCH_URL is not set; run the tests by `bin/sidecart testenv --tags opensearch -- go test -tags opensearch …`")
	}
	return url
}

// config is a place of a test's own, that is cleared in the end.
func config(t testing.TB) opensearch.Config {
	t.Helper()
	url, prefix := cluster(t), "test-"+strings.ToLower(rand.Text())
	t.Cleanup(func() {
		for name := range strings.FieldsSeq(do(t, http.MethodGet, url+"/_cat/indices/"+prefix+"*?h=index", "")) {
			do(t, http.MethodDelete, url+"/"+name, "")
		}
	})
	return opensearch.Config{Addresses: []string{url}, Prefix: prefix, Owner: "this", Language: indextest.Shop, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Patience: time.Minute} // the server has all tests at once
}

func open(t testing.TB, c opensearch.Config) *opensearch.Indexes {
	t.Helper()
	xs, err := opensearch.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return xs
}

func TestContract(t *testing.T) {
	t.Parallel()
	indextest.Run(t, func(t *testing.T) indextest.Place {
		c := config(t)
		return func() app.Indexes { return open(t, c) }
	})
}

// do returns the body of a good answer.
func do(t testing.TB, method, url, body string) string {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s %s %v", method, url, res.Status, raw, err)
	}
	return string(raw)
}
