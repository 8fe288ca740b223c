// One read of one key: GET /v1/kv/<key>, plain or as a blocking query (https://developer.hashicorp.com/consul/api-docs/features/blocking).
import { RingwayError } from '../../../core/index.ts';
import { MAX_RING_BYTES } from '../../dskit/index.ts';
import { type Answer, describeAnswer, type GetOptions, get } from '../http.ts';
import type { ConsulSourceOptions } from './options.ts';

/** What stands under a key. */
export interface KeyReading {
  readonly key: string;
  /** Null when there is no such key. */
  readonly value: Buffer | null;
  /** What to wait for news with; 0: do not wait, read. */
  readonly index: number;
}

type ReadOptions = Pick<ConsulSourceOptions, 'url' | 'timeoutMs' | 'waitMs' | 'datacenter'> &
  Pick<GetOptions, 'access' | 'clock' | 'signal'>;

/**
 * Resolves at once with `index` 0, else when the key's index is another one or the wait is over. Rejects with RingwayError that names the
 * URL: codes of `get`, `CONSUL_REFUSED` (403), `CONSUL_FAILED` (no leader, too many requests, …), `NOT_CONSUL`.
 */
export async function readKey(key: string, index: number, options: ReadOptions): Promise<KeyReading> {
  const { url, timeoutMs, waitMs, datacenter } = options;
  const told = `${url}/v1/kv/${key.split('/').map(encodeURIComponent).join('/')}`;
  const blocking = index > 0 ? `&index=${index}&wait=${waitMs}ms` : '';
  const answer = await get(`${told}?raw${datacenter === '' ? '' : `&dc=${encodeURIComponent(datacenter)}`}${blocking}`, {
    ...options,
    told,
    accept: '*/*',
    // A server waits up to a sixteenth longer than it was asked to, lest all answer at once.
    timeoutMs: timeoutMs + (index > 0 ? Math.ceil((waitMs * 17) / 16) : 0),
    maxBytes: MAX_RING_BYTES,
  });
  return { key, value: valueIn(answer), index: nextIndex(index, indexIn(answer)) };
}

function valueIn(answer: Answer): Buffer | null {
  const { url, status, body } = answer;
  if (status === 200) return body;
  if (status === 404 && body.length === 0) return null;
  const what = `${url}: answered ${describeAnswer(answer)}`;
  if (status === 403 || status === 401) throw new RingwayError(`${what}; token must allow key:read`, { code: 'CONSUL_REFUSED' });
  throw new RingwayError(what, { code: status === 404 ? 'NOT_CONSUL' : 'CONSUL_FAILED' });
}

function indexIn(answer: Answer): number {
  const text = answer.headers['x-consul-index'];
  if (typeof text === 'string' && /^\d{1,15}$/.test(text)) return Number(text);
  throw new RingwayError(`${answer.url}: answered ${describeAnswer(answer)} without Consul's index (X-Consul-Index)`, {
    code: 'NOT_CONSUL',
  });
}

/**
 * Consul's rules for clients: an index that goes backwards (a cluster restored from a snapshot) begins anew, one of 0 counts as 1, or the
 * next query would not wait.
 */
function nextIndex(before: number, index: number): number {
  return index < before ? 0 : Math.max(index, 1);
}
