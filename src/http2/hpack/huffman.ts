// RFC 7541 §5.2 and Appendix B. The code is canonical: the bit lengths alone give every code, so only they are kept.

/** Bit length of each symbol's code in base 36, symbols 0 to 255 and EOS. */
const LENGTHS =
  'dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6cad67777777777777777777777878djde6f56565666577666567655677777fbeds' +
  'kmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmnqqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrqu';
const EOS = 256;

const codeLengths = Uint8Array.from(LENGTHS, (digit) => Number.parseInt(digit, 36));
const codes = assignCodes(codeLengths);

function assignCodes(lengths: Uint8Array): Uint32Array {
  const symbols = Array.from(lengths.keys()).sort((a, b) => lengths[a]! - lengths[b]! || a - b);
  const result = new Uint32Array(lengths.length);
  let code = 0;
  let previous = lengths[symbols[0]!]!;
  for (const symbol of symbols) {
    code <<= lengths[symbol]! - previous;
    previous = lengths[symbol]!;
    result[symbol] = code;
    code += 1;
  }
  return result;
}

// One step of the decoder takes four bits: transition[state << 4 | nibble] = next state | EMITS | symbol << 8, or FAILS. No code is
// shorter than five bits, so a step emits at most one symbol.
const EMITS = 0x1_0000;
const FAILS = 0x2_0000;
const { transitions, mayEnd } = buildMachine();

interface Machine {
  readonly transitions: Int32Array;
  /** 1 for a state in which the input may end: less than eight bits of padding, all ones. */
  readonly mayEnd: Uint8Array;
}

function buildMachine(): Machine {
  const tree = buildTree();
  const states = tree.length / 2;
  const result = new Int32Array(states * 16);
  for (let state = 0; state < states; state += 1) {
    for (let nibble = 0; nibble < 16; nibble += 1) result[(state << 4) | nibble] = step(tree, state, nibble);
  }
  const ends = new Uint8Array(states);
  for (let depth = 0, state = 0; depth < 8; depth += 1) {
    ends[state] = 1;
    state = tree[state * 2 + 1]!;
  }
  return { transitions: result, mayEnd: ends };
}

/** Children of node n at 2n and 2n + 1: a node number, or -1 - symbol for a leaf. Node 0 is the root. */
function buildTree(): number[] {
  const tree: number[] = [0, 0];
  for (let symbol = 0; symbol <= EOS; symbol += 1) {
    let node = 0;
    for (let bit = codeLengths[symbol]! - 1; bit > 0; bit -= 1) {
      const side = node * 2 + ((codes[symbol]! >>> bit) & 1);
      if (tree[side] === 0) tree[side] = tree.push(0, 0) / 2 - 1;
      node = tree[side]!;
    }
    tree[node * 2 + (codes[symbol]! & 1)] = -1 - symbol;
  }
  return tree;
}

function step(tree: readonly number[], from: number, nibble: number): number {
  let node = from;
  let emitted = 0;
  for (let bit = 3; bit >= 0; bit -= 1) {
    const child = tree[node * 2 + ((nibble >> bit) & 1)]!;
    if (child >= 0) node = child;
    else if (-1 - child === EOS) return FAILS;
    else {
      emitted = EMITS | ((-1 - child) << 8);
      node = 0;
    }
  }
  return node | emitted;
}

/** Octets that RFC 9110 §5.5 keeps out of a field value: controls but for tab, and DEL. 1 = refused. */
export const refusedInValue: Uint8Array = Uint8Array.from({ length: 256 }, (_, octet) =>
  (octet < 0x20 && octet !== 0x09) || octet === 0x7f ? 1 : 0,
);

/**
 * Looks over Huffman-coded octets without building the text: -1 when they are not valid (EOS inside, wrong padding: RFC 7541 §5.2),
 * else twice the decoded length, plus one when an octet is in it that no field value may have.
 */
export function scanHuffman(bytes: Uint8Array, start: number, end: number): number {
  let state = 0;
  let length = 0;
  let refused = 0;
  for (let at = start; at < end; at += 1) {
    const octet = bytes[at]!;
    let next = transitions[(state << 4) | (octet >> 4)]!;
    if (next > 0xffff) {
      if (next >= FAILS) return -1;
      length += 1;
      refused |= refusedInValue[(next >> 8) & 0xff]!;
    }
    next = transitions[((next & 0xff) << 4) | (octet & 15)]!;
    if (next > 0xffff) {
      if (next >= FAILS) return -1;
      length += 1;
      refused |= refusedInValue[(next >> 8) & 0xff]!;
    }
    state = next & 0xff;
  }
  return mayEnd[state] === 1 ? length * 2 + refused : -1;
}

let scratch = Buffer.allocUnsafeSlow(1024);

/** The text (latin-1) of octets that `scanHuffman` found valid. */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number): string {
  const bound = ((end - start) * 8) / 5;
  if (bound > scratch.length) scratch = Buffer.allocUnsafeSlow(Math.ceil(bound) * 2);
  let state = 0;
  let length = 0;
  for (let at = start; at < end; at += 1) {
    const octet = bytes[at]!;
    let next = transitions[(state << 4) | (octet >> 4)]!;
    if (next > 0xffff) {
      scratch[length] = (next >> 8) & 0xff;
      length += 1;
    }
    next = transitions[((next & 0xff) << 4) | (octet & 15)]!;
    if (next > 0xffff) {
      scratch[length] = (next >> 8) & 0xff;
      length += 1;
    }
    state = next & 0xff;
  }
  return scratch.toString('latin1', 0, length);
}

/** Octets that `text` (latin-1) takes when Huffman-coded. */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let index = 0; index < text.length; index += 1) bits += codeLengths[text.charCodeAt(index) & 0xff]!;
  return (bits + 7) >>> 3;
}

/** `text` (latin-1), Huffman-coded. */
export function encodeHuffman(text: string): Buffer {
  const result = Buffer.allocUnsafeSlow(huffmanLength(text));
  let at = 0;
  // At most 7 + 30 bits wait: more than 32-bit shifts hold, so the accumulator is a double and is taken apart by division.
  let waiting = 0;
  let bits = 0;
  for (let index = 0; index < text.length; index += 1) {
    const symbol = text.charCodeAt(index) & 0xff;
    waiting = waiting * 2 ** codeLengths[symbol]! + codes[symbol]!;
    bits += codeLengths[symbol]!;
    while (bits >= 8) {
      const unit = 2 ** (bits - 8);
      result[at] = Math.floor(waiting / unit);
      waiting %= unit;
      bits -= 8;
      at += 1;
    }
  }
  if (bits > 0) result[at] = (waiting << (8 - bits)) | (0xff >> bits);
  return result;
}
