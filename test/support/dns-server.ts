import { createSocket, type RemoteInfo } from 'node:dgram';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { type Answer, decode, encode, type Packet, TRUNCATED_RESPONSE } from 'dns-packet';
import type { Test } from 'tap';

/** How a question came. */
export interface DnsQuestion {
  /** Lower case. */
  readonly name: string;
  readonly type: string;
  readonly transport: 'udp' | 'tcp';
  /** The message itself. */
  readonly bytes: Buffer;
  readonly id: number;
}

/** What the server says: records, a response code, its own bytes (several are sent one after the other), or nothing at all. */
export type DnsReply =
  | { readonly answers?: readonly Answer[]; readonly authorities?: readonly Answer[]; readonly additionals?: readonly Answer[] }
  | { readonly rcode: number; readonly answers?: readonly Answer[]; readonly authorities?: readonly Answer[] }
  | { readonly bytes: readonly Uint8Array[] }
  | 'silence';

/** A DNS server on UDP and TCP of one port of 127.0.0.1. */
export interface DnsServer {
  /** `ip:port` */
  readonly address: string;
  /** Decides each answer; may be changed while it runs. At first every name is unknown. */
  reply: (question: DnsQuestion) => DnsReply;
  /** Every question as `type name transport`. */
  readonly questions: readonly string[];
  close(): Promise<void>;
}

const NXDOMAIN = 3;
/** What fits into an answer over UDP, as the client says with EDNS. */
const UDP_PAYLOAD_BYTES = 1232;

/** Records by `TYPE name`: a name without the type has no records of it, a name without any does not exist. */
export function zone(records: Readonly<Record<string, readonly Answer[]>>): DnsServer['reply'] {
  const names = new Set(Object.keys(records).map((key) => key.split(' ')[1]));
  return ({ type, name }) => {
    const answers = records[`${type} ${name}`];
    if (answers !== undefined) return { answers };
    return names.has(name) ? { answers: [] } : { rcode: NXDOMAIN };
  };
}

/** A and AAAA records. */
export function addressRecords(name: string, ttl: number, ...addresses: readonly string[]): readonly Answer[] {
  return addresses.map((data) => ({ type: data.includes(':') ? 'AAAA' : 'A', name, ttl, data }));
}

/** SRV records, each given as `target port`. */
export function serviceRecords(name: string, ttl: number, ...targets: readonly string[]): readonly Answer[] {
  return targets.map((text) => {
    const [target = '', port] = text.split(' ');
    return { type: 'SRV', name, ttl, data: { target, port: Number(port), priority: 0, weight: 1 } };
  });
}

/** The SOA record that says for how long a negative answer may be kept. */
export function startOfAuthority(name: string, ttl: number, minimum: number): Answer {
  return { type: 'SOA', name, ttl, data: { mname: `ns.${name}`, rname: `hostmaster.${name}`, minimum } };
}

/** The octets of one answer to `question`. */
export function encodeReply({ id, name, type, transport }: DnsQuestion, reply: Exclude<DnsReply, 'silence' | { bytes: unknown }>): Buffer {
  const packet: Packet & { flags: number } = {
    type: 'response',
    id,
    flags: 'rcode' in reply ? reply.rcode : 0,
    questions: [{ name, type: type as Answer['type'] }],
    answers: [...(reply.answers ?? [])],
    authorities: [...(reply.authorities ?? [])],
    additionals: 'additionals' in reply ? [...(reply.additionals ?? [])] : [],
  };
  const bytes = encode(packet);
  if (transport === 'tcp' || bytes.length <= UDP_PAYLOAD_BYTES) return bytes;
  return encode({ ...packet, flags: packet.flags | TRUNCATED_RESPONSE, answers: [], additionals: [] });
}

/** Listens until the test ends. */
export async function startDnsServer(t: Test, reply: DnsServer['reply'] = () => ({ rcode: NXDOMAIN })): Promise<DnsServer> {
  const questions: string[] = [];
  const answersTo = (bytes: Buffer, transport: DnsQuestion['transport']): readonly Uint8Array[] => {
    const { id = 0, questions: [asked] = [] } = decode(bytes);
    const question: DnsQuestion = { name: asked!.name.toLowerCase(), type: asked!.type, transport, bytes, id };
    questions.push(`${question.type} ${question.name} ${transport}`);
    const said = server.reply(question);
    if (said === 'silence') return [];
    return 'bytes' in said ? said.bytes : [encodeReply(question, said)];
  };
  const { tcp, port } = await listenTcp((bytes) => answersTo(bytes, 'tcp'));
  const udp = createSocket('udp4');
  udp.on('message', (bytes: Buffer, from: RemoteInfo) => {
    for (const answer of answersTo(bytes, 'udp')) udp.send(answer, from.port, from.address);
  });
  await new Promise<void>((resolve) => {
    udp.bind(port, '127.0.0.1', resolve);
  });
  let closed: Promise<void> | undefined;
  const server: DnsServer = {
    address: `127.0.0.1:${port}`,
    reply,
    questions,
    close: () => {
      closed ??= Promise.all([new Promise((resolve) => tcp.close(resolve)), new Promise<void>((resolve) => udp.close(resolve))]).then(
        () => {},
      );
      return closed;
    },
  };
  t.teardown(() => server.close());
  return server;
}

async function listenTcp(answersTo: (bytes: Buffer) => readonly Uint8Array[]): Promise<{ readonly tcp: Server; readonly port: number }> {
  const tcp = createServer((socket) => {
    let received = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      const answers = answersTo(received.subarray(2));
      for (const answer of answers) socket.write(Buffer.concat([Buffer.from([answer.length >> 8, answer.length & 0xff]), answer]));
      if (answers.length > 0) socket.end();
    });
  });
  await new Promise<void>((resolve) => {
    tcp.listen(0, '127.0.0.1', resolve);
  });
  return { tcp, port: (tcp.address() as AddressInfo).port };
}
