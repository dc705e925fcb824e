//go:build opensearch

package relevance

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sidecart/sidecart/services/search/internal/opensearch"
)

func TestTheSampleShopIsFoundInOpenSearch(t *testing.T) {
	t.Parallel()
	url := os.Getenv("SIDECART_TEST_OPENSEARCH_URL")
	if url == "" {
		t.Fatal("SIDECART_TEST_OPENSEARCH_URL is not set; run the tests by `bin/sidecart testenv --tags opensearch -- go test -tags opensearch …`")
	}
	_, products, _ := sample(t)
	prefix := "judged-" + strings.ToLower(rand.Text())
	plain, err := NewBestFieldsOpenSearch(t.Context(), url+"/"+prefix+"-plain", products)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := plain.Remove(context.Background()); err != nil {
			t.Error(err)
		}
	})
	xs, err := opensearch.Open(opensearch.Config{Addresses: []string{url}, Prefix: prefix, Owner: "test", Language: Own, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	hold(t, xs, plain)
}
