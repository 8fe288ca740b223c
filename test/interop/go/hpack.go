package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"

	"golang.org/x/net/http2/hpack"
)

// hpackStep is one thing asked of the oracle; exactly one field besides Session is set.
type hpackStep struct {
	// Reset begins a session: an encoder and a decoder of their own.
	Reset bool
	// TableSize is the peer's SETTINGS_HEADER_TABLE_SIZE, for the encoder, and what the decoder allows.
	TableSize *uint32
	// Encode is a block to encode: hex of name and value, and whether it is never to be indexed.
	Encode []hpackField
	// Decode is a block in hex.
	Decode *string
	// Huffman is a text in hex; the answer is its code and the text that comes of it.
	Huffman *string
}

type hpackField struct {
	Name, Value string
	Sensitive   bool
}

type hpackAnswer struct {
	Block  string       `json:",omitempty"`
	Fields []hpackField `json:",omitempty"`
	Text   string       `json:",omitempty"`
	Error  string       `json:",omitempty"`
}

// runHpack is an HPACK oracle: a line of JSON for each line of JSON on stdin.
func runHpack([]string) error {
	var encoded bytes.Buffer
	encoder, decoder := hpack.NewEncoder(&encoded), hpack.NewDecoder(4096, nil)
	lines, answers := bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		step, answer := hpackStep{}, hpackAnswer{}
		if err := json.Unmarshal(lines.Bytes(), &step); err != nil {
			return err
		}
		switch {
		case step.Reset:
			encoder, decoder = hpack.NewEncoder(&encoded), hpack.NewDecoder(4096, nil)
		case step.TableSize != nil:
			encoder.SetMaxDynamicTableSize(*step.TableSize)
			decoder.SetAllowedMaxDynamicTableSize(*step.TableSize)
		case step.Decode != nil:
			answer = decodeBlock(decoder, unhex(*step.Decode))
		case step.Huffman != nil:
			code := hpack.AppendHuffmanString(nil, string(unhex(*step.Huffman)))
			text, err := hpack.HuffmanDecodeToString(code)
			answer = hpackAnswer{Block: hex.EncodeToString(code), Text: hex.EncodeToString([]byte(text)), Error: wordsOf(err)}
		default:
			encoded.Reset()
			for _, f := range step.Encode {
				field := hpack.HeaderField{Name: string(unhex(f.Name)), Value: string(unhex(f.Value)), Sensitive: f.Sensitive}
				if err := encoder.WriteField(field); err != nil {
					return err
				}
			}
			answer.Block = hex.EncodeToString(encoded.Bytes())
		}
		if err := answers.Encode(answer); err != nil {
			return err
		}
	}
	return lines.Err()
}

func decodeBlock(decoder *hpack.Decoder, block []byte) hpackAnswer {
	fields, err := decoder.DecodeFull(block)
	answer := hpackAnswer{Error: wordsOf(err)}
	for _, f := range fields {
		answer.Fields = append(answer.Fields, hpackField{hex.EncodeToString([]byte(f.Name)), hex.EncodeToString([]byte(f.Value)), f.Sensitive})
	}
	return answer
}

func unhex(text string) []byte {
	decoded, _ := hex.DecodeString(text)
	return decoded
}

func wordsOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
