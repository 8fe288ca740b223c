/** RFC 7541 §5.1: `pattern` holds the bits above the prefix. Returns where the integer ends. */
export function writeInteger(target: Buffer, at: number, pattern: number, prefixBits: number, value: number): number {
  const mask = (1 << prefixBits) - 1;
  if (value < mask) {
    target[at] = pattern | value;
    return at + 1;
  }
  target[at] = pattern | mask;
  let rest = value - mask;
  let end = at + 1;
  while (rest >= 0x80) {
    target[end] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
    end += 1;
  }
  target[end] = rest;
  return end + 1;
}

/** Latin-1 octets of `text`. Returns where they end. */
export function writeText(target: Buffer, at: number, text: string): number {
  if (text.length > 24) return at + target.write(text, at, 'latin1');
  for (let index = 0; index < text.length; index += 1) target[at + index] = text.charCodeAt(index);
  return at + text.length;
}
