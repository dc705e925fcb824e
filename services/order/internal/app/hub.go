package app

import "sync"

// hub wakes those who wait for an order in this process. Somebody who is slow misses states in between, never the last one.
type hub struct {
	mu      *sync.Mutex
	waiting map[string]map[chan Record]struct{}
}

func newHub() hub { return hub{mu: &sync.Mutex{}, waiting: map[string]map[chan Record]struct{}{}} }

func (h hub) listen(id string) (<-chan Record, func()) {
	ch := make(chan Record, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waiting[id] == nil {
		h.waiting[id] = map[chan Record]struct{}{}
	}
	h.waiting[id][ch] = struct{}{}
	return ch, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.waiting[id], ch)
		if len(h.waiting[id]) == 0 {
			delete(h.waiting, id)
		}
	}
}

func (h hub) tell(rec Record) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ch := range h.waiting[rec.ID] {
		select {
		case <-ch: // what was not read is old
		default:
		}
		ch <- rec
	}
}
