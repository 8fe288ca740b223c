package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net"
	"os"
	"runtime/debug"
	"sync/atomic"

	"golang.org/x/net/http2/hpack"
)

// bodies is what the backend is asked for at the moment: how long requests must be and responses shall be, without gRPC's prefix.
type bodies struct {
	RequestBytes  int `json:"requestBytes"`
	ResponseBytes int `json:"responseBytes"`
}

// exchange is the same as bytes. Request headers are not decoded, so the size of a response cannot come from there: that would cost
// the core of the load as much as all the rest.
type exchange struct{ request, response []byte }

var current atomic.Pointer[exchange]

// runBackend answers gRPC calls on a plaintext port and on a TLS port that wants client certificates. A line of JSON on stdin sets the
// sizes of bodies, and is repeated as the answer.
func runBackend(args []string) error {
	flags := flag.NewFlagSet("backend", flag.ExitOnError)
	listen := flags.String("listen", "127.0.0.1:0", "`address` of the plaintext port")
	listenTLS := flags.String("listen-tls", "", "`address` of the TLS port")
	credentials := credentialFlags(flags)
	flags.Parse(args)
	debug.SetGCPercent(800)
	current.Store(&exchange{pattern(100), pattern(200)})
	plain, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	ports := map[string]int{"port": portOf(plain)}
	go serve(plain)
	if *listenTLS != "" {
		config, err := credentials.server()
		if err != nil {
			return err
		}
		secure, err := tls.Listen("tcp", *listenTLS, config)
		if err != nil {
			return err
		}
		ports["tlsPort"] = portOf(secure)
		go serve(secure)
	}
	say(ports)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var asked bodies
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			return err
		}
		current.Store(&exchange{pattern(asked.RequestBytes), pattern(asked.ResponseBytes)})
		say(asked)
	}
	return nil
}

func portOf(listener net.Listener) int { return listener.Addr().(*net.TCPAddr).Port }

func serve(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			served := &served{wire: newWire(conn), streams: map[uint32]*answer{}, window: defaultWindow, initial: defaultWindow, encoder: newEncoder()}
			if err := served.run(); err != nil && !errors.Is(err, io.EOF) && os.Getenv("VERBOSE") != "" {
				say(map[string]string{"connection": err.Error()})
			}
		}()
	}
}

// served is one connection of the backend.
type served struct {
	*wire
	streams  map[uint32]*answer
	waiting  []*answer // those with bytes left, in the order of their turns
	window   int
	initial  int // of new streams
	consumed int
	encoder  *encoder
	blocks   answerBlocks
}

type answer struct {
	stream   uint32
	exchange *exchange
	received int
	wrong    bool
	sent     int
	window   int
}

func (s *served) run() error {
	var hello [len(preface)]byte
	if _, err := io.ReadFull(s.in, hello[:]); err != nil || string(hello[:]) != preface {
		return errors.Join(err, errors.New("no preface"))
	}
	s.greet(wideWindow)
	for {
		if s.drained() {
			if err := s.out.Flush(); err != nil {
				return err
			}
		}
		f, err := s.next()
		if err != nil {
			return err
		}
		if err := s.take(f); err != nil {
			return err
		}
	}
}

func (s *served) take(f frame) error {
	switch f.kind {
	case frameHeaders:
		if _, err := s.wholeBlock(f); err != nil {
			return err
		}
		if s.streams[f.stream] != nil {
			return errors.New("trailers in a request")
		}
		a := &answer{stream: f.stream, exchange: current.Load(), window: s.initial}
		s.streams[f.stream] = a
		if f.flags&flagEndStream != 0 {
			s.begin(a)
		}
	case frameData:
		return s.takeData(f)
	case frameReset:
		delete(s.streams, f.stream)
	case frameSettings:
		if f.flags&flagAck == 0 {
			s.settings(f.payload, s.set)
			s.send()
		}
	case framePing:
		if f.flags&flagAck == 0 {
			s.frame(framePing, flagAck, 0, f.payload)
		}
	case frameWindowUpdate:
		more := int(binary.BigEndian.Uint32(f.payload))
		if f.stream == 0 {
			s.window += more
		} else if a := s.streams[f.stream]; a != nil {
			a.window += more
		}
		s.send()
	}
	return nil
}

func (s *served) set(id uint16, value uint32) {
	switch id {
	case settingInitialWindow:
		for _, a := range s.streams {
			a.window += int(value) - s.initial
		}
		s.initial = int(value)
	case settingHeaderTableSize:
		s.encoder.SetMaxDynamicTableSizeLimit(value)
		s.blocks = answerBlocks{}
	}
}

func (s *served) takeData(f frame) error {
	if s.consumed += len(f.payload); s.consumed > wideWindow/2 {
		s.windowUpdate(0, s.consumed)
		s.consumed = 0
	}
	a := s.streams[f.stream]
	if a == nil {
		return nil
	}
	body, err := unpadded(f)
	if err != nil {
		return err
	}
	a.wrong = a.wrong || !fits(a.exchange.request, a.received, body)
	a.received += len(body)
	if f.flags&flagEndStream != 0 {
		s.begin(a)
	}
	return nil
}

// begin answers a request that is complete: an error when it is not what was agreed.
func (s *served) begin(a *answer) {
	if a.wrong || a.received != len(a.exchange.request) {
		s.frame(frameHeaders, flagEndHeaders|flagEndStream, a.stream, s.encoder.encode(mismatch))
		delete(s.streams, a.stream)
		return
	}
	s.frame(frameHeaders, flagEndHeaders, a.stream, s.blocks.headers(s.encoder))
	s.waiting = append(s.waiting, a)
	s.send()
}

// send writes DATA as the windows allow, a frame of each waiting stream in turn, and the trailers of those that are through.
func (s *served) send() {
	for blocked := 0; blocked < len(s.waiting); {
		a := s.waiting[0]
		s.waiting = s.waiting[1:]
		if s.streams[a.stream] != a {
			continue // reset by the peer
		}
		left := a.exchange.response[a.sent:]
		size := max(0, min(len(left), maxFrame, s.window, a.window))
		if size == 0 {
			s.waiting = append(s.waiting, a)
			blocked++
			continue
		}
		blocked = 0
		s.frame(frameData, 0, a.stream, left[:size])
		a.sent += size
		s.window -= size
		a.window -= size
		if size < len(left) {
			s.waiting = append(s.waiting, a)
			continue
		}
		s.frame(frameHeaders, flagEndHeaders|flagEndStream, a.stream, s.blocks.trailers(s.encoder))
		delete(s.streams, a.stream)
	}
}

var (
	answerHeaders  = []hpack.HeaderField{{Name: ":status", Value: "200"}, {Name: "content-type", Value: "application/grpc"}}
	answerTrailers = []hpack.HeaderField{{Name: "grpc-status", Value: "0"}, {Name: "grpc-message", Value: ""}}
	// Sensitive fields stay out of the dynamic table, so that the blocks of answerBlocks stay what they are.
	mismatch = []hpack.HeaderField{
		{Name: ":status", Value: "200"},
		{Name: "content-type", Value: "application/grpc", Sensitive: true},
		{Name: "grpc-status", Value: "15", Sensitive: true},
		{Name: "grpc-message", Value: "other bytes than agreed", Sensitive: true},
	}
)

// answerBlocks are the header blocks of all answers of a connection. Once both have been sent, all their fields stand in the peer's table,
// and they are the same few bytes for ever.
type answerBlocks struct {
	sent   [2]bool
	steady [2][]byte
}

func (b *answerBlocks) headers(e *encoder) []byte  { return b.block(e, 0, answerHeaders) }
func (b *answerBlocks) trailers(e *encoder) []byte { return b.block(e, 1, answerTrailers) }

func (b *answerBlocks) block(e *encoder, which int, fields []hpack.HeaderField) []byte {
	if b.steady[which] != nil {
		return b.steady[which]
	}
	block := e.encode(fields)
	if b.sent[0] && b.sent[1] {
		b.steady[which] = bytes.Clone(block)
	}
	b.sent[which] = true
	return block
}
