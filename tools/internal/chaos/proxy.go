package chaos

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"time"
)

// proxy stands between the guests and the gateway. While it is told to disturb, it loses requests before they reach the shop and answers
// after it gave them, cuts answers in the middle, and takes its time.
type proxy struct {
	server   *http.Server
	address  string
	shop     *httputil.ReverseProxy
	disturbs atomic.Bool
}

// The shares of requests that are lost, answered in vain, cut and late while the proxy disturbs.
const (
	lost, unheard, cut, late = 0.10, 0.15, 0.10, 0.30
	latest                   = 3 * time.Second
)

func listen(gateway string) (*proxy, error) {
	to, err := url.Parse(gateway)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{address: l.Addr().String(), shop: httputil.NewSingleHostReverseProxy(to)}
	p.shop.Transport = &http.Transport{MaxIdleConnsPerHost: 256}
	p.shop.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) } // as if the shop were asked directly
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: time.Minute}
	go p.server.Serve(l) //nolint:errcheck // it ends by Close
	return p, nil
}

// URL is where the guests go.
func (p *proxy) URL() string { return "http://" + p.address }

// Close ends it.
func (p *proxy) Close() { _ = p.server.Close() }

func (p *proxy) disturb(on bool) { p.disturbs.Store(on) }

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !p.disturbs.Load() {
		p.shop.ServeHTTP(w, r)
		return
	}
	if rand.Float64() < late {
		wait(r.Context(), time.Duration(rand.Float64()*float64(latest)))
	}
	switch draw := rand.Float64(); {
	case draw < lost:
		panic(http.ErrAbortHandler)
	case draw < lost+unheard:
		p.shop.ServeHTTP(&deaf{header: http.Header{}}, r)
		panic(http.ErrAbortHandler)
	case draw < lost+unheard+cut:
		p.shop.ServeHTTP(&half{ResponseWriter: w}, r)
		panic(http.ErrAbortHandler)
	}
	p.shop.ServeHTTP(w, r)
}

// deaf takes an answer and passes nothing on.
type deaf struct{ header http.Header }

func (d *deaf) Header() http.Header         { return d.header }
func (d *deaf) WriteHeader(int)             {}
func (d *deaf) Write(p []byte) (int, error) { return len(p), nil }

// half passes on the first half of an answer.
type half struct{ http.ResponseWriter }

func (h *half) Write(p []byte) (int, error) {
	if _, err := h.ResponseWriter.Write(p[:len(p)/2]); err != nil {
		return 0, err
	}
	if f, can := h.ResponseWriter.(http.Flusher); can {
		f.Flush()
	}
	return 0, fmt.Errorf("cut")
}
