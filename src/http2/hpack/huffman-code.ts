// RFC 7541 Appendix B: the code, and the machine that decodes it. The code is canonical: the bit lengths alone give every code, so only
// they are kept. Nothing here depends on anything: the bundle holds what comes of it (tools/bundle/worked-out.mjs), a start does not
// work it out.

/** Bit length of each symbol's code in base 36, symbols 0 to 255 and EOS. */
const LENGTHS =
  'dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6cad67777777777777777777777878djde6f56565666577666567655677777fbeds' +
  'kmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmnqqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrqu';
const EOS = 256;

/** Bits of each symbol’s code, symbols 0 to 255 and EOS. */
export const codeLengths: Uint8Array = Uint8Array.from(LENGTHS, (digit) => Number.parseInt(digit, 36));
/** Each symbol’s code, right-aligned. */
export const codes: Uint32Array = assignCodes(codeLengths);

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

const EMITS = 0x1_0000;
/** Set in the transition of an input that is no code. */
export const FAILS = 0x2_0000;
const tree = buildTree();

/**
 * One step of the decoder takes four bits: transitions[state << 4 | nibble] = next state | 0x10000 | symbol << 8 when one is complete,
 * else the next state alone, or FAILS. No code is shorter than five bits, so a step emits at most one symbol.
 */
export const transitions: Int32Array = buildTransitions();

/** 1 for a state in which the input may end: less than eight bits of padding, all ones. */
export const mayEnd: Uint8Array = buildEnds();

function buildTransitions(): Int32Array {
  const states = tree.length / 2;
  const result = new Int32Array(states * 16);
  for (let state = 0; state < states; state += 1) {
    for (let nibble = 0; nibble < 16; nibble += 1) result[(state << 4) | nibble] = step(state, nibble);
  }
  return result;
}

function buildEnds(): Uint8Array {
  const ends = new Uint8Array(tree.length / 2);
  for (let depth = 0, state = 0; depth < 8; depth += 1) {
    ends[state] = 1;
    state = tree[state * 2 + 1]!;
  }
  return ends;
}

/** Children of node n at 2n and 2n + 1: a node number, or -1 - symbol for a leaf. Node 0 is the root. */
function buildTree(): number[] {
  const nodes: number[] = [0, 0];
  for (let symbol = 0; symbol <= EOS; symbol += 1) {
    let node = 0;
    for (let bit = codeLengths[symbol]! - 1; bit > 0; bit -= 1) {
      const side = node * 2 + ((codes[symbol]! >>> bit) & 1);
      if (nodes[side] === 0) nodes[side] = nodes.push(0, 0) / 2 - 1;
      node = nodes[side]!;
    }
    nodes[node * 2 + (codes[symbol]! & 1)] = -1 - symbol;
  }
  return nodes;
}

function step(from: number, nibble: number): number {
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
