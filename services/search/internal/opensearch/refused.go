package opensearch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sidecart/sidecart/services/search/internal/app"
)

// maxRefused is how many documents of a request are set aside. Where OpenSearch refuses more it is no fault of theirs.
const maxRefused = 20

func newRefused() prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: "search_documents_refused_total", Help: "Documents that OpenSearch refused for good, and that are not found therefore"})
}

// Refused counts documents that were set aside, since the process began. It is a metric of the process.
func (xs *Indexes) Refused() prometheus.Collector { return xs.refused }

// refuses tells whether a document will be refused again, however often it is sent.
func refuses(status int) bool {
	return status == http.StatusBadRequest || status == http.StatusRequestEntityTooLarge
}

// setAside writes documents that OpenSearch refuses, by their ids and with why, without all that they are found by: nobody finds them, but
// they count, and tell why they are not found. All others go on.
func (x *Index) setAside(ctx context.Context, revision int64, changes []app.Change, refused map[string]error) error {
	if len(refused) > maxRefused {
		return fmt.Errorf("OpenSearch refuses %d of %d documents: %w", len(refused), len(changes), slices.Collect(maps.Values(refused))[0])
	}
	var body []byte
	for _, c := range changes {
		why := refused[c.ID]
		if why == nil {
			continue
		}
		if c.Document == nil {
			return fmt.Errorf("take out %s: %w", c.ID, why)
		}
		raw, err := json.Marshal(c.Document)
		if err == nil {
			err = line(&body, action("index", c.ID, revision))
		}
		if err == nil {
			err = line(&body, object{fieldID: c.ID, fieldDocument: string(raw), fieldRefused: why.Error()})
		}
		if err != nil {
			return fmt.Errorf("set %s aside: %w", c.ID, err)
		}
	}
	again, err := x.send(ctx, body)
	for id, why := range again {
		err = errors.Join(err, fmt.Errorf("set %s aside: %w", id, why))
	}
	if err != nil {
		return err
	}
	for id, why := range refused {
		x.xs.Log.ErrorContext(ctx, "OpenSearch refuses a product, which is not found until it is changed", "product", id, "error", why)
		x.xs.refused.Inc()
	}
	return nil
}
