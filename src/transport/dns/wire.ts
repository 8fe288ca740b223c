// DNS messages (RFC 1035 §4, RFC 3596, RFC 2782, RFC 6891). Read by hand: dns-packet follows chains of pointers without limit (0.4 s for
// one message) and gives up a whole answer for a record of a kind that nobody asked for; these octets come from the network.
import ipaddr from 'ipaddr.js';

/** Type numbers (RFC 1035 §3.2.2, RFC 3596 §2.1, RFC 2782). */
export const TYPES = { A: 1, CNAME: 5, SOA: 6, AAAA: 28, SRV: 33, OPT: 41 } as const;
const INTERNET = 1;
/** A name on the wire, its length octets included (RFC 1035 §2.3.4). */
const MAX_NAME_OCTETS = 255;
/** No honest name has more: each but the first pointer stands after a label. */
const MAX_POINTERS = 128;

/** A record of a kind that is understood, of the class IN. Names are lower case, without a dot at the end; '' is the root. */
export type DnsRecord = { readonly name: string; readonly ttlSeconds: number } & (
  | { readonly type: 'A' | 'AAAA'; readonly address: string }
  | { readonly type: 'CNAME'; readonly target: string }
  | { readonly type: 'SRV'; readonly target: string; readonly port: number; readonly priority: number; readonly weight: number }
  /** `minimumSeconds`: how long a negative answer may be kept (RFC 2308 §4). */
  | { readonly type: 'SOA'; readonly minimumSeconds: number }
);

export interface DnsMessage {
  /** Null when there is none. */
  readonly question: { readonly name: string; readonly type: number } | null;
  /** With the eight bits of EDNS before the four of the header (RFC 6891 §6.1.3). */
  readonly rcode: number;
  readonly answers: readonly DnsRecord[];
  readonly authorities: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
}

/** The message that asks. `payloadBytes`: how long an answer over UDP may be; null asks as before EDNS. `name` has no dot at its end. */
export function encodeMessage(
  { name, type }: { readonly name: string; readonly type: number },
  id: number,
  payloadBytes: number | null,
): Buffer {
  const labels = name.split('.').flatMap((label) => [Buffer.from([label.length]), Buffer.from(label, 'latin1')]);
  const recursionDesired = 0x0100;
  const header = octets16(id, recursionDesired, 1, 0, 0, payloadBytes === null ? 0 : 1);
  const opt = payloadBytes === null ? [] : [Buffer.of(0), octets16(TYPES.OPT, payloadBytes, 0, 0, 0)];
  return Buffer.concat([header, ...labels, Buffer.of(0), octets16(type, INTERNET), ...opt]);
}

function octets16(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length);
  values.forEach((value, i) => {
    bytes.writeUInt16BE(value, 2 * i);
  });
  return bytes;
}

/** Whether the octets are a response to the message with this id; nothing else of them is looked at. */
export function isResponseTo(bytes: Buffer, id: number): boolean {
  return bytes.length >= 12 && bytes.readUInt16BE(0) === id && (bytes.readUInt8(2) & 0x80) !== 0;
}

/** Whether a response was cut off (TC). What is left of it may end anywhere: it is not to be decoded. */
export function isTruncated(response: Buffer): boolean {
  return (response.readUInt8(2) & 0x02) !== 0;
}

/** Throws an Error of a few words at octets that are no message. What stands after the last record does not matter. */
export function decodeMessage(bytes: Buffer): DnsMessage {
  const reader = new WireReader(bytes);
  reader.uint16();
  const [flags, questions] = [reader.uint16(), reader.uint16()];
  const [answers, authorities, additionals] = [reader.uint16(), reader.uint16(), reader.uint16()];
  if (questions > 1) throw new Error(`${questions} questions`);
  const question = questions === 0 ? null : { name: reader.name(), type: reader.uint16() };
  if (question !== null) reader.uint16();
  let extendedRcode = 0;
  const section = (count: number): readonly DnsRecord[] => {
    const records: DnsRecord[] = [];
    for (let i = 0; i < count; i += 1) {
      const record = readRecord(reader);
      if (record?.type === 'OPT') extendedRcode = record.extendedRcode;
      else if (record !== null) records.push(record);
    }
    return records;
  };
  const sections = { answers: section(answers), authorities: section(authorities), additionals: section(additionals) };
  return { question, rcode: extendedRcode * 16 + (flags & 0xf), ...sections };
}

/** Null for kinds that nobody asks for. */
function readRecord(reader: WireReader): DnsRecord | { readonly type: 'OPT'; readonly extendedRcode: number } | null {
  const name = reader.name();
  const [type, dnsClass, ttl, length] = [reader.uint16(), reader.uint16(), reader.uint32(), reader.uint16()];
  const data = reader.part(length);
  if (type === TYPES.OPT) return { type: 'OPT', extendedRcode: ttl >>> 24 };
  // RFC 2181 §8: a TTL with its highest bit set is 0.
  const head = { name, ttlSeconds: ttl >= 2 ** 31 ? 0 : ttl };
  return dnsClass === INTERNET ? readData(type, head, data) : null;
}

function readData(type: number, head: { readonly name: string; readonly ttlSeconds: number }, data: WireReader): DnsRecord | null {
  switch (type) {
    case TYPES.A:
      return { ...head, type: 'A', address: data.address(4) };
    case TYPES.AAAA:
      return { ...head, type: 'AAAA', address: data.address(16) };
    case TYPES.CNAME:
      return { ...head, type: 'CNAME', target: data.name() };
    case TYPES.SRV: {
      const [priority, weight, port] = [data.uint16(), data.uint16(), data.uint16()];
      return { ...head, type: 'SRV', priority, weight, port, target: data.name() };
    }
    case TYPES.SOA: {
      for (const _of of ['mname', 'rname']) data.name();
      for (const _of of ['serial', 'refresh', 'retry', 'expire']) data.uint32();
      return { ...head, type: 'SOA', minimumSeconds: data.uint32() };
    }
    default:
      return null;
  }
}

/** A name as far as it has been read: its octets are those it has without pointers. */
interface Name {
  readonly text: string;
  readonly octets: number;
  /** Where what comes after it begins. */
  readonly end: number;
}

/** Reads on from where it is; never behind `end`, but for the names that pointers lead to. */
class WireReader {
  readonly #bytes: Buffer;
  readonly #end: number;
  /** Names that pointers led to, by place: each record of a long answer begins with the same. */
  readonly #names: Map<number, Name>;
  #at: number;

  constructor(bytes: Buffer, at = 0, end = bytes.length, names = new Map<number, Name>()) {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
    this.#names = names;
  }

  uint16(): number {
    return this.#bytes.readUInt16BE(this.#take(2));
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#take(4));
  }

  /** The next `length` octets, to be read by themselves. */
  part(length: number): WireReader {
    const at = this.#take(length);
    return new WireReader(this.#bytes, at, at + length, this.#names);
  }

  /** All that is left, which must be an address of this many octets. IPv6 in RFC 5952's form. */
  address(octets: 4 | 16): string {
    const bytes = [...this.#bytes.subarray(this.#at, this.#end)];
    if (bytes.length !== octets) throw new Error(`an address of ${bytes.length} octets, not ${octets}`);
    return octets === 4 ? bytes.join('.') : new ipaddr.IPv6(bytes).toRFC5952String();
  }

  /** A name, which may go on before what is read here. */
  name(): string {
    const { text, end } = this.#nameAt(this.#at, 0);
    this.#take(end - this.#at);
    return text;
  }

  /** A pointer leads to an earlier place only, so that every name ends. */
  #nameAt(start: number, pointers: number): Name {
    const labels: string[] = [];
    let [at, octets] = [start, 1];
    for (let octet = this.#octet(at); octet !== 0; octet = this.#octet(at)) {
      if (octet >= 0xc0) {
        const target = (octet & 0x3f) * 256 + this.#octet(at + 1);
        if (target >= start || pointers === MAX_POINTERS) throw new Error('a name that points at itself, or too often');
        const rest = this.#names.get(target) ?? this.#nameAt(target, pointers + 1);
        this.#names.set(target, rest);
        return nameOf([...labels, ...(rest.text === '' ? [] : [rest.text])], octets + rest.octets - 1, at + 2);
      }
      octets += octet + 1;
      if (octet > 63 || octets > MAX_NAME_OCTETS) throw new Error('a name that is too long');
      labels.push(labelOf(this.#bytes.subarray(at + 1, at + 1 + octet)));
      at += 1 + octet;
    }
    return nameOf(labels, octets, at + 1);
  }

  #octet(at: number): number {
    const octet = this.#bytes[at];
    if (octet === undefined) throw new Error('ends within a name');
    return octet;
  }

  #take(length: number): number {
    const at = this.#at;
    if (at + length > this.#end) throw new Error('ends within a record');
    this.#at += length;
    return at;
  }
}

function nameOf(labels: readonly string[], octets: number, end: number): Name {
  if (octets > MAX_NAME_OCTETS) throw new Error('a name that is too long');
  return { text: labels.join('.'), octets, end };
}

/** Compared without regard to case (RFC 1035 §2.3.3). What no host is named with is escaped (§5.1): a dot in a label parts no labels. */
function labelOf(octets: Buffer): string {
  return octets
    .toString('latin1')
    .replaceAll(/[^A-Za-z0-9_-]/g, (character) => `\\${character.charCodeAt(0).toString().padStart(3, '0')}`)
    .toLowerCase();
}
