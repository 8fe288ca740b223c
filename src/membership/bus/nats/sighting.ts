import type { Msg } from '@nats-io/transport-node';
import type { Sighting } from '../roster.ts';
import type { Delivery } from './delivery.ts';
import { contentOf, isValue } from './record.ts';
import { keyOf, memberOfKey } from './subjects.ts';

type Present = Extract<Sighting, { readonly kind: 'present' }>;

/** The last registration of a member, with the bytes that say it. */
interface Known extends Pick<Present, 'key' | 'registration'> {
  readonly bytes: Buffer;
}

/** No more are remembered. */
const MAX_KNOWN = 100_000;
/** Keys stand in warnings. */
const MAX_SHOWN = 200;

/** Says what messages of a bucket mean. */
export class SightingReader {
  readonly #bucket: string;
  /** By subject: a heartbeat is the same bytes again, so that it need not be parsed (heartbeats.bench.ts). */
  readonly #known = new Map<string, Known>();

  constructor(bucket: string) {
    this.#bucket = bucket;
  }

  read(message: Msg, { revision, storedMs: heardMs }: Delivery): Sighting {
    const { subject, data, headers } = message;
    const known = this.#known.get(subject);
    if (known !== undefined && isValue(headers) && known.bytes.equals(data)) {
      const { key, registration } = known;
      return { kind: 'present', key, registration, heardMs, revision };
    }
    const sighting = this.#parse(message, { revision, heardMs });
    if (sighting.kind !== 'present') this.#known.delete(subject);
    else if (known !== undefined || this.#known.size < MAX_KNOWN)
      this.#known.set(subject, { key: sighting.key, registration: sighting.registration, bytes: Buffer.from(data) });
    return sighting;
  }

  #parse({ subject, data, headers }: Msg, when: Pick<Present, 'heardMs' | 'revision'>): Sighting {
    const full = keyOf(this.#bucket, subject);
    const key = full.length > MAX_SHOWN ? `${full.slice(0, MAX_SHOWN)}…` : full;
    const id = memberOfKey(full);
    const content = contentOf(data, headers, id ?? '');
    if ('kind' in content && content.kind === 'removed') return { kind: 'gone', key, id };
    if (id === null) return { kind: 'unreadable', key, id, problem: 'is no key <ring>.<member>' };
    if ('problem' in content) return { kind: 'unreadable', key, id, problem: content.problem };
    return { kind: 'present', key, registration: content.registration, ...when };
  }
}
