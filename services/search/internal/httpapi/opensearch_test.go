//go:build opensearch

package httpapi

import (
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sidecart/sidecart/services/search/internal/opensearch"
)

// A cluster, whose query language is anybody's to know, answers hostile queries as the embedded index does.
func TestHostileQueriesOnOpenSearch(t *testing.T) {
	t.Parallel()
	url, prefix := os.Getenv("SIDECART_TEST_OPENSEARCH_URL"), "doors-"+strings.ToLower(rand.Text())
	if url == "" {
		t.Fatal("SIDECART_TEST_OPENSEARCH_URL is not set; run the tests by `bin/sidecart testenv --tags opensearch -- go test -tags opensearch …`")
	}
	xs, err := opensearch.Open(opensearch.Config{Addresses: []string{url}, Prefix: prefix, Owner: "test", Language: "en", Now: time.Now, Log: slog.New(slog.DiscardHandler), Patience: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(method, path string) string {
		r, err := http.NewRequest(method, url+path, nil) //nolint:noctx // at the end of the test its context is over
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%s %s: %s %s %v", method, path, resp.Status, body, err)
		}
		return string(body)
	}
	t.Cleanup(func() {
		for name := range strings.FieldsSeq(ask(http.MethodGet, "/_cat/indices/"+prefix+"*?h=index")) {
			ask(http.MethodDelete, "/"+name)
		}
	})
	hostile(t, openOn(t, xs).stock())
}
