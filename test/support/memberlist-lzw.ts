// The other half of src/membership/sources/gossip/wire/lzw.ts, as Go's compress/lzw does it with LSB order and 8-bit literals.

const CLEAR = 256;
const END = 257;
const LAST_CODE = 4095;

export function encodeLzw(bytes: Uint8Array): Uint8Array {
  const codes = new CodeWriter();
  let table = new Map<number, number>();
  let bits = 9;
  let highest = END;
  codes.write(CLEAR, bits);
  /** After each code: whether the table was full, so that it begins anew. */
  const grow = (): boolean => {
    highest += 1;
    if (highest === 1 << bits) bits += 1;
    if (highest < LAST_CODE) return false;
    codes.write(CLEAR, bits);
    table = new Map();
    bits = 9;
    highest = END;
    return true;
  };
  let piece = -1;
  for (const byte of bytes) {
    const key = piece * 256 + byte;
    const known = piece < 0 ? byte : table.get(key);
    if (known !== undefined) {
      piece = known;
      continue;
    }
    codes.write(piece, bits);
    if (!grow()) table.set(key, highest);
    piece = byte;
  }
  if (piece >= 0) {
    codes.write(piece, bits);
    grow();
  }
  codes.write(END, bits);
  return codes.finish();
}

class CodeWriter {
  readonly #bytes: number[] = [];
  #held = 0;
  #heldBits = 0;

  write(code: number, bits: number): void {
    this.#held |= code << this.#heldBits;
    this.#heldBits += bits;
    for (; this.#heldBits >= 8; this.#heldBits -= 8) {
      this.#bytes.push(this.#held & 0xff);
      this.#held >>>= 8;
    }
  }

  finish(): Uint8Array {
    return Uint8Array.from(this.#heldBits > 0 ? [...this.#bytes, this.#held & 0xff] : this.#bytes);
  }
}
