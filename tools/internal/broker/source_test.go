package broker

import (
	"testing"

	"github.com/nats-io/nats.go"
)

func TestEventMeta(t *testing.T) {
	t.Parallel()
	for _, reply := range []string{"$JS.ACK.t-order.stock.3.41.7.1700000000.5", "$JS.ACK._.hash.t-order.stock.3.41.7.1700000000.5.token"} {
		if seq, tries, err := eventMeta(reply); err != nil || seq != 41 || tries != 3 {
			t.Errorf("%s: sequence %d, tries %d, %v", reply, seq, tries, err)
		}
	}
	for _, reply := range []string{"", "$JS.ACK.t.c", "$JS.ACK.t.c.x.41.7.1.5", "$JS.ACK.t.c.3.x.7.1.5", "_INBOX.a.b.c.3.41.7.1.5"} {
		if _, _, err := eventMeta(reply); err == nil {
			t.Errorf("%q was understood", reply)
		}
	}
}

func TestSourceTellsEventsFromWords(t *testing.T) {
	t.Parallel()
	word := func(status, text string) *nats.Msg {
		return &nats.Msg{Header: nats.Header{"Status": {status}, "Description": {text}}}
	}
	cases := []struct {
		m     *nats.Msg
		event bool
		fails bool
		left  int
	}{
		{&nats.Msg{Reply: "$JS.ACK.t.c.1.1.1.1.0", Data: []byte("x")}, true, false, 4},
		{&nats.Msg{Reply: "$JS.ACK.t.c.1.1.1.1.0", Header: nats.Header{"Status": {"200"}}}, true, false, 4}, // an empty event with a header of that name
		{word("100", "Idle Heartbeat"), false, false, 5},
		{word("404", "No Messages"), false, false, 0},
		{word("408", "Request Timeout"), false, false, 0},
		{word("409", "Batch Completed"), false, false, 0},
		{word("409", "Consumer Deleted"), false, true, 5},
		{word("503", ""), false, true, 5},
	}
	for _, c := range cases {
		s := &source{left: 5}
		event, err := s.take(c.m)
		if event != c.event || (err != nil) != c.fails || s.left != c.left {
			t.Errorf("%v: event %v, left %d, %v", c.m.Header, event, s.left, err)
		}
	}
}
