const PLAIN = /^[A-Za-z0-9_-]$/;
/** Nearly every name; ten thousand are read at once (heartbeats.bench.ts). */
const ALL_PLAIN = /^[A-Za-z0-9_-]+$/;

/** Any name as one token of a NATS subject: what is not a letter, a digit, `_` or `-` becomes `=` and two hex digits a byte of UTF-8. */
export function encodeToken(name: string): string {
  if (ALL_PLAIN.test(name)) return name;
  let token = '';
  for (const byte of Buffer.from(name, 'utf8')) {
    const character = String.fromCharCode(byte);
    token += PLAIN.test(character) ? character : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return token;
}

/** The name of a token; null when it is not what encodeToken makes of any name. */
export function decodeToken(token: string): string | null {
  if (ALL_PLAIN.test(token)) return token;
  if (!/^(?:[A-Za-z0-9_-]|=[0-9A-F]{2})+$/.test(token)) return null;
  const bytes = token.replace(/=(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  const name = Buffer.from(bytes, 'latin1').toString('utf8');
  return encodeToken(name) === token ? name : null;
}
