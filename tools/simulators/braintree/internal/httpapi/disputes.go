package httpapi

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/ledger"
	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/wire"
)

func (s *Server) findDispute(c call) (reply, error) {
	var d *ledger.Dispute
	var missing error
	if err := s.store.View(func(b *ledger.Book) { d, missing = b.Dispute(c.id) }); err != nil || missing != nil {
		return reply{}, errors.Join(err, missing)
	}
	return reply{http.StatusOK, wire.Dispute(d)}, nil
}

// record runs a decision that answers nothing but that it was taken: a space, for which the Node SDK looks.
func (s *Server) record(decision func(*ledger.Book, ledger.Terms) ([]ledger.Record, error)) (reply, error) {
	err := s.store.Update(func(b *ledger.Book) ([]ledger.Record, error) { return decision(b, s.merchant.Terms()) })
	return reply{http.StatusOK, []byte(" ")}, err
}

// changed runs a decision about a dispute, and answers the dispute: the Java SDK wants a document.
func (s *Server) changed(c call, decision func(*ledger.Book, ledger.Terms) ([]ledger.Record, error)) (reply, error) {
	if _, err := s.record(decision); err != nil {
		return reply{}, err
	}
	return s.findDispute(c)
}

func (s *Server) acceptDispute(c call) (reply, error) {
	return s.changed(c, func(b *ledger.Book, terms ledger.Terms) ([]ledger.Record, error) { return b.AcceptDispute(c.id, terms) })
}

func (s *Server) finalizeDispute(c call) (reply, error) {
	return s.changed(c, func(b *ledger.Book, terms ledger.Terms) ([]ledger.Record, error) {
		return b.FinalizeDispute(c.id, terms)
	})
}

func (s *Server) removeEvidence(c call) (reply, error) {
	return s.record(func(b *ledger.Book, terms ledger.Terms) ([]ledger.Record, error) {
		return b.RemoveEvidence(c.id, c.r.PathValue("evidence"), terms)
	})
}

// addEvidence takes text; files are uploaded elsewhere at the real gateway, and are not taken here.
func (s *Server) addEvidence(c call) (reply, error) {
	q, err := wire.ParseEvidence(c.body)
	if err != nil {
		return reply{}, err
	}
	if q.Document != "" || strings.TrimSpace(q.Comments) == "" {
		return reply{}, fmt.Errorf("%w: only text is taken as evidence", wire.ErrMalformed)
	}
	var e ledger.Evidence
	err = s.store.Update(func(b *ledger.Book) (records []ledger.Record, err error) {
		e, records, err = b.AddEvidence(c.id, ledger.Evidence{Comments: q.Comments, Category: q.Category, Sequence: q.Sequence}, s.merchant.Terms())
		return records, err
	})
	return reply{http.StatusOK, wire.Evidence(e)}, err
}

func (s *Server) searchDisputes(c call) (reply, error) {
	q, err := wire.ParseSearch(c.body, wire.OfDisputes)
	if err != nil {
		return reply{}, err
	}
	page, err := strconv.Atoi(c.r.URL.Query().Get("page"))
	if err != nil || page < 1 {
		page = 1
	}
	var found []*ledger.Dispute
	err = s.store.View(func(b *ledger.Book) { found = b.SearchDisputes(q) })
	return reply{http.StatusOK, wire.DisputePage(found, page)}, err
}
