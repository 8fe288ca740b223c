package main

import (
	"context"
	"math"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// soakLimit is the largest body of the soak; sizes are spread evenly over their logarithms, so most are small and the mean is some 280 KB.
const soakLimit = 4 << 20

// echoSoak: calls of every size and every end, mixed, as many as --calls says. One in ten is given up at any moment, one in ten has a
// deadline that may or may not suffice, one in ten is answered with an error.
func echoSoak(c *client, r *report) {
	ids := make([]string, c.calls)
	r.many(len(ids), 32, func(ctx context.Context, n int, random *rand.Rand) {
		ids[n] = r.id(n)
		wanted := ask{ID: ids[n]}
		if random.IntN(3) == 0 {
			answer := soakBody(random)
			wanted.Answer = &answer
		}
		request := soakBody(random).bytes()
		switch random.IntN(10) {
		case 0:
			c.givenUp(ctx, r, n, wanted, request, random)
		case 1:
			c.hurried(ctx, r, n, wanted, request, random)
		case 2:
			c.refused(ctx, r, n, wanted, request, random)
		default:
			if err := r.echo(ctx, c.conn(n), unaryMethods[n%3], wanted, request, someMetadata(random)); err != nil {
				r.bad(wanted.ID, "%v", err)
			}
		}
	})
	if _, err := c.fates(ids); err != nil {
		r.bad(r.Name, "calls still run at the server: %v", err)
	}
}

// givenUp is canceled, or answered before.
func (c *client) givenUp(ctx context.Context, r *report, n int, wanted ask, request []byte, random *rand.Rand) {
	calling, cancel := context.WithCancel(ctx)
	defer cancel()
	wanted.DelayMs = random.IntN(50)
	stop := time.AfterFunc(time.Duration(random.IntN(60_000))*time.Microsecond, cancel)
	defer stop.Stop()
	err := r.echo(calling, c.conn(n), unaryMethods[n%3], wanted, request, nil)
	if err != nil && status.Code(err) != codes.Canceled {
		r.bad(wanted.ID, "given up: %v", err)
	}
}

// hurried ends at its deadline, or is answered before.
func (c *client) hurried(ctx context.Context, r *report, n int, wanted ask, request []byte, random *rand.Rand) {
	calling, cancel := context.WithTimeout(ctx, time.Duration(5+random.IntN(100))*time.Millisecond)
	defer cancel()
	wanted.DelayMs = random.IntN(150)
	err := r.echo(calling, c.conn(n), unaryMethods[n%3], wanted, request, nil)
	if err != nil && status.Code(err) != codes.DeadlineExceeded && !isServersDeadline(err) {
		r.bad(wanted.ID, "hurried: %v", err)
	}
}

// refused is answered with a status, before or behind response headers.
func (c *client) refused(ctx context.Context, r *report, n int, wanted ask, request []byte, random *rand.Rand) {
	wanted.Code, wanted.Message, wanted.HeadersFirst = uint32(1+random.IntN(16)), "no: 100 %\nß", random.IntN(2) == 0
	err := r.echo(ctx, c.conn(n), unaryMethods[n%3], wanted, request, nil)
	if came := status.Convert(err); came.Code() != codes.Code(wanted.Code) || came.Message() != wanted.Message {
		r.bad(wanted.ID, "asked for %d %q, got %v", wanted.Code, wanted.Message, err)
	}
}

func soakBody(random *rand.Rand) body {
	size := int(math.Exp(random.Float64() * math.Log(soakLimit+1)))
	return body{Seed: random.Uint64(), Size: min(size, soakLimit), Plain: random.IntN(3) == 0}
}
