package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"time"

	"github.com/sidecart/sidecart/pkg/boot"
	"github.com/sidecart/sidecart/services/search/internal/app"
	"github.com/sidecart/sidecart/services/search/internal/bleveindex"
	"github.com/sidecart/sidecart/services/search/internal/opensearch"
)

// indexes is what an adapter has beside app's port.
type indexes interface {
	app.Indexes
	Stem(language string) func(word string) string
	Close() error
}

// openIndexes opens the index that the configuration names. A cluster may be away.
func openIndexes(p *boot.Process, c settings) (indexes, error) {
	if len(c.OpenSearchURLs) == 0 {
		return bleveindex.Open(c.IndexDir, c.Language)
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	xs, err := opensearch.Open(opensearch.Config{Addresses: c.OpenSearchURLs, User: c.OpenSearchUser, Password: c.OpenSearchPassword.Reveal(),
		Prefix: c.OpenSearchPrefix, Owner: host + " " + c.HTTPAddr, Language: c.Language, Now: time.Now, Log: p.Log})
	if err != nil {
		return nil, err
	}
	p.Registry.MustRegister(xs.Refused())
	return xs, nil
}

// prefixes are what names of indexes may begin with.
var prefixes = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// validateOpenSearch says what is wrong with the settings of a cluster, all at once.
func (c settings) validateOpenSearch() error {
	var errs []error
	for _, text := range c.OpenSearchURLs {
		u, err := url.Parse(text)
		switch {
		case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "":
			errs = append(errs, errors.New("SIDECART_OPENSEARCH_URLS holds what is no URL of a node, such as https://search-1:9200"))
		case u.User != nil:
			errs = append(errs, errors.New("SIDECART_OPENSEARCH_URLS holds a user or a password: they belong into SIDECART_OPENSEARCH_USER and _PASSWORD"))
		}
	}
	if (c.OpenSearchUser == "") != c.OpenSearchPassword.Empty() {
		errs = append(errs, errors.New("SIDECART_OPENSEARCH_USER and SIDECART_OPENSEARCH_PASSWORD go together"))
	}
	if len(c.OpenSearchURLs) == 0 && c.OpenSearchUser != "" {
		errs = append(errs, errors.New("SIDECART_OPENSEARCH_USER needs SIDECART_OPENSEARCH_URLS"))
	}
	if !prefixes.MatchString(c.OpenSearchPrefix) {
		errs = append(errs, fmt.Errorf("SIDECART_OPENSEARCH_PREFIX is %q, not up to 64 of a-z, 0-9, _ and -, with a letter or digit first", c.OpenSearchPrefix))
	}
	return errors.Join(errs...)
}
