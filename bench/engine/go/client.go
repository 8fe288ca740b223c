package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"time"

	"golang.org/x/net/http2/hpack"
)

type callOptions struct {
	path              string
	varying           bool
	tls               *tls.Config
	readRate          int
	request, response []byte
}

// client is one connection of the frame-level load generator.
type client struct {
	*wire
	callOptions
	tally    *tally
	mutex    sync.Mutex // of everything below, and of writing
	calls    map[uint32]*call
	free     []*call
	waiting  []time.Time // moments of calls for which the peer allows no stream yet
	queued   []*call     // whose bodies wait for the connection's window
	nextID   uint32
	window   int
	allowed  int  // streams at once
	loop     bool // closed: a call that ends makes the next
	encoder  *encoder
	fields   []hpack.HeaderField
	sent     bool
	steady   []byte // the block of constant fields, once all of them stand in the peer's table
	decoder  *hpack.Decoder
	seen     verdict
	consumed int
}

type call struct {
	stream   uint32
	began    time.Time
	received int
	wrong    bool
	answered bool
}

// verdict is what the header block read last says.
type verdict struct{ status, grpcStatus string }

// dial connects and waits for the settings of the other side.
func dial(address string, options callOptions, t *tally) (*client, error) {
	conn, err := net.Dial("tcp", address) // Go sets TCP_NODELAY by itself
	if err != nil {
		return nil, err
	}
	if options.readRate > 0 {
		conn.(*net.TCPConn).SetReadBuffer(64 << 10)
		conn = &pacedReader{conn, options.readRate}
	}
	if options.tls != nil {
		secure := tls.Client(conn, options.tls)
		if err := secure.HandshakeContext(context.Background()); err != nil {
			return nil, err
		}
		if protocol := secure.ConnectionState().NegotiatedProtocol; protocol != "h2" {
			return nil, fmt.Errorf("ALPN chose %q", protocol)
		}
		conn = secure
	}
	c := &client{
		wire: newWire(conn), callOptions: options, tally: t,
		calls: map[uint32]*call{}, nextID: 1, window: defaultWindow, allowed: math.MaxInt,
		encoder: newEncoder(), fields: requestFields(options.path, options.tls != nil),
	}
	c.decoder = hpack.NewDecoder(4096, c.see)
	c.out.WriteString(preface)
	c.greet(wideWindow)
	if err := c.out.Flush(); err != nil {
		return nil, err
	}
	first, err := c.next()
	if err != nil {
		return nil, err
	}
	if first.kind != frameSettings {
		return nil, fmt.Errorf("first came frame type %d", first.kind)
	}
	c.settings(first.payload, c.set)
	c.out.Flush()
	go c.read()
	return c, nil
}

const constantFields = 8

// requestFields are those of grpc-go and a tenant.
func requestFields(path string, secure bool) []hpack.HeaderField {
	scheme := "http"
	if secure {
		scheme = "https"
	}
	return []hpack.HeaderField{
		{Name: ":method", Value: "POST"}, {Name: ":scheme", Value: scheme}, {Name: ":path", Value: path}, {Name: ":authority", Value: serverName},
		{Name: "content-type", Value: "application/grpc"}, {Name: "user-agent", Value: "grpc-go/1.82.1"}, {Name: "te", Value: "trailers"},
		{Name: "x-scope-orgid", Value: "tenant-1"},
	}
}

func (c *client) see(field hpack.HeaderField) {
	switch field.Name {
	case ":status":
		c.seen.status = field.Value
	case "grpc-status":
		c.seen.grpcStatus = field.Value
	}
}

func (c *client) start(streams int) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.loop = true
	for now := time.Now(); streams > 0 && c.tally.begin(now); streams-- {
		c.open(now)
	}
	return c.out.Flush()
}

func (c *client) fire(at time.Time) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.open(at)
	c.out.Flush()
}

func (c *client) close() { c.Conn.Close() }

// open writes a request.
func (c *client) open(began time.Time) {
	if c.calls == nil {
		c.tally.end(0, "connection closed")
		return
	}
	if len(c.calls) >= c.allowed {
		c.waiting = append(c.waiting, began)
		return
	}
	a := &call{}
	if last := len(c.free) - 1; last >= 0 {
		a, c.free = c.free[last], c.free[:last]
	}
	*a = call{stream: c.nextID, began: began}
	c.nextID += 2
	c.calls[a.stream] = a
	c.frame(frameHeaders, flagEndHeaders, a.stream, c.block())
	c.queued = append(c.queued, a)
	c.sendBodies()
}

// block is that of the next request.
func (c *client) block() []byte {
	if c.varying {
		c.fields = appendVarying(c.fields[:constantFields])
		return c.encoder.encode(c.fields)
	}
	if c.steady != nil {
		return c.steady
	}
	block := c.encoder.encode(c.fields)
	if c.sent {
		c.steady = bytes.Clone(block)
	}
	c.sent = true
	return block
}

// appendVarying adds a deadline of nearly 5 s in grpc-go's words and a trace context.
func appendVarying(fields []hpack.HeaderField) []hpack.HeaderField {
	var ids [24]byte
	binary.NativeEndian.PutUint64(ids[:], rand.Uint64())
	binary.NativeEndian.PutUint64(ids[8:], rand.Uint64())
	binary.NativeEndian.PutUint64(ids[16:], rand.Uint64())
	parent := make([]byte, 0, 55)
	parent = append(hex.AppendEncode(append(parent, "00-"...), ids[:16]), '-')
	parent = append(hex.AppendEncode(parent, ids[16:]), "-01"...)
	timeout := strconv.Itoa(4_000_000+rand.IntN(999_999)) + "u"
	return append(fields, hpack.HeaderField{Name: "grpc-timeout", Value: timeout}, hpack.HeaderField{Name: "traceparent", Value: string(parent)})
}

// sendBodies writes what the connection's window takes. A body must fit the window of a stream: the loads' do.
func (c *client) sendBodies() {
	for len(c.queued) > 0 && c.window >= len(c.request) {
		a := c.queued[0]
		c.queued = c.queued[1:]
		c.window -= len(c.request)
		for rest := c.request; ; rest = rest[maxFrame:] {
			if len(rest) <= maxFrame {
				c.frame(frameData, flagEndStream, a.stream, rest)
				break
			}
			c.frame(frameData, 0, a.stream, rest[:maxFrame])
		}
	}
}

// read takes frames until the connection ends.
func (c *client) read() {
	var now time.Time
	fresh := true // the next frame comes from the socket
	for {
		f, err := c.next()
		if fresh {
			now = time.Now()
		}
		c.mutex.Lock()
		if err == nil {
			err = c.take(f, now)
		}
		if fresh = c.drained(); fresh && err == nil {
			err = c.out.Flush()
		}
		if err != nil {
			c.fail(err)
		}
		c.mutex.Unlock()
		if err != nil {
			return
		}
	}
}

// fail ends all calls of a connection that is broken.
func (c *client) fail(err error) {
	for range len(c.calls) + len(c.waiting) {
		c.tally.end(0, "connection: "+err.Error())
	}
	c.calls = nil
	c.Conn.Close()
}

func (c *client) take(f frame, now time.Time) error {
	switch f.kind {
	case frameHeaders:
		return c.takeHeaders(f, now)
	case frameData:
		return c.takeData(f, now)
	case frameReset:
		if a := c.calls[f.stream]; a != nil {
			c.end(a, now, fmt.Sprintf("reset by code %d", binary.BigEndian.Uint32(f.payload)))
		}
	case frameSettings:
		if f.flags&flagAck == 0 {
			c.settings(f.payload, c.set)
		}
	case framePing:
		if f.flags&flagAck == 0 {
			c.frame(framePing, flagAck, 0, f.payload)
		}
	case frameGoAway:
		return fmt.Errorf("GOAWAY by code %d: %s", binary.BigEndian.Uint32(f.payload[4:]), f.payload[8:])
	case frameWindowUpdate:
		if f.stream == 0 {
			c.window += int(binary.BigEndian.Uint32(f.payload))
			c.sendBodies()
		}
	}
	return nil
}

func (c *client) set(id uint16, value uint32) {
	switch id {
	case settingMaxConcurrentStreams:
		c.allowed = int(value)
	case settingHeaderTableSize:
		c.encoder.SetMaxDynamicTableSizeLimit(value)
		c.sent, c.steady = false, nil
	}
}

func (c *client) takeHeaders(f frame, now time.Time) error {
	block, err := c.wholeBlock(f)
	if err != nil {
		return err
	}
	c.seen = verdict{}
	if _, err := c.decoder.Write(block); err != nil {
		return err
	}
	if err := c.decoder.Close(); err != nil {
		return err
	}
	a := c.calls[f.stream]
	if a == nil {
		return nil
	}
	if !a.answered && c.seen.status != "200" {
		c.end(a, now, "status "+c.seen.status)
		return nil
	}
	a.answered = true
	if f.flags&flagEndStream == 0 {
		return nil
	}
	switch {
	case c.seen.grpcStatus != "0":
		c.end(a, now, "grpc-status "+c.seen.grpcStatus)
	case a.wrong || a.received != len(c.response):
		c.end(a, now, "other bytes than agreed")
	default:
		c.end(a, now, "")
	}
	return nil
}

func (c *client) takeData(f frame, now time.Time) error {
	if c.consumed += len(f.payload); c.consumed > wideWindow/2 {
		c.windowUpdate(0, c.consumed)
		c.consumed = 0
	}
	body, err := unpadded(f)
	if err != nil {
		return err
	}
	a := c.calls[f.stream]
	if a == nil {
		return nil
	}
	a.wrong = a.wrong || !fits(c.response, a.received, body)
	a.received += len(body)
	if f.flags&flagEndStream != 0 {
		c.end(a, now, "no trailers")
	}
	return nil
}

// end counts a call and, in a closed loop, makes the next.
func (c *client) end(a *call, now time.Time, problem string) {
	delete(c.calls, a.stream)
	again := c.loop && c.tally.begin(now) // before the end, so that some call is open until the last has ended
	c.tally.end(now.Sub(a.began), problem)
	c.free = append(c.free, a)
	if len(c.waiting) > 0 {
		began := c.waiting[0]
		c.waiting = c.waiting[1:]
		c.open(began)
	}
	if again {
		c.open(now)
	}
}

// pacedReader reads at most so many bytes a second, as somebody with a slow line does.
type pacedReader struct {
	net.Conn
	rate int
}

func (p *pacedReader) Read(into []byte) (int, error) {
	n, err := p.Conn.Read(into[:min(len(into), 16<<10)])
	time.Sleep(time.Duration(n) * time.Second / time.Duration(p.rate))
	return n, err
}
