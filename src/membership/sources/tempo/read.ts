// One read of one peer: the bytes of both keys, or, where the ring is not in memberlist, Tempo's pages of both rings.
import { RingwayError } from '../../../core/index.ts';
import {
  decodeInstanceRing,
  decodePartitionRing,
  type InstanceRing,
  MAX_RING_BYTES,
  type PartitionRing,
  parsePartitionPage,
  parseRingPage,
} from '../../dskit/index.ts';
import { type Answer, describeAnswer, type GetOptions, get } from '../http.ts';
import type { TempoSourceOptions } from './options.ts';

/** Both rings as one peer has them; `partitions` null when the ring has none. */
export interface PeerRings {
  readonly instances: InstanceRing;
  readonly partitions: PartitionRing | null;
}

type ReadOptions = Pick<TempoSourceOptions, 'keys' | 'timeoutMs'> & Pick<GetOptions, 'access' | 'clock' | 'signal'>;

/**
 * Reads both rings of the peer at `baseUrl`. Rejects with RingwayError, one line that names the URL and what came instead: codes of
 * `get`, of the decoders, `NOT_A_RING`, and `PEER_REFUSED` (401, 403).
 */
export async function readPeer(baseUrl: string, options: ReadOptions): Promise<PeerRings> {
  const { instances, partitions } = options.keys;
  const [instanceAnswer, partitionAnswer] = await both(
    download(baseUrl, instances, options),
    partitions === null ? Promise.resolve(null) : download(baseUrl, partitions, options),
  );
  if (usesNoMemberlist(instanceAnswer)) {
    if (!/(^|\/)live-store$/.test(instances)) throw notARing(instanceAnswer, 'the bytes of a ring');
    return readPages(baseUrl, instanceAnswer, options);
  }
  return {
    instances: decodeAnswer(instanceAnswer, decodeInstanceRing),
    partitions: partitionAnswer === null ? null : decodeAnswer(partitionAnswer, decodePartitionRing),
  };
}

/** Of two failures the first one's is told: were it the earlier one, the same trouble would read differently from read to read. */
async function both<A, B>(first: Promise<A>, second: Promise<B>): Promise<readonly [A, B]> {
  const [a, b] = await Promise.allSettled([first, second]);
  if (a.status === 'rejected') throw a.reason;
  if (b.status === 'rejected') throw b.reason;
  return [a.value, b.value];
}

function download(baseUrl: string, key: string, options: ReadOptions): Promise<Answer> {
  const url = `${baseUrl}/memberlist?downloadKey=${encodeURIComponent(key)}`;
  return get(url, { ...options, accept: 'application/octet-stream', maxBytes: MAX_RING_BYTES });
}

/**
 * Tempo says so with status 200 (kv/memberlist through cmd/tempo/app/memberlist.go); other programs have no such page. A peer that
 * does use memberlist says "value not found" of a key that it does not know.
 */
function usesNoMemberlist({ status, body }: Answer): boolean {
  const text = body.subarray(0, 200).toString('latin1');
  if (status === 404) return !text.startsWith('value not found');
  return status === 200 && text.startsWith("This instance doesn't use memberlist");
}

/** For rings in consul or etcd. The pages show the live-stores' ring only. */
async function readPages(baseUrl: string, refused: Answer, options: ReadOptions): Promise<PeerRings> {
  const page = (path: string): Promise<Answer> =>
    get(`${baseUrl}${path}`, { ...options, accept: 'application/json', maxBytes: MAX_RING_BYTES });
  const [ring, partitions] = await both(
    page('/live-store/ring'),
    options.keys.partitions === null ? Promise.resolve(null) : page('/partition-ring'),
  );
  if (ring.status === 404)
    throw new RingwayError(
      `${baseUrl}: has no ring: /memberlist answered ${describeAnswer(refused)}, /live-store/ring ${describeAnswer(ring)}; ask a distributor, querier or live-store`,
      { code: 'NOT_A_RING' },
    );
  return {
    instances: parseAnswer(ring, parseRingPage),
    partitions: partitions === null ? null : parseAnswer(partitions, parsePartitionPage),
  };
}

/** The content type decides: the status alone says 200 of nearly everything. */
function decodeAnswer<T>(answer: Answer, decode: (bytes: Uint8Array) => T): T {
  if (answer.status !== 200 || answer.contentType !== 'application/octet-stream')
    throw notARing(answer, 'the bytes of a ring (application/octet-stream)');
  return named(answer.url, () => decode(answer.body));
}

function parseAnswer<T>(answer: Answer, parse: (text: string) => T): T {
  if (answer.status !== 200 || answer.contentType !== 'application/json') throw notARing(answer, 'a ring as JSON (application/json)');
  return named(answer.url, () => parse(answer.hide(answer.body.toString())));
}

function notARing(answer: Answer, instead: string): RingwayError {
  const what = `${answer.url}: answered ${describeAnswer(answer)}`;
  if (answer.status === 401 || answer.status === 403)
    return new RingwayError(`${what}; bearer, headers and tls say who asks`, { code: 'PEER_REFUSED' });
  return new RingwayError(`${what} instead of ${instead}`, { code: 'NOT_A_RING' });
}

/** Puts the URL before what a decoder says. */
function named<T>(url: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof RingwayError) throw new RingwayError(`${url}: ${error.message}`, { code: error.code, cause: error });
    throw error;
  }
}
