package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"runtime/debug"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const (
	unaryMethod = "/bench.Grpc/Unary" // 200 bytes, whatever is asked
	echoMethod  = "/bench.Grpc/Echo"
)

func init() { encoding.RegisterCodecV2(rawBytes{}) }

// rawBytes takes *[]byte for a message; the name keeps content-type what it is elsewhere.
type rawBytes struct{}

func (rawBytes) Name() string { return proto.Name }

func (rawBytes) Marshal(value any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*value.(*[]byte))}, nil
}

func (rawBytes) Unmarshal(data mem.BufferSlice, into any) error {
	*into.(*[]byte) = data.Materialize()
	return nil
}

// runGrpcBackend is a grpc-go server with its defaults.
func runGrpcBackend(args []string) error {
	flags := flag.NewFlagSet("grpc-backend", flag.ExitOnError)
	listen := flags.String("listen", "127.0.0.1:0", "`address`")
	flags.Parse(args)
	debug.SetGCPercent(800)
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	answer := pattern(200)[5:]
	server := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		var body []byte
		if err := stream.RecvMsg(&body); err != nil {
			return err
		}
		if method, _ := grpc.MethodFromServerStream(stream); method != echoMethod {
			body = answer
		}
		return stream.SendMsg(&body)
	}))
	say(map[string]int{"port": portOf(listener)})
	return server.Serve(listener)
}

// runGrpcLoad makes unary calls with grpc-go: each with a deadline, a trace context and a tenant.
func runGrpcLoad(args []string) error {
	flags := flag.NewFlagSet("grpc-load", flag.ExitOnError)
	s := shapeFlags(flags)
	echo := flags.Bool("echo", false, "the message comes back")
	flags.Parse(args)
	if s.rate > 0 {
		return errors.New("-rate is for load")
	}
	return drive(s, func(t *tally) (target, error) {
		conn, err := grpc.NewClient("passthrough:///"+s.target, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithAuthority(serverName))
		if err != nil {
			return nil, err
		}
		c := &grpcClient{conn, t, unaryMethod, pattern(s.request)[5:], pattern(s.response)[5:]}
		if *echo {
			c.method, c.response = echoMethod, c.request
		}
		return c, c.call() // connects
	})
}

type grpcClient struct {
	conn              *grpc.ClientConn
	tally             *tally
	method            string
	request, response []byte
}

func (c *grpcClient) start(streams int) error {
	for began := time.Now(); streams > 0 && c.tally.begin(began); streams-- {
		go c.loop(began)
	}
	return nil
}

// loop makes one call after the other; the first is begun.
func (c *grpcClient) loop(began time.Time) {
	for again := true; again; {
		problem := ""
		if err := c.call(); err != nil {
			problem = err.Error()
		}
		now := time.Now()
		latency := now.Sub(began)
		again = c.tally.begin(now)
		c.tally.end(latency, problem)
		began = now
	}
}

func (c *grpcClient) fire(time.Time) { panic("open loop with grpc-go") }

func (c *grpcClient) close() { c.conn.Close() }

func (c *grpcClient) call() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	varying := appendVarying(nil)
	ctx = metadata.AppendToOutgoingContext(ctx, varying[1].Name, varying[1].Value, "x-scope-orgid", "tenant-1")
	var body []byte
	if err := c.conn.Invoke(ctx, c.method, &c.request, &body); err != nil {
		return fmt.Errorf("grpc-status %d: %s", status.Code(err), status.Convert(err).Message())
	}
	if len(body) != len(c.response) || !fits(c.response, 0, body) {
		return errors.New("other bytes than agreed")
	}
	return nil
}
