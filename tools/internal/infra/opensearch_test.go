//go:build opensearch

package infra

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// ask speaks to a server, and returns what it answers.
func ask(t *testing.T, method, url, body string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
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
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(raw)
}

// Killed and started again, on other ports even, it has every document that it confirmed.
func TestOpenSearchKeepsAll(t *testing.T) {
	t.Parallel()
	o := OpenSearch{Dir: filepath.Join(t.TempDir(), "with blanks"), Port: freePort(t), Transport: freePort(t)}
	run := func() *process {
		argv, err := o.Prepare(t.Context(), io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		p := start(t, argv)
		p.await(t, o.Ready)
		return p
	}
	p := run()
	for i := range 20 {
		if status, answer := ask(t, http.MethodPut, fmt.Sprintf("%s/products/_doc/%d", o.URL(), i), `{"title":"Mug"}`); status != http.StatusCreated {
			t.Fatalf("%d %s", status, answer)
		}
	}
	p.kill()
	o.Port, o.Transport = freePort(t), freePort(t)
	run()
	ask(t, http.MethodPost, o.URL()+"/products/_refresh", "")
	if _, answer := ask(t, http.MethodGet, o.URL()+"/products/_count", ""); !strings.Contains(answer, `"count":20,`) {
		t.Errorf("of 20 documents are left %s", answer)
	}
}

func TestOpenSearchOnATakenPort(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	argv, err := OpenSearch{Dir: t.TempDir(), Port: l.Addr().(*net.TCPAddr).Port, Transport: freePort(t)}.Prepare(t.Context(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if log := start(t, argv).ends(t); !strings.Contains(log, "Address already in use") && !strings.Contains(log, "Failed to bind") {
		t.Errorf("it says %s", log)
	}
}
