package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/keepalive"
)

// patience ends what never ends by itself, so that a broken proxy is a finding and not a hang.
const patience = 30 * time.Second

type client struct {
	seed      uint64
	authority string
	// conns are connections to the proxy; one is what a querier has to each address.
	conns []*grpc.ClientConn
	// idle is a connection that nobody uses, and lost is closed when it was not kept.
	idle *grpc.ClientConn
	lost chan struct{}
	// pid is the process that a scenario ends, where it does.
	pid int
	// calls is how many the soak makes.
	calls int
	// direct are connections to the servers behind the proxy, for what they saw.
	direct []*grpc.ClientConn
}

type scenario func(*client, *report)

// runClient runs scenarios and prints a line of JSON for each: see report.
func runClient(args []string) error {
	flags := flag.NewFlagSet("client", flag.ContinueOnError)
	target := flags.String("target", "", "host:port of the proxy")
	authority := flags.String("authority", "", ":authority of every call; empty: the target")
	direct := flags.String("direct", "", "host:port of every server behind the proxy, separated by commas")
	pid := flags.Int("pid", 0, "process to end, for the scenarios drain and departure")
	calls := flags.Int("calls", 500, "how many calls the scenario echo-soak makes")
	names := flags.String("scenarios", "", "which to run, separated by commas")
	seed := flags.Uint64("seed", 1, "of all that is random")
	if err := flags.Parse(args); err != nil {
		return err
	}
	c := &client{seed: *seed, authority: *authority, pid: *pid, calls: *calls, lost: make(chan struct{})}
	if err := c.dial(*target, strings.Split(*direct, ",")); err != nil {
		return err
	}
	lines := json.NewEncoder(os.Stdout)
	for _, name := range strings.Split(*names, ",") {
		run, ok := scenarios[name]
		if !ok {
			return fmt.Errorf("no scenario %q", name)
		}
		found := &report{Name: name, ByStatus: map[string]int{}, Bad: []string{}, seed: *seed}
		began := time.Now()
		run(c, found)
		found.Ms = time.Since(began).Milliseconds()
		if err := lines.Encode(found); err != nil {
			return err
		}
	}
	return nil
}

func (c *client) dial(target string, direct []string) error {
	for n := range 4 {
		options := queriersSettings(c.authority)
		if n == 3 { // grpc_compression: ""
			options = append(options, grpc.WithDefaultCallOptions(grpc.UseCompressor(encoding.Identity)))
		}
		conn, err := grpc.NewClient(target, options...)
		if err != nil {
			return err
		}
		c.conns = append(c.conns, conn)
	}
	for _, address := range direct {
		conn, err := grpc.NewClient(address, queriersSettings("")...)
		if err != nil {
			return err
		}
		c.direct = append(c.direct, conn)
	}
	idle, err := grpc.NewClient(target, queriersSettings(c.authority)...)
	if err != nil {
		return err
	}
	c.idle = idle
	return c.watchIdle()
}

// queriersSettings is how a querier dials a live-store unless it is told otherwise.
func queriersSettings(authority string) []grpc.DialOption {
	const limit = 100 << 20
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(limit), grpc.MaxCallSendMsgSize(limit), grpc.UseCompressor("snappy")),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 20 * time.Second, Timeout: 10 * time.Second, PermitWithoutStream: true}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: time.Second, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 5 * time.Second},
			MinConnectTimeout: 5 * time.Second,
		}),
	}
	if authority != "" {
		options = append(options, grpc.WithAuthority(authority))
	}
	return options
}

// watchIdle connects the idle connection and watches it from then on.
func (c *client) watchIdle() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c.idle.Connect()
	for state := c.idle.GetState(); state != connectivity.Ready; state = c.idle.GetState() {
		if !c.idle.WaitForStateChange(ctx, state) {
			return errors.New("cannot connect to the target")
		}
	}
	go func() {
		c.idle.WaitForStateChange(context.Background(), connectivity.Ready)
		close(c.lost)
	}()
	return nil
}

// control asks a server something, past the proxy.
func control(ctx context.Context, server *grpc.ClientConn, method string, request []byte) ([]byte, error) {
	response := []byte{}
	err := server.Invoke(ctx, method, &request, &response)
	return response, err
}

// started waits until some server has the call.
func (c *client) started(ctx context.Context, id string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan error, len(c.direct))
	for _, server := range c.direct {
		go func() {
			_, err := control(ctx, server, awaitStarted, []byte(id))
			answers <- err
		}()
	}
	return <-answers
}

// fates waits until no server runs any of the calls, and says how each ended wherever it was.
func (c *client) fates(ids []string) (map[string][]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	request, _ := json.Marshal(ids)
	all := map[string][]string{}
	for _, server := range c.direct {
		response, err := control(ctx, server, awaitFates, request)
		if err != nil {
			return nil, err
		}
		here := map[string][]string{}
		if err := json.Unmarshal(response, &here); err != nil {
			return nil, err
		}
		for id, fates := range here {
			all[id] = append(all[id], fates...)
		}
	}
	return all, nil
}
