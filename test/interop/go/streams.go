package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// openStream opens a stream; one of streamDown has sent its only message, too.
func openStream(ctx context.Context, conn *grpc.ClientConn, method string, wanted ask) (grpc.ClientStream, error) {
	described := &grpc.StreamDesc{ServerStreams: method != streamUp, ClientStreams: method != streamDown}
	stream, err := conn.NewStream(metadata.NewOutgoingContext(ctx, wanted.metadata()), described, method)
	if err != nil || method != streamDown {
		return stream, err
	}
	if err := stream.SendMsg(&[]byte{}); err != nil {
		return nil, err
	}
	return stream, stream.CloseSend()
}

// streams: many down, many up, one for one, and a server that has enough before the client has.
func streams(c *client, r *report) {
	kinds := []func(context.Context, *grpc.ClientConn, ask, *rand.Rand) error{r.down, r.up, r.both, r.upStopped}
	r.many(240, 24, func(ctx context.Context, n int, random *rand.Rand) {
		wanted := ask{ID: r.id(n), Messages: 1 + random.IntN(40), Answer: &body{Seed: random.Uint64(), Size: 1 << (4 + random.IntN(13))}}
		r.ended(kinds[n%len(kinds)](ctx, c.conn(n/len(kinds)), wanted, random))
	})
}

func (r *report) down(ctx context.Context, conn *grpc.ClientConn, wanted ask, _ *rand.Rand) error {
	stream, err := openStream(ctx, conn, streamDown, wanted)
	if err != nil {
		r.bad(wanted.ID, "down: %v", err)
		return err
	}
	return r.readDown(stream, wanted)
}

// readDown reads a stream of streamDown to its end and compares.
func (r *report) readDown(stream grpc.ClientStream, wanted ask) error {
	for n := 0; ; n++ {
		message := []byte{}
		err := stream.RecvMsg(&message)
		switch {
		case errors.Is(err, io.EOF) && n == wanted.Messages:
			return nil
		case err != nil:
			r.bad(wanted.ID, "down: %d of %d messages, then %v", n, wanted.Messages, err)
			return err
		case n >= wanted.Messages || !bytes.Equal(message, wanted.Answer.part(n).bytes()):
			r.bad(wanted.ID, "down: message %d is another", n)
		}
	}
}

func (r *report) up(ctx context.Context, conn *grpc.ClientConn, wanted ask, _ *rand.Rand) error {
	stream, err := openStream(ctx, conn, streamUp, wanted)
	digest := sha256.New()
	for n := 0; err == nil && n < wanted.Messages; n++ {
		message := wanted.Answer.part(n).bytes()
		digest.Write(message)
		err = stream.SendMsg(&message)
	}
	if err == nil {
		err = stream.CloseSend()
	}
	sum := []byte{}
	if err == nil {
		err = stream.RecvMsg(&sum)
	}
	if err != nil || !bytes.Equal(sum, digest.Sum(nil)) {
		r.bad(wanted.ID, "up: the server read %x, %v", sum, err)
	}
	return err
}

// upStopped: the server ends the call while the client still sends. The client must learn the status.
func (r *report) upStopped(ctx context.Context, conn *grpc.ClientConn, wanted ask, random *rand.Rand) error {
	wanted.StopAfter, wanted.Code, wanted.Message = 1+random.IntN(wanted.Messages), uint32(codes.FailedPrecondition), "enough"
	wanted.Answer.Size = 32 << 10 // a flood of tiny ones is abuse: Envoy closes a connection at 10,000 waiting frames
	stream, err := openStream(ctx, conn, streamUp, wanted)
	for n := 0; err == nil; n++ {
		message := wanted.Answer.part(n).bytes()
		err = stream.SendMsg(&message)
	}
	if errors.Is(err, io.EOF) { // grpc-go's word for: the status is there
		err = stream.RecvMsg(&[]byte{})
	}
	if came := status.Convert(err); came.Code() != codes.FailedPrecondition || came.Message() != "enough" {
		r.bad(wanted.ID, "up, stopped: %v", err)
	}
	return err
}

func (r *report) both(ctx context.Context, conn *grpc.ClientConn, wanted ask, _ *rand.Rand) error {
	stream, err := openStream(ctx, conn, streamBoth, wanted)
	for n := 0; err == nil && n < wanted.Messages; n++ {
		message, came := wanted.Answer.part(n).bytes(), []byte{}
		if err = stream.SendMsg(&message); err != nil {
			break
		}
		if err = stream.RecvMsg(&came); err == nil && !bytes.Equal(message, came) {
			r.bad(wanted.ID, "both: message %d is another", n)
		}
	}
	if err == nil {
		err = stream.CloseSend()
	}
	if err == nil {
		if err = stream.RecvMsg(&[]byte{}); errors.Is(err, io.EOF) {
			return nil
		}
	}
	r.bad(wanted.ID, "both: %v", err)
	return err
}

// streamCancels gives up streams between two messages: the server must stop, too.
func streamCancels(c *client, r *report) {
	ids := make([]string, 100)
	r.many(len(ids), 20, func(ctx context.Context, n int, random *rand.Rand) {
		ids[n] = r.id(n)
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		wanted := ask{ID: ids[n], Messages: 1 + random.IntN(30), Answer: &body{Seed: random.Uint64(), Size: 16 << 10}, DelayMs: 60_000}
		stream, err := openStream(ctx, c.conn(n), []string{streamDown, streamBoth}[n%2], wanted)
		for range 1 + random.IntN(wanted.Messages) {
			message := []byte("ping")
			if err == nil && n%2 == 1 {
				err = stream.SendMsg(&message)
			}
			if err == nil {
				err = stream.RecvMsg(&message)
			}
		}
		if err != nil {
			r.bad(ids[n], "%v", err)
			return
		}
		cancel()
		for err == nil {
			err = stream.RecvMsg(&[]byte{})
		}
		r.ended(err)
		if status.Code(err) != codes.Canceled {
			r.bad(ids[n], "%v", err)
		}
	})
	if fates := c.checkStopped(r, ids, "canceled"); len(fates) != len(ids) {
		r.bad(r.Name, "the servers saw %d of %d streams", len(fates), len(ids))
	}
}
