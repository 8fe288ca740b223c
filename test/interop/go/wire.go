package main

import (
	"io"
	"sync"

	"github.com/golang/snappy"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
)

func init() {
	encoding.RegisterCodecV2(bytesOrProto{encoding.GetCodecV2(proto.Name)})
	encoding.RegisterCompressor(&framedSnappy{})
}

// bytesOrProto takes *[]byte as it is and leaves the rest to the codec it stands for, so content-type stays plain application/grpc.
type bytesOrProto struct{ encoding.CodecV2 }

func (c bytesOrProto) Marshal(v any) (mem.BufferSlice, error) {
	if body, ok := v.(*[]byte); ok {
		return mem.BufferSlice{mem.SliceBuffer(*body)}, nil
	}
	return c.CodecV2.Marshal(v)
}

func (c bytesOrProto) Unmarshal(data mem.BufferSlice, v any) error {
	if body, ok := v.(*[]byte); ok {
		*body = data.Materialize()
		return nil
	}
	return c.CodecV2.Unmarshal(data, v)
}

// framedSnappy is what dskit calls "snappy": the framing format, not the block format.
type framedSnappy struct{ writers, readers sync.Pool }

func (*framedSnappy) Name() string { return "snappy" }

func (s *framedSnappy) Compress(w io.Writer) (io.WriteCloser, error) {
	writer, ok := s.writers.Get().(*snappy.Writer)
	if ok {
		writer.Reset(w)
	} else {
		writer = snappy.NewBufferedWriter(w)
	}
	return &pooledWriter{writer, &s.writers}, nil
}

func (s *framedSnappy) Decompress(r io.Reader) (io.Reader, error) {
	reader, ok := s.readers.Get().(*snappy.Reader)
	if ok {
		reader.Reset(r)
	} else {
		reader = snappy.NewReader(r)
	}
	return &pooledReader{reader, &s.readers}, nil
}

type pooledWriter struct {
	*snappy.Writer
	pool *sync.Pool
}

func (w *pooledWriter) Close() error {
	defer w.pool.Put(w.Writer)
	return w.Writer.Close()
}

type pooledReader struct {
	*snappy.Reader
	pool *sync.Pool
}

// Close is called once by grpc-go when the message is read.
func (r *pooledReader) Close() error {
	r.pool.Put(r.Reader)
	return nil
}
