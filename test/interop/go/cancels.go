package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// deadlines end here, and then wherever the call was.
func deadlines(c *client, r *report) {
	ids := make([]string, 200)
	r.many(len(ids), 50, func(ctx context.Context, n int, random *rand.Rand) {
		ids[n] = r.id(n)
		ctx, cancel := context.WithTimeout(ctx, time.Duration(20+random.IntN(200))*time.Millisecond)
		defer cancel()
		err := r.echo(ctx, c.conn(n), unaryMethods[n%3], ask{ID: ids[n], DelayMs: 60_000}, someBody(random).bytes(), nil)
		if status.Code(err) != codes.DeadlineExceeded && !isServersDeadline(err) {
			r.bad(ids[n], "%v", err)
		}
	})
	c.checkStopped(r, ids, "deadline", "canceled")
}

// isServersDeadline: the server has the same deadline and resets the stream, before its headers or just after them. When a proxy's word of
// that arrives before our own deadline it reads like this, with Envoy as well.
func isServersDeadline(err error) bool {
	message := status.Convert(err).Message()
	switch status.Code(err) {
	case codes.Unavailable:
		return strings.HasSuffix(message, "reset reason: remote reset")
	case codes.Internal:
		return strings.Contains(message, "RST_STREAM")
	default:
		return false
	}
}

// cancels: half of the calls are given up when a server has them, half at any moment. No server may go on with one.
func cancels(c *client, r *report) {
	ids := make([]string, 400)
	r.many(len(ids), 40, func(ctx context.Context, n int, random *rand.Rand) {
		ids[n] = r.id(n)
		calling, cancel := context.WithCancel(ctx)
		defer cancel()
		ended := make(chan error)
		go func() {
			ended <- r.echo(calling, c.conn(n), unaryMethods[n%3], ask{ID: ids[n], DelayMs: 60_000}, someBody(random).bytes(), nil)
		}()
		if n%2 == 0 {
			if err := c.started(ctx, ids[n]); err != nil {
				r.bad(ids[n], "it never started: %v", err)
			}
		} else {
			time.Sleep(time.Duration(r.random(-n).IntN(3_000)) * time.Microsecond)
		}
		cancel()
		if err := <-ended; status.Code(err) != codes.Canceled {
			r.bad(ids[n], "%v", err)
		}
	})
	fates := c.checkStopped(r, ids, "canceled")
	for n := 0; n < len(ids); n += 2 {
		if len(fates[ids[n]]) == 0 {
			r.bad(ids[n], "no server knows of it")
		}
	}
}

// hangup: a querier goes away with calls under way.
func hangup(c *client, r *report) {
	conn, err := grpc.NewClient(c.conns[0].Target(), queriersSettings(c.authority)...)
	if err != nil {
		r.bad(r.Name, "%v", err)
		return
	}
	ids := make([]string, 80)
	arrived := sync.WaitGroup{}
	arrived.Add(len(ids))
	go func() {
		arrived.Wait()
		conn.Close()
	}()
	r.many(len(ids), len(ids), func(ctx context.Context, n int, random *rand.Rand) {
		ids[n] = r.id(n)
		go func() {
			defer arrived.Done()
			if err := c.started(ctx, ids[n]); err != nil {
				r.bad(ids[n], "it never started: %v", err)
			}
		}()
		err := r.echo(ctx, conn, unaryMethods[n%3], ask{ID: ids[n], DelayMs: 60_000}, someBody(random).bytes(), nil)
		if status.Code(err) != codes.Canceled {
			r.bad(ids[n], "%v", err)
		}
	})
	if fates := c.checkStopped(r, ids, "canceled"); len(fates) != len(ids) {
		r.bad(r.Name, "the servers saw %d of %d calls", len(fates), len(ids))
	}
}

// checkStopped waits until no server runs any of these calls, and sees that each was stopped in one of these ways.
func (c *client) checkStopped(r *report, ids []string, ways ...string) map[string][]string {
	fates, err := c.fates(ids)
	if err != nil {
		r.bad(r.Name, "calls still run at the server: %v", err)
	}
	for id, ends := range fates {
		for _, end := range ends {
			if !slices.Contains(ways, end) {
				r.bad(id, "at the server it ended with %q", end)
			}
		}
	}
	return fates
}
