package main

import (
	"context"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// goaway: the servers of this one send GOAWAY again and again, which no caller may notice.
func goaway(c *client, r *report) {
	r.keepBusy(c, func(int) {})
	for _, server := range c.direct {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		answer, err := control(ctx, server, connections, nil)
		cancel()
		count, _ := strconv.Atoi(string(answer))
		if err != nil {
			r.bad(r.Name, "%v", err)
		}
		r.Connections += count - 1 // the other is this client's own
	}
}

// departure: a process behind the proxy gets SIGTERM, which no caller may notice.
func departure(c *client, r *report) {
	r.keepBusy(c, func(n int) {
		if n == 500 {
			c.endProcess(r)
		}
	})
}

// keepBusy makes calls that take a while, all of which must be answered; before call n it calls `before`.
func (r *report) keepBusy(c *client, before func(n int)) {
	r.many(1_500, 24, func(ctx context.Context, n int, random *rand.Rand) {
		before(n)
		wanted := ask{ID: r.id(n), DelayMs: random.IntN(40)}
		if err := r.echo(ctx, c.conn(n), unaryMethods[n%3], wanted, someBody(random).bytes(), nil); err != nil {
			r.bad(wanted.ID, "%v", err)
		}
	})
}

func (c *client) endProcess(r *report) {
	if err := syscall.Kill(c.pid, syscall.SIGTERM); err != nil {
		r.bad(r.Name, "%v", err)
	}
}

// drain: the proxy gets SIGTERM under load. What it has accepted it finishes; what comes later is refused as no connection.
func drain(c *client, r *report) {
	isRefused := atomic.Bool{}
	r.many(5_000, 24, func(ctx context.Context, n int, random *rand.Rand) {
		if isRefused.Load() {
			return
		}
		if n == 500 {
			c.endProcess(r)
		}
		wanted := ask{ID: r.id(n), DelayMs: random.IntN(40)}
		err := r.echo(ctx, c.conn(n), unaryMethods[n%3], wanted, someBody(random).bytes(), nil)
		if err == nil {
			return
		}
		isRefused.Store(true)
		if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "connection refused") {
			r.bad(wanted.ID, "%v", err)
		}
	})
	if !isRefused.Load() {
		r.bad(r.Name, "the proxy did not go")
	}
}

// idle: a connection that nobody used while all else ran is still the one that was opened.
func idle(c *client, r *report) {
	select {
	case <-c.lost:
		r.bad(r.Name, "the idle connection was closed")
	default:
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := r.echo(ctx, c.idle, searchRecent, ask{ID: r.id(0)}, []byte("still there"), nil); err != nil {
		r.bad(r.Name, "%v", err)
	}
}
