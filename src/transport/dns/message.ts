// One question as a DNS message, and what a message says about it (RFC 1035 §4, RFC 6891). Pure. Messages come from the network: what
// does not fit is a reply of its own kind, never a throw.
import { isIP } from 'node:net';
import { type Answer, type DecodedPacket, decode, encode, RECURSION_DESIRED, type SoaAnswer, type SrvAnswer } from 'dns-packet';
import ipaddr from 'ipaddr.js';
import { messageOf } from '../../core/index.ts';

/** Records that can be asked for. */
export type RecordKind = 'A' | 'AAAA' | 'SRV';

/** What is asked: a whole name, without a dot at its end. */
export interface Question {
  readonly name: string;
  readonly kind: RecordKind;
}

/** One SRV record (RFC 2782). */
export interface ServiceTarget {
  /** A whole name, lower case, without a dot at its end. */
  readonly target: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
  /** Literal addresses. */
  readonly addresses: readonly string[];
}

/** What a server answered. */
export type Reply =
  | {
      readonly kind: 'found';
      /** Of A and AAAA: literal, in RFC 5952's form, each once. */
      readonly addresses: readonly string[];
      /** Of SRV, with the addresses that the server sent along; often none. */
      readonly targets: readonly ServiceTarget[];
      readonly ttlMs: number;
    }
  /** `ttlMs` null: the server does not say for how long. */
  | { readonly kind: 'no-such-name' | 'no-records'; readonly ttlMs: number | null }
  /** The answer is too long for UDP. */
  | { readonly kind: 'truncated' }
  /** SERVFAIL, REFUSED and the like. */
  | { readonly kind: 'refused'; readonly rcode: string }
  | { readonly kind: 'malformed'; readonly what: string };

/** Octets over UDP that pass everywhere unfragmented (https://www.dnsflagday.net/2020/). */
const UDP_PAYLOAD_BYTES = 1232;
/** Longer chains than this are loops or malice. */
const MAX_ALIASES = 16;
const RCODES: readonly string[] = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];

/** The message that asks. Without `extended` it is plain RFC 1035, for servers that answer FORMERR to more. */
export function encodeQuestion({ name, kind }: Question, id: number, extended: boolean): Buffer {
  const opt = {
    type: 'OPT',
    name: '.',
    udpPayloadSize: UDP_PAYLOAD_BYTES,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  } as const;
  return encode({
    type: 'query',
    id,
    flags: RECURSION_DESIRED,
    questions: [{ name, type: kind }],
    additionals: extended ? [{ ...opt, options: [] }] : [],
  });
}

/** What `bytes` say to the question that was asked with `id`; null when they answer something else, or nothing. */
export function readReply(bytes: Buffer, question: Question, id: number): Reply | null {
  if (bytes.length < 12 || bytes.readUInt16BE(0) !== id || !(bytes.readUInt8(2) & 0x80)) return null;
  let packet: DecodedPacket;
  try {
    packet = decode(bytes);
  } catch (error) {
    return { kind: 'malformed', what: messageOf(error) };
  }
  const rcode = rcodeOf(packet);
  if (!isAbout(packet, question, rcode)) return null;
  if (packet.flag_tc) return { kind: 'truncated' };
  if (rcode !== 'NOERROR' && rcode !== 'NXDOMAIN') return { kind: 'refused', rcode };
  try {
    return answerOf(packet, question, rcode);
  } catch (error) {
    return { kind: 'malformed', what: messageOf(error) };
  }
}

/** The four bits of the header with the eight of EDNS before them (RFC 6891 §6.1.3). */
function rcodeOf({ flags = 0, additionals = [] }: DecodedPacket): string {
  const [opt] = additionals.filter((record) => record.type === 'OPT');
  const code = (opt?.extendedRcode ?? 0) * 16 + (flags & 0xf);
  return RCODES[code] ?? `RCODE ${code}`;
}

/** A server that refuses may leave the question out. */
function isAbout({ questions = [] }: DecodedPacket, { name, kind }: Question, rcode: string): boolean {
  const [asked, ...more] = questions;
  if (asked === undefined) return rcode !== 'NOERROR' && rcode !== 'NXDOMAIN';
  return more.length === 0 && asked.type === kind && sameName(asked.name) === sameName(name);
}

function answerOf(packet: DecodedPacket, question: Question, rcode: 'NOERROR' | 'NXDOMAIN'): Reply {
  const answers = (packet.answers ?? []).filter(isOfInternet);
  const alias = followAliases(sameName(question.name), answers);
  const records = answers.filter((record) => record.type === question.kind && sameName(record.name) === alias.name);
  if (rcode === 'NXDOMAIN' || records.length === 0) {
    const kind = rcode === 'NXDOMAIN' ? 'no-such-name' : 'no-records';
    return { kind, ttlMs: negativeTtlMs(packet.authorities ?? []) };
  }
  const ttlMs = Math.min(alias.ttlMs, ...records.map(ttlMsOf));
  if (question.kind !== 'SRV') return { kind: 'found', addresses: addressesOf(records), targets: [], ttlMs };
  const targets = targetsOf(
    records.filter((record) => record.type === 'SRV'),
    (packet.additionals ?? []).filter(isOfInternet),
  );
  return targets.length === 0 ? { kind: 'no-records', ttlMs } : { kind: 'found', addresses: [], targets, ttlMs };
}

function isOfInternet(record: Answer): boolean {
  return record.type !== 'OPT' && record.class === 'IN';
}

/** Where the CNAMEs in the answer lead. */
function followAliases(name: string, answers: readonly Answer[]): { readonly name: string; readonly ttlMs: number } {
  const aliases = new Map(answers.flatMap((record) => (record.type === 'CNAME' ? [[sameName(record.name), record]] : [])));
  let at = { name, ttlMs: Number.POSITIVE_INFINITY };
  for (let i = 0; i <= MAX_ALIASES; i += 1) {
    const alias = aliases.get(at.name);
    if (alias === undefined) return at;
    at = { name: sameName(alias.data), ttlMs: Math.min(at.ttlMs, ttlMsOf(alias)) };
  }
  throw new Error(`more than ${MAX_ALIASES} CNAMEs in a row`);
}

/** The codec reads what is too short for an address as one with holes in it. */
function addressesOf(records: readonly Answer[]): readonly string[] {
  const texts = records.flatMap((record) => (record.type === 'A' || record.type === 'AAAA' ? [record.data] : []));
  const wrong = texts.find((text) => isIP(text) === 0);
  if (wrong !== undefined) throw new Error('an address record without an address');
  return [...new Set(texts.map((text) => (isIP(text) === 4 ? text : ipaddr.IPv6.parse(text).toRFC5952String())))];
}

/** The root as a target says that there is no such service (RFC 2782). */
function targetsOf(records: readonly SrvAnswer[], along: readonly Answer[]): readonly ServiceTarget[] {
  const addresses = Map.groupBy(along, (record) => sameName(record.name));
  return records
    .map(({ data: { target, port, priority = 0, weight = 0 } }) => ({ target: sameName(target), port, priority, weight }))
    .filter(({ target }) => target !== '')
    .map((record) => ({ ...record, addresses: addressesOf(addresses.get(record.target) ?? []) }));
}

/** RFC 2308 §5: the lesser of the SOA's own TTL and its MINIMUM. */
function negativeTtlMs(authorities: readonly Answer[]): number | null {
  const [soa] = authorities.filter((record): record is SoaAnswer => record.type === 'SOA');
  return soa === undefined ? null : Math.min(ttlMsOf(soa), (soa.data.minimum ?? 0) * 1000);
}

/** RFC 2181 §8: a TTL with its highest bit set is 0. */
function ttlMsOf(record: Answer): number {
  const ttl = ('ttl' in record ? record.ttl : undefined) ?? 0;
  return ttl >= 2 ** 31 ? 0 : ttl * 1000;
}

/** Names are compared without regard to case (RFC 1035 §2.3.3). */
function sameName(name: string): string {
  return name.replace(/\.$/, '').toLowerCase();
}
