package main

import (
	"context"
	"math/rand/v2"
	"sync"
)

// stalled: streams that nobody reads for a while do not stop other calls on the same connection, and lose nothing.
func stalled(c *client, r *report) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	// Together less than the window of one connection: what HTTP/2 itself would stop is nobody's fault.
	opened := c.openUnread(ctx, r, 8, 64)
	c.callBeside(r, len(opened))
	reading := sync.WaitGroup{}
	for _, read := range opened {
		reading.Go(read)
	}
	reading.Wait()
}

// unread: more than fits anywhere waits for a reader who never comes; other calls on the same connection go on.
func unread(c *client, r *report) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	opened := c.openUnread(ctx, r, 24, 1024)
	c.callBeside(r, len(opened))
	cancel()
	ids := []string{}
	for n := range opened {
		ids = append(ids, r.id(n))
	}
	c.checkStopped(r, ids, "canceled")
}

// openUnread opens streams that send some 16 KiB a message, and returns what reads each to its end.
func (c *client) openUnread(ctx context.Context, r *report, count, messages int) []func() {
	opened := []func(){}
	for n := range count {
		wanted := ask{ID: r.id(n), Messages: messages, Answer: &body{Seed: uint64(n), Size: 32 << 10}}
		stream, err := openStream(ctx, c.conns[0], streamDown, wanted)
		if err == nil {
			_, err = stream.Header()
		}
		if err != nil {
			r.bad(wanted.ID, "%v", err)
		}
		opened = append(opened, func() { r.ended(r.readDown(stream, wanted)) })
	}
	return opened
}

func (c *client) callBeside(r *report, from int) {
	r.many(300, 16, func(ctx context.Context, n int, random *rand.Rand) {
		wanted := ask{ID: r.id(from + n)}
		if err := r.echo(ctx, c.conns[0], unaryMethods[n%3], wanted, someBody(random).bytes(), nil); err != nil {
			r.bad(wanted.ID, "beside streams that nobody reads: %v", err)
		}
	})
}
