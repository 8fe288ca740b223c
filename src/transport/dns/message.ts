// What a DNS message says to a question. Pure. Messages come from the network: what does not fit is a reply of its own kind, never a throw.
import { messageOf } from '../../core/index.ts';
import { type DnsMessage, type DnsRecord, decodeMessage, encodeMessage, isResponseTo, isTruncated, TYPES } from './wire.ts';

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
  return encodeMessage({ name, type: TYPES[kind] }, id, extended ? UDP_PAYLOAD_BYTES : null);
}

/** What `bytes` say to the question that was asked with `id`; null when they answer something else, or nothing. */
export function readReply(bytes: Buffer, question: Question, id: number): Reply | null {
  if (!isResponseTo(bytes, id)) return null;
  if (isTruncated(bytes)) return { kind: 'truncated' };
  try {
    const message = decodeMessage(bytes);
    const rcode = RCODES[message.rcode] ?? `RCODE ${message.rcode}`;
    const isAnswer = rcode === 'NOERROR' || rcode === 'NXDOMAIN';
    // A server that refuses may leave the question out.
    if (message.question === null ? isAnswer : !isAbout(message.question, question)) return null;
    return isAnswer ? answerOf(message, question, rcode) : { kind: 'refused', rcode };
  } catch (error) {
    return { kind: 'malformed', what: messageOf(error) };
  }
}

function isAbout(asked: { readonly name: string; readonly type: number }, { name, kind }: Question): boolean {
  return asked.type === TYPES[kind] && asked.name === name.toLowerCase();
}

function answerOf(message: DnsMessage, { name, kind }: Question, rcode: 'NOERROR' | 'NXDOMAIN'): Reply {
  const alias = followAliases(name.toLowerCase(), message.answers);
  const records = message.answers.filter((record) => record.type === kind && record.name === alias.name);
  if (rcode === 'NXDOMAIN' || records.length === 0)
    return { kind: rcode === 'NXDOMAIN' ? 'no-such-name' : 'no-records', ttlMs: negativeTtlMs(message.authorities) };
  const ttlMs = Math.min(alias.ttlSeconds, ...records.map(({ ttlSeconds }) => ttlSeconds)) * 1000;
  if (kind !== 'SRV') return { kind: 'found', addresses: addressesOf(records), targets: [], ttlMs };
  const targets = targetsOf(records, message.additionals);
  return targets.length === 0 ? { kind: 'no-records', ttlMs } : { kind: 'found', addresses: [], targets, ttlMs };
}

/** Where the CNAMEs in the answer lead. */
function followAliases(name: string, answers: readonly DnsRecord[]): Pick<DnsRecord, 'name' | 'ttlSeconds'> {
  const aliases = new Map(answers.flatMap((record) => (record.type === 'CNAME' ? [[record.name, record]] : [])));
  let at = { name, ttlSeconds: Number.POSITIVE_INFINITY };
  for (let i = 0; i <= MAX_ALIASES; i += 1) {
    const alias = aliases.get(at.name);
    if (alias === undefined) return at;
    at = { name: alias.target, ttlSeconds: Math.min(at.ttlSeconds, alias.ttlSeconds) };
  }
  throw new Error(`more than ${MAX_ALIASES} CNAMEs in a row`);
}

function addressesOf(records: readonly DnsRecord[]): readonly string[] {
  return [...new Set(records.flatMap((record) => (record.type === 'A' || record.type === 'AAAA' ? record.address : [])))];
}

/** The root as a target says that there is no such service (RFC 2782). */
function targetsOf(records: readonly DnsRecord[], along: readonly DnsRecord[]): readonly ServiceTarget[] {
  const byName = Map.groupBy(along, ({ name }) => name);
  return records.flatMap((record) => {
    if (record.type !== 'SRV' || record.target === '') return [];
    const { target, port, priority, weight } = record;
    return { target, port, priority, weight, addresses: addressesOf(byName.get(target) ?? []) };
  });
}

/** RFC 2308 §5: the lesser of the SOA's own TTL and its MINIMUM. */
function negativeTtlMs(authorities: readonly DnsRecord[]): number | null {
  const [soa] = authorities.flatMap((record) => (record.type === 'SOA' ? record : []));
  return soa === undefined ? null : Math.min(soa.ttlSeconds, soa.minimumSeconds) * 1000;
}
