package daprio

import (
	"container/list"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/sidecart/sidecart/pkg/daprkit"
)

const (
	keptBytes = 32 << 20  // of all answers of a service
	keptMost  = 256 << 10 // of one
)

// kept is a caller that asks once in the place of many: what a service answers for everybody (Cache-Control: public, max-age) is given again for as long as
// the service says, and who asks for the same while it is asked for waits for that answer. All else is asked each time. When there is no more room,
// what was not asked for the longest is forgotten.
type kept struct {
	caller daprkit.Caller
	now    func() time.Time
	flight singleflight.Group

	mu     sync.Mutex
	room   int // bytes
	byPath map[string]*list.Element
	order  list.List // of *keptAnswer, what was asked for last in front
}

// errMoved is returned for what has another address now.
var errMoved = errors.New("it has moved")

type keptAnswer struct {
	path  string
	body  []byte
	until time.Time
}

func newKept(c daprkit.Caller, now func() time.Time) *kept {
	return &kept{caller: c, now: now, room: keptBytes, byPath: map[string]*list.Element{}}
}

// JSON implements daprkit.Caller. A call with options is one of its own.
func (k *kept) JSON(ctx context.Context, method, path string, in, out any, opts ...daprkit.CallOption) error {
	if method != http.MethodGet || in != nil || out == nil || len(opts) > 0 {
		return k.caller.JSON(ctx, method, path, in, out, opts...)
	}
	body := k.find(path)
	if body == nil {
		answer := k.flight.DoChan(path, func() (any, error) { return k.ask(ctx, path) })
		select {
		case a := <-answer:
			if a.Err != nil {
				return a.Err
			}
			body, _ = a.Val.([]byte)
		case <-ctx.Done():
			return fmt.Errorf("wait for an answer that others asked for: %w", ctx.Err())
		}
	}
	return json.Unmarshal(body, out)
}

// ask asks for all who wait, also when the first of them has gone.
func (k *kept) ask(ctx context.Context, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTime)
	defer cancel()
	var body json.RawMessage
	var control string
	var status int
	err := k.caller.JSON(ctx, http.MethodGet, path, nil, &body, daprkit.WithAnswered("Cache-Control", &control), daprkit.WithStatus(&status))
	if status == http.StatusMovedPermanently {
		return nil, errMoved
	}
	if err != nil {
		return nil, err
	}
	if age := publicAge(control); age > 0 && len(body) <= keptMost {
		k.keep(&keptAnswer{path: path, body: body, until: k.now().Add(age)})
	}
	return body, nil
}

// publicAge is how long everybody may keep an answer; 0: not at all.
func publicAge(control string) time.Duration {
	var public bool
	var age time.Duration
	for part := range strings.SplitSeq(control, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch strings.ToLower(name) {
		case "public":
			public = true
		case "max-age":
			seconds, err := strconv.ParseUint(value, 10, 31)
			if err != nil {
				return 0
			}
			age = time.Duration(seconds) * time.Second
		case "private", "no-store", "no-cache":
			return 0
		}
	}
	if !public {
		return 0
	}
	return age
}

// find returns what is kept of a path, nil if nothing is that may still be given.
func (k *kept) find(path string) []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	e := k.byPath[path]
	if e == nil {
		return nil
	}
	a, _ := e.Value.(*keptAnswer)
	if !k.now().Before(a.until) {
		k.forget(e)
		return nil
	}
	k.order.MoveToFront(e)
	return a.body
}

func (k *kept) keep(a *keptAnswer) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if e := k.byPath[a.path]; e != nil {
		k.forget(e)
	}
	k.room -= a.size()
	for k.room < 0 {
		k.forget(k.order.Back())
	}
	k.byPath[a.path] = k.order.PushFront(a)
}

func (k *kept) forget(e *list.Element) {
	a, _ := k.order.Remove(e).(*keptAnswer)
	delete(k.byPath, a.path)
	k.room += a.size()
}

// size is about what an answer takes.
func (a *keptAnswer) size() int { return len(a.path) + len(a.body) + 256 }
