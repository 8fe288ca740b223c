package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"

	"golang.org/x/net/http2/hpack"
)

const (
	frameData         = 0
	frameHeaders      = 1
	frameReset        = 3
	frameSettings     = 4
	framePing         = 6
	frameGoAway       = 7
	frameWindowUpdate = 8
	frameContinuation = 9

	flagEndStream  = 1
	flagAck        = 1
	flagEndHeaders = 4
	flagPadded     = 8
	flagPriority   = 32

	settingHeaderTableSize      = 1
	settingMaxConcurrentStreams = 3
	settingInitialWindow        = 4

	preface       = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	frameHeader   = 9
	maxFrame      = 16384
	defaultWindow = 65535
	wideWindow    = 1<<30 - 1 // what h2load gives: the loads measure the proxy, not the reader's windows
)

// wire reads and writes frames on a connection. Writes gather until flush.
type wire struct {
	net.Conn
	in  *bufio.Reader
	out *bufio.Writer
}

func newWire(conn net.Conn) *wire {
	return &wire{conn, bufio.NewReaderSize(conn, 64<<10), bufio.NewWriterSize(conn, 64<<10)}
}

type frame struct {
	kind, flags byte
	stream      uint32
	payload     []byte // valid until the next frame is read
}

// next blocks until a whole frame is there.
func (w *wire) next() (frame, error) {
	head, err := w.in.Peek(frameHeader)
	if err != nil {
		return frame{}, err
	}
	length := int(head[0])<<16 | int(head[1])<<8 | int(head[2])
	if length > maxFrame {
		return frame{}, fmt.Errorf("a frame of %d bytes", length)
	}
	whole, err := w.in.Peek(frameHeader + length)
	if err != nil {
		return frame{}, err
	}
	w.in.Discard(len(whole)) // bufio leaves the bytes where they are until the next read
	return frame{whole[3], whole[4], binary.BigEndian.Uint32(whole[5:]) &^ (1 << 31), whole[frameHeader:]}, nil
}

// drained says whether the next call of next would have to read from the socket.
func (w *wire) drained() bool {
	if w.in.Buffered() < frameHeader {
		return true
	}
	head, _ := w.in.Peek(3)
	return w.in.Buffered() < frameHeader+(int(head[0])<<16|int(head[1])<<8|int(head[2]))
}

func (w *wire) header(kind, flags byte, stream uint32, length int) {
	var head [frameHeader]byte
	head[0], head[1], head[2], head[3], head[4] = byte(length>>16), byte(length>>8), byte(length), kind, flags
	binary.BigEndian.PutUint32(head[5:], stream)
	w.out.Write(head[:])
}

func (w *wire) frame(kind, flags byte, stream uint32, payload []byte) {
	w.header(kind, flags, stream, len(payload))
	w.out.Write(payload)
}

func (w *wire) windowUpdate(stream uint32, bytes int) {
	w.frame(frameWindowUpdate, 0, stream, binary.BigEndian.AppendUint32(nil, uint32(bytes)))
}

// greet writes our settings, and a connection window as wide as that of the streams.
func (w *wire) greet(window int) {
	payload := binary.BigEndian.AppendUint16(nil, settingInitialWindow)
	w.frame(frameSettings, 0, 0, binary.BigEndian.AppendUint32(payload, uint32(window)))
	if window > defaultWindow {
		w.windowUpdate(0, window-defaultWindow)
	}
}

// settings calls set for each setting of the payload and acknowledges them.
func (w *wire) settings(payload []byte, set func(id uint16, value uint32)) {
	for ; len(payload) >= 6; payload = payload[6:] {
		set(binary.BigEndian.Uint16(payload), binary.BigEndian.Uint32(payload[2:]))
	}
	w.frame(frameSettings, flagAck, 0, nil)
}

// wholeBlock gives the header block that begins with a HEADERS frame, with its CONTINUATION frames.
func (w *wire) wholeBlock(first frame) ([]byte, error) {
	payload, err := unpadded(first)
	if err != nil {
		return nil, err
	}
	if first.flags&flagPriority != 0 {
		payload = payload[5:]
	}
	if first.flags&flagEndHeaders != 0 {
		return payload, nil
	}
	whole := bytes.Clone(payload)
	for {
		more, err := w.next()
		if err != nil {
			return nil, err
		}
		if more.kind != frameContinuation || more.stream != first.stream {
			return nil, fmt.Errorf("frame type %d within a header block", more.kind)
		}
		whole = append(whole, more.payload...)
		if more.flags&flagEndHeaders != 0 {
			return whole, nil
		}
	}
}

func unpadded(f frame) ([]byte, error) {
	if f.flags&flagPadded == 0 {
		return f.payload, nil
	}
	if len(f.payload) == 0 || int(f.payload[0]) >= len(f.payload) {
		return nil, io.ErrUnexpectedEOF
	}
	return f.payload[1 : len(f.payload)-int(f.payload[0])], nil
}

// encoder is grpc-go's: everything goes into the dynamic table.
type encoder struct {
	*hpack.Encoder
	block bytes.Buffer
}

func newEncoder() *encoder {
	e := &encoder{}
	e.Encoder = hpack.NewEncoder(&e.block)
	return e
}

// encode returns the block of some fields, valid until the next call.
func (e *encoder) encode(fields []hpack.HeaderField) []byte {
	e.block.Reset()
	for _, field := range fields {
		e.WriteField(field)
	}
	return e.block.Bytes()
}

// pattern is what bodies are made of: a gRPC message of n bytes whose content tells the offset, so that lost and swapped bytes are seen.
func pattern(n int) []byte {
	body := make([]byte, 5+n)
	binary.BigEndian.PutUint32(body[1:], uint32(n))
	for i := range n {
		body[5+i] = byte(i*31 + i>>8)
	}
	return body
}

// fits says whether a piece of a body is what pattern has at the offset, by its length and its borders.
func fits(want []byte, offset int, piece []byte) bool {
	if offset+len(piece) > len(want) {
		return false
	}
	last := len(piece) - 1
	return last < 0 || (piece[0] == want[offset] && piece[last] == want[offset+last])
}
