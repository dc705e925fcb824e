package httpapi

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/ledger"
	"github.com/sidecart/sidecart/tools/simulators/braintree/internal/wire"
)

func (s *Server) knows(customer string) bool {
	var missing error
	err := s.store.View(func(b *ledger.Book) { _, missing = b.Profile(customer) })
	return err == nil && missing == nil
}

// profiles adds what the vault holds to customers.
func (s *Server) profiles(pick func(*ledger.Book) ([]*ledger.Profile, error)) ([]wire.Profile, error) {
	var all []wire.Profile
	var missing error
	err := s.store.View(func(b *ledger.Book) {
		var picked []*ledger.Profile
		if picked, missing = pick(b); missing != nil {
			return
		}
		for _, p := range picked {
			all = append(all, wire.Profile{Profile: p, Methods: b.MethodsOf(p.ID)})
		}
	})
	return all, errors.Join(err, missing)
}

func (s *Server) customer(status int, id string) (reply, error) {
	found, err := s.profiles(func(b *ledger.Book) ([]*ledger.Profile, error) {
		p, err := b.Profile(id)
		return []*ledger.Profile{p}, err
	})
	if err != nil {
		return reply{}, err
	}
	return reply{status, wire.Customer(found[0], s.merchant.Now())}, nil
}

func (s *Server) findCustomer(c call) (reply, error) { return s.customer(http.StatusOK, c.id) }

func (s *Server) createCustomer(c call) (reply, error) {
	q, err := wire.ParseCustomer(c.body)
	if err != nil {
		return reply{}, err
	}
	if q.Card.Number != "" {
		return reply{}, fmt.Errorf("%w: no card number is taken", wire.ErrMalformed)
	}
	nonce := q.Nonce
	if nonce == "" {
		nonce = q.Card.Nonce
	}
	var made *ledger.Profile
	err = s.store.Update(func(b *ledger.Book) (records []ledger.Record, err error) {
		made, records, err = b.CreateProfile(q.Profile(), nonce, s.merchant.Terms())
		return records, err
	})
	if err != nil {
		return reply{}, err
	}
	return s.customer(http.StatusCreated, made.ID)
}

func (s *Server) updateCustomer(c call) (reply, error) {
	q, err := wire.ParseCustomer(c.body)
	if err != nil {
		return reply{}, err
	}
	if q.Card.Number != "" {
		return reply{}, fmt.Errorf("%w: no card number is taken", wire.ErrMalformed)
	}
	change := q.Profile()
	change.ID = "" // ids do not change here
	err = s.store.Update(func(b *ledger.Book) (records []ledger.Record, err error) {
		_, records, err = b.UpdateProfile(c.id, change, q.DefaultToken, s.merchant.Terms())
		return records, err
	})
	if err != nil {
		return reply{}, err
	}
	return s.customer(http.StatusOK, c.id)
}

func (s *Server) deleteCustomer(c call) (reply, error) {
	return s.record(func(b *ledger.Book, terms ledger.Terms) ([]ledger.Record, error) { return b.DeleteProfile(c.id, terms) })
}

func (s *Server) searchCustomerIDs(c call) (reply, error) {
	found, err := s.foundCustomers(c)
	ids := make([]string, len(found))
	for i, p := range found {
		ids[i] = p.ID
	}
	return reply{http.StatusOK, wire.SearchIDs(ids)}, err
}

func (s *Server) searchCustomers(c call) (reply, error) {
	found, err := s.foundCustomers(c)
	return reply{http.StatusOK, wire.CustomerPage(found, s.merchant.Now())}, err
}

func (s *Server) foundCustomers(c call) ([]wire.Profile, error) {
	q, err := wire.ParseSearch(c.body, wire.OfCustomers)
	if err != nil {
		return nil, err
	}
	return s.profiles(func(b *ledger.Book) ([]*ledger.Profile, error) { return b.SearchProfiles(q), nil })
}

func (s *Server) createMethod(c call) (reply, error) {
	return s.method(c, http.StatusCreated, func(b *ledger.Book, q ledger.MethodRequest) (*ledger.Vaulted, []ledger.Record, error) {
		return b.AddMethod(q, s.merchant.Terms())
	})
}

func (s *Server) updateMethod(c call) (reply, error) {
	return s.method(c, http.StatusOK, func(b *ledger.Book, q ledger.MethodRequest) (*ledger.Vaulted, []ledger.Record, error) {
		return b.ChangeMethod(c.id, q, s.merchant.Terms())
	})
}

func (s *Server) method(c call, status int, decide func(*ledger.Book, ledger.MethodRequest) (*ledger.Vaulted, []ledger.Record, error)) (reply, error) {
	q, err := wire.ParseMethod(c.body)
	if err != nil {
		return reply{}, err
	}
	var v *ledger.Vaulted
	err = s.store.Update(func(b *ledger.Book) (records []ledger.Record, err error) {
		v, records, err = decide(b, q)
		return records, err
	})
	if err != nil {
		return reply{}, err
	}
	return reply{status, wire.PaymentMethod(v, s.merchant.Now())}, nil
}

func (s *Server) findMethod(c call) (reply, error) {
	var v *ledger.Vaulted
	var missing error
	if err := s.store.View(func(b *ledger.Book) { v, missing = b.Token(c.id) }); err != nil || missing != nil {
		return reply{}, errors.Join(err, missing)
	}
	return reply{http.StatusOK, wire.PaymentMethod(v, s.merchant.Now())}, nil
}

func (s *Server) deleteMethod(c call) (reply, error) {
	return s.record(func(b *ledger.Book, terms ledger.Terms) ([]ledger.Record, error) { return b.Unvault(c.id, terms) })
}
