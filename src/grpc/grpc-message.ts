/** Octets that stand for themselves: printable ASCII but for '%'. */
const isPlain = (octet: number): boolean => octet >= 0x20 && octet <= 0x7e && octet !== 0x25;

/** The value of a grpc-message field: UTF-8, percent-encoded (grpc/grpc doc/PROTOCOL-HTTP2.md). */
export function encodeGrpcMessage(text: string): string {
  if (/^[ -$&-~]*$/.test(text)) return text;
  let encoded = '';
  for (const octet of Buffer.from(text)) {
    encoded += isPlain(octet) ? String.fromCharCode(octet) : `%${octet.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}

/** The text of a grpc-message field. What is not percent-encoded rightly is kept as it is, what is no UTF-8 becomes U+FFFD. */
export function decodeGrpcMessage(value: string): string {
  if (!value.includes('%')) return value;
  const octets: number[] = [];
  for (let at = 0; at < value.length; at += 1) {
    const pair = value.charCodeAt(at) === 0x25 ? /^[0-9a-fA-F]{2}$/.exec(value.slice(at + 1, at + 3)) : null;
    if (pair === null) octets.push(value.charCodeAt(at));
    else {
      octets.push(Number.parseInt(pair[0], 16));
      at += 2;
    }
  }
  return Buffer.from(octets).toString('utf8');
}
