package main

import (
	"errors"
	"flag"
	"io"
	"strings"
	"time"
)

// Keys of the two halves of the ring, as Tempo has them.
const (
	ringName       = "live-store"
	partitionsName = "livestore-partitions"
	keyPrefix      = "collectors/"
	tenant         = "single-tenant"

	// Timestamps are whole seconds, and of two entries of one second the first stays: heartbeats must be further apart.
	heartbeatPeriod  = 3 * time.Second
	heartbeatTimeout = 7 * time.Second
)

// options is what one process is told.
type options struct {
	// id is the member that this process registers; empty in a process that only reads the rings, as a querier does.
	id        string
	zone      string
	partition int
	// advertise is what the ring says; empty: where this process serves gRPC.
	advertise string
	grpcPort  int

	store    string
	endpoint string

	// gossipPort stays that of a member that is started again, as its name in the gossip does; 0: any.
	gossipPort  int
	join        []string
	label       string
	compression string
	certificate string
	privateKey  string
	authority   string
}

func parseOptions(args []string) (options, error) {
	o := options{}
	flags := flag.NewFlagSet("dskit", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.id, "id", "", "the member to register; empty: read only")
	flags.StringVar(&o.zone, "zone", "", "its zone")
	flags.IntVar(&o.partition, "partition", 0, "the partition it owns")
	flags.StringVar(&o.advertise, "advertise", "", "its address in the ring; empty: where it serves gRPC")
	flags.IntVar(&o.grpcPort, "grpc-port", 0, "where it serves gRPC; 0: any")
	flags.StringVar(&o.store, "store", "memberlist", "memberlist or etcd")
	flags.StringVar(&o.endpoint, "endpoint", "", "host:port of etcd")
	flags.IntVar(&o.gossipPort, "gossip-port", 0, "of memberlist; 0: any")
	join := flags.String("join", "", "host:port of members to join, separated by commas")
	flags.StringVar(&o.label, "label", "", "memberlist.cluster_label")
	flags.StringVar(&o.compression, "compression", "none", "of gossip: none, lzw or snappy")
	flags.StringVar(&o.certificate, "tls-certificate", "", "PEM file, for gossip over TLS")
	flags.StringVar(&o.privateKey, "tls-private-key", "", "PEM file")
	flags.StringVar(&o.authority, "tls-ca", "", "PEM file")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, errors.New("only flags are taken")
	}
	if *join != "" {
		o.join = strings.Split(*join, ",")
	}
	return o, nil
}
