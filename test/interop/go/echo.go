package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// echo makes a unary call and compares everything that comes back of an answer. The error is the call's own.
func (r *report) echo(ctx context.Context, conn *grpc.ClientConn, method string, wanted ask, request []byte, extra metadata.MD) error {
	var headers, trailers metadata.MD
	response := []byte{}
	sent := metadata.Join(wanted.metadata(), extra)
	deadline, _ := ctx.Deadline()
	timeout := time.Until(deadline)
	err := conn.Invoke(metadata.NewOutgoingContext(ctx, sent), method, &request, &response, grpc.Header(&headers), grpc.Trailer(&trailers))
	r.ended(err)
	if err != nil {
		return err
	}
	expected := request
	if wanted.Answer != nil {
		expected = wanted.Answer.bytes()
	}
	if !bytes.Equal(response, expected) {
		r.bad(wanted.ID, "the answer of %d bytes is not the %d bytes expected", len(response), len(expected))
	}
	digest := sha256.Sum256(request)
	if got := trailers.Get(digestKey); !slices.Equal(got, []string{string(digest[:])}) {
		r.bad(wanted.ID, "the server read another request: %x", got)
	}
	r.checkEchoed(wanted.ID, extra, headers, trailers)
	r.checkTimeout(wanted.ID, timeout, headers)
	r.whole(len(request) + len(response))
	return nil
}

// checkEchoed compares metadata that the server sends back: all of it, nothing more, and repeated values in order.
func (r *report) checkEchoed(id string, sent, headers, trailers metadata.MD) {
	for key, values := range sent {
		came := headers
		if strings.HasPrefix(key, echoTrailer) {
			came = trailers
		}
		if !slices.Equal(values, came[key]) {
			r.bad(id, "metadata %q: sent %q, came back %q", key, values, came[key])
		}
	}
	for _, came := range []metadata.MD{headers, trailers} {
		for key := range came {
			isEchoed := strings.HasPrefix(key, echoHeader) || strings.HasPrefix(key, echoTrailer)
			if isEchoed && sent[key] == nil {
				r.bad(id, "metadata %q was not sent", key)
			}
		}
	}
}

// checkTimeout sees that the server had a deadline, and no later one than ours.
func (r *report) checkTimeout(id string, timeout time.Duration, headers metadata.MD) {
	left, err := strconv.ParseInt(strings.Join(headers.Get(timeoutKey), ","), 10, 64)
	if err != nil || left <= 0 || left > timeout.Milliseconds() {
		r.bad(id, "the server had %q of %v left", headers.Get(timeoutKey), timeout)
	}
}

// someBody is small, or up to 64 KiB, or up to 300 KB.
func someBody(random *rand.Rand) body {
	limit := 1 << 10
	switch random.IntN(10) {
	case 0:
		limit = 300_000
	case 1, 2, 3:
		limit = 64 << 10
	}
	return body{Seed: random.Uint64(), Size: random.IntN(limit + 1), Plain: random.IntN(3) == 0}
}

// someMetadata has keys that the server sends back: text and binary ones, some repeated, some empty, now and then a long one.
func someMetadata(random *rand.Rand) metadata.MD {
	made := metadata.MD{}
	for range random.IntN(8) {
		prefix := []string{echoHeader, echoTrailer}[random.IntN(2)]
		key := prefix + someText(random, 1+random.IntN(20), "abcdefghijklmnopqrstuvwxyz0123456789_.-")
		isBinary := random.IntN(2) == 0
		if isBinary {
			key += "-bin"
		}
		for range 1 + random.IntN(3) {
			made.Append(key, someValue(random, isBinary))
		}
	}
	return made
}

func someValue(random *rand.Rand, isBinary bool) string {
	size := random.IntN(100)
	if random.IntN(50) == 0 {
		size = 4_000
	}
	if isBinary {
		return string(body{Seed: random.Uint64(), Size: size}.bytes())
	}
	printable := make([]byte, 0, 95)
	for c := byte(' '); c <= '~'; c++ {
		printable = append(printable, c)
	}
	return strings.Trim(someText(random, size, string(printable)), " ")
}

func someText[S string | []rune](random *rand.Rand, size int, alphabet S) string {
	letters := []rune(string(alphabet))
	made := make([]rune, size)
	for i := range made {
		made[i] = letters[random.IntN(len(letters))]
	}
	return string(made)
}
