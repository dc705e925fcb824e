package httpapi

import (
	"compress/gzip"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/ledger"
	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/merchant"
	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/store"
	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/wire"
)

const (
	maxBody          = 1 << 20
	oldestAPIVersion = 2
	newestAPIVersion = 6
)

// Server answers the gateway's API and the switches.
type Server struct {
	SettleAfter time.Duration // what the turned clock settles was submitted so long ago; 0: a day

	store    *store.Store
	merchant *merchant.Merchant
	log      *slog.Logger
	faults   faults
	zippers  sync.Pool
}

// New makes a server over an open store.
func New(st *store.Store, m *merchant.Merchant, log *slog.Logger) *Server {
	return &Server{store: st, merchant: m, log: log, zippers: sync.Pool{New: func() any {
		z, _ := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed) // the level is valid
		return z
	}}}
}

// Handler is everything but the page.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	gateway := http.NewServeMux()
	for _, op := range operations {
		method, path, _ := strings.Cut(op.route, " ")
		gateway.HandleFunc(method+" /merchants/{merchant}"+path, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, op) })
	}
	mux.Handle("/merchants/{merchant}/", s.guard(gateway))
	s.switches(mux)
	return mux
}

// guard lets in who has the keys, for their own merchant, with an API version that is spoken here.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		public, private, ok := r.BasicAuth()
		switch {
		case !ok || !s.merchant.KeysMatch(public, private):
			w.Header().Set("WWW-Authenticate", `Basic realm="Braintree"`)
			w.WriteHeader(http.StatusUnauthorized)
		case r.PathValue("merchant") != s.merchant.ID:
			w.WriteHeader(http.StatusForbidden)
		case !versionSpoken(r.Header.Get("X-ApiVersion")):
			w.WriteHeader(http.StatusUpgradeRequired)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func versionSpoken(header string) bool {
	v, err := strconv.Atoi(header)
	return err == nil && v >= oldestAPIVersion && v <= newestAPIVersion
}

// call is one request to an operation.
type call struct {
	r    *http.Request
	id   string
	body []byte
}

// reply is what an operation answers.
type reply struct {
	status int
	body   []byte
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, op operation) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		status := http.StatusBadRequest
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			status = http.StatusRequestEntityTooLarge
		}
		w.WriteHeader(status)
		return
	}
	switch form := mediaOf(r.Header.Get("Content-Type")); {
	case len(body) == 0 || form == "application/xml" || form == "text/xml":
	case form != "application/json":
		w.WriteHeader(http.StatusUnsupportedMediaType)
		return
	default:
		if body, err = wire.FromJSON(body); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
	}
	c := call{r: r, id: r.PathValue("id"), body: body}
	fault := s.faults.draw(op.name, func() string { return s.orderOf(op, c) })
	if fault.before(w, r) {
		s.log.Info("call", "operation", op.name, "id", c.id, "fault", fault.Kind)
		return
	}
	answer, err := op.run(s, c)
	if err != nil {
		answer = s.failure(op, c, err)
	}
	s.log.Debug("call", "operation", op.name, "id", c.id, "status", answer.status)
	if fault != nil {
		s.log.Info("call", "operation", op.name, "id", c.id, "status", answer.status, "fault", fault.Kind)
	}
	if !fault.after(w, r) {
		s.write(w, r, answer)
	}
}

func mediaOf(contentType string) string {
	media, _, _ := mime.ParseMediaType(contentType) // what cannot be read is none that is taken
	return media
}

// failure turns an error into the gateway's answer.
func (s *Server) failure(op operation, c call, err error) reply {
	var refusal *ledger.Refusal
	switch {
	case errors.As(err, &refusal):
		return reply{http.StatusUnprocessableEntity, wire.Refusal(refusal, op.echo(s, c))}
	case errors.Is(err, ledger.ErrNotFound):
		return reply{status: http.StatusNotFound}
	case errors.Is(err, wire.ErrMalformed):
		s.log.Warn("malformed request", "operation", op.name, "error", err)
		return reply{status: http.StatusBadRequest}
	}
	s.log.Error("call failed", "operation", op.name, "error", err)
	return reply{status: http.StatusInternalServerError}
}

// write sends the answer, compressed when the caller takes gzip.
func (s *Server) write(w http.ResponseWriter, r *http.Request, a reply) {
	h := w.Header()
	h.Set("Content-Type", "application/xml; charset=utf-8")
	h.Set("Cache-Control", "max-age=0, private, must-revalidate")
	h.Set("Vary", "Accept-Encoding")
	if len(a.body) == 0 || !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Length", strconv.Itoa(len(a.body)))
		w.WriteHeader(a.status)
		_, _ = w.Write(a.body) // the caller has gone; nobody is left to be told
		return
	}
	h.Set("Content-Encoding", "gzip")
	w.WriteHeader(a.status)
	z, _ := s.zippers.Get().(*gzip.Writer)
	z.Reset(w)
	_, _ = z.Write(a.body)
	_ = z.Close()
	s.zippers.Put(z)
}

// orderOf finds the order id that a call is about, for faults that name orders.
func (s *Server) orderOf(op operation, c call) string {
	if op.name == opSearchIDs || op.name == opSearch {
		q, err := wire.ParseSearch(c.body, wire.OfTransactions)
		if err != nil || q.OrderID == nil {
			return ""
		}
		return q.OrderID.Is
	}
	if c.id == "" {
		q, err := wire.ParseTransaction(c.body)
		if err != nil {
			return ""
		}
		return q.OrderID
	}
	order := ""
	_ = s.store.View(func(b *ledger.Book) { // a failed store fails the call itself next
		if t, err := b.Find(c.id); err == nil {
			order = t.OrderID
		}
	})
	return order
}
