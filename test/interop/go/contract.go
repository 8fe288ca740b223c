package main

import (
	"encoding/json"
	"math/rand/v2"

	"google.golang.org/grpc/metadata"
)

// The methods, named as Tempo's where the proxy's routes look at the name.
const (
	findTraceByID = "/tempopb.Querier/FindTraceByID"
	searchRecent  = "/tempopb.Querier/SearchRecent"
	queryRange    = "/tempopb.Metrics/QueryRange"
	streamDown    = "/interop.Streams/Down"
	streamUp      = "/interop.Streams/Up"
	streamBoth    = "/interop.Streams/Both"
	awaitStarted  = "/interop.Control/AwaitStarted"
	awaitFates    = "/interop.Control/AwaitFates"
	connections   = "/interop.Control/Connections"
)

// Metadata keys. Request keys that begin with echoHeader or echoTrailer come back under the same key, in headers or trailers.
const (
	askKey      = "x-ask-bin"
	tenantKey   = "x-scope-orgid"
	digestKey   = "x-request-sha256-bin"
	timeoutKey  = "x-timeout-left-ms"
	echoHeader  = "h-"
	echoTrailer = "t-"
)

// ask is what a client wants the server to do with one call; it travels as JSON in askKey.
type ask struct {
	ID string
	// DelayMs passes before the answer, unless the call ends first.
	DelayMs int `json:",omitempty"`
	// Code other than 0 ends the call with this status, Message and, when Details is set, that many random bytes as a detail.
	Code    uint32 `json:",omitempty"`
	Message string `json:",omitempty"`
	Details int    `json:",omitempty"`
	// HeadersFirst sends response headers before a status that is not OK; else the answer is trailers only.
	HeadersFirst bool `json:",omitempty"`
	// Answer is how the body of the answer is made; nil: the request's own.
	Answer *body `json:",omitempty"`
	// Messages is how many messages a stream of the server has; of size 1 to Answer.Size each.
	Messages int `json:",omitempty"`
	// StopAfter ends a stream of the client after so many messages, without reading on; 0: never.
	StopAfter int `json:",omitempty"`
}

// body describes bytes that both ends can make.
type body struct {
	Seed uint64
	Size int
	// Plain compresses well; else not at all.
	Plain bool
}

func (b body) bytes() []byte {
	made := make([]byte, b.Size)
	if b.Plain {
		for i := range made {
			made[i] = byte(uint64(i/64) + b.Seed)
		}
		return made
	}
	seed := [32]byte{}
	for i := range 8 {
		seed[i] = byte(b.Seed >> (8 * i))
	}
	rand.NewChaCha8(seed).Read(made)
	return made
}

// part is message n of a stream that is described by b: sizes differ, all made from b's seed.
func (b body) part(n int) body {
	random := rand.New(rand.NewPCG(b.Seed, uint64(n)))
	return body{Seed: random.Uint64(), Size: random.IntN(b.Size + 1), Plain: random.IntN(3) == 0}
}

func askOf(md metadata.MD) ask {
	wanted := ask{}
	if values := md.Get(askKey); len(values) == 1 {
		_ = json.Unmarshal([]byte(values[0]), &wanted)
	}
	return wanted
}

func (a ask) metadata() metadata.MD {
	text, _ := json.Marshal(a)
	return metadata.Pairs(askKey, string(text), tenantKey, "single-tenant")
}
