// One process with real dskit rings, put together as Tempo does it: a live-store that registers itself in the instance ring and in the
// partition ring, or, without --id, a querier that only reads them. It prints lines of JSON (see line), takes commands on standard input
// (see process.obey), and ends at once when that is closed.
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/grafana/dskit/kv"
	"github.com/grafana/dskit/kv/memberlist"
	"github.com/grafana/dskit/ring"
	"github.com/grafana/dskit/services"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/atomic"
)

const loopback = "127.0.0.1"

func main() {
	o, err := parseOptions(os.Args[1:])
	if err == nil {
		err = run(o, os.Stdin, &lines{to: os.Stdout})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "dskit:", err)
		os.Exit(1)
	}
}

// process is everything that runs here.
type process struct {
	options options
	out     *lines
	logger  log.Logger
	gossip  *memberlist.KVInitService
	reader  *reader
	// editor changes the states of partitions, as an operator does on Tempo's pages.
	editor *ring.PartitionRingEditor
	// member is nil in a process that only reads.
	member  *member
	leaving *atomic.Bool
}

func run(o options, commands io.Reader, out *lines) error {
	ctx := context.Background()
	logger := level.NewFilter(log.NewLogfmtLogger(log.NewSyncWriter(os.Stderr)), level.AllowError())
	registry := prometheus.NewRegistry()
	gossip := newGossip(o, registry, logger)
	grpcAt, err := net.Listen("tcp", fmt.Sprintf("%s:%d", loopback, o.grpcPort))
	if err != nil {
		return err
	}
	if o.advertise == "" {
		o.advertise = grpcAt.Addr().String()
	}
	instances, partitions, err := stores(o, gossip, registry, logger)
	if err != nil {
		return err
	}
	p := &process{options: o, out: out, logger: logger, gossip: gossip, leaving: atomic.NewBool(false)}
	p.editor = ring.NewPartitionRingEditor(partitionsName, partitions)
	if p.reader, err = newReader(instances, partitions, registry, logger); err != nil {
		return err
	}
	if err := p.reader.start(ctx); err != nil {
		return err
	}
	at := addresses{GRPC: grpcAt.Addr().String()}
	if at.HTTP, err = p.servePages(); err != nil {
		return err
	}
	go newLiveStore(o.id, p.leaving).Serve(grpcAt)
	p.follow(ctx, instances, partitions)
	if o.id != "" {
		if p.member, err = newMember(o, instances, partitions, registry, logger); err != nil {
			return err
		}
		if err := p.member.join(ctx); err != nil {
			return err
		}
	}
	if o.store == "memberlist" {
		if at.Gossip, err = p.gossipAddress(); err != nil {
			return err
		}
	}
	out.print(line{Ready: &at})
	return p.obey(ctx, bufio.NewScanner(commands))
}

// follow prints changes from now on.
func (p *process) follow(ctx context.Context, instances, partitions kv.Client) {
	go followChanges(ctx, instances, ringName, p.out, instanceEntries)
	go followChanges(ctx, partitions, partitionsName, p.out, partitionEntries)
}

// servePages serves Tempo's pages of the rings.
func (p *process) servePages() (string, error) {
	listener, err := net.Listen("tcp", loopback+":0")
	if err != nil {
		return "", err
	}
	mux := http.NewServeMux()
	mux.Handle("/memberlist", p.gossip)
	mux.Handle("/live-store/ring", p.reader.instances)
	mux.Handle("/partition-ring", ring.NewPartitionRingPageHandler(p.reader.partitions, p.editor))
	go http.Serve(listener, mux)
	return listener.Addr().String(), nil
}

func (p *process) gossipAddress() (string, error) {
	store, err := p.gossip.GetMemberlistKV()
	if err != nil {
		return "", err
	}
	return net.JoinHostPort(loopback, fmt.Sprint(store.GetListeningPort())), nil
}

// obey takes one command a line: `state`; `partition N Active|Inactive`; `dial`, or `dial host:port` to connect there instead of to the
// addresses of the ring; `leave`, which ends the process.
func (p *process) obey(ctx context.Context, commands *bufio.Scanner) error {
	for commands.Scan() {
		words := strings.Fields(commands.Text())
		answer, err := p.answer(ctx, words)
		if err != nil {
			message := err.Error()
			answer = line{Failed: &message}
		}
		p.out.print(answer)
		if p.leaving.Load() {
			return err
		}
	}
	return commands.Err()
}

func (p *process) answer(ctx context.Context, words []string) (line, error) {
	done := "done"
	switch {
	case len(words) == 1 && words[0] == "state":
		state, err := p.reader.look(ctx)
		return line{State: &state}, err
	case len(words) == 3 && words[0] == "partition":
		return line{Done: &done}, p.changePartition(ctx, words[1], words[2])
	case len(words) > 0 && words[0] == "dial":
		calls, err := p.reader.dial(ctx, strings.Join(words[1:], ""), p.logger)
		return line{Dialed: calls}, err
	case len(words) == 1 && words[0] == "leave":
		return line{Done: &done}, p.leave(ctx)
	default:
		return line{}, fmt.Errorf("no command %q", words)
	}
}

func (p *process) changePartition(ctx context.Context, id, state string) error {
	var number int32
	if _, err := fmt.Sscan(id, &number); err != nil {
		return err
	}
	value, ok := ring.PartitionState_value["Partition"+state]
	if !ok {
		return fmt.Errorf("no state %q", state)
	}
	return p.editor.ChangePartitionState(ctx, number, ring.PartitionState(value))
}

// leave is what SIGTERM does to a live-store.
func (p *process) leave(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	p.leaving.Store(true)
	if p.member != nil {
		if err := p.member.leave(ctx); err != nil {
			return err
		}
	}
	if p.options.store != "memberlist" {
		return nil
	}
	store, err := p.gossip.GetMemberlistKV()
	if err != nil {
		return err
	}
	return services.StopAndAwaitTerminated(ctx, store)
}
