import type { NatsConnection } from '@nats-io/transport-node';
import { type Random, urlHost } from '../../../core/index.ts';

/** A server that can be dialled. */
export interface ServerAddress {
  /** `host:port`. */
  readonly address: string;
  /** TLS was asked for by its URL. */
  readonly tls: boolean;
  /** The name that its certificate must have. */
  readonly certificateName: string;
}

const DEFAULT_PORT = 4222;
/** Servers that a cluster may tell of. */
const MAX_DISCOVERED = 64;

/** The configured servers and those of their cluster that they told of. */
export class ServerList {
  readonly #configured: readonly ServerAddress[];
  readonly #random: Random;
  #discovered: readonly ServerAddress[] = [];
  #last: ServerAddress | null = null;

  /** `urls` are those of the configuration: `nats://host:port` or `tls://host:port`. */
  constructor(urls: readonly string[], random: Random) {
    this.#configured = urls.map(parse);
    this.#random = random;
  }

  get size(): number {
    return this.#all().length;
  }

  /** In random order, so that a cluster shares the load; the one that was used last comes last. */
  *next(): Generator<ServerAddress> {
    const last = this.#last?.address;
    const order = this.#all()
      .map((server) => ({ server, rank: server.address === last ? 1 : this.#random() }))
      .sort((a, b) => a.rank - b.rank);
    for (const { server } of order) {
      this.#last = server;
      yield server;
    }
  }

  /** Takes what the server now connected to says of its cluster. */
  connected({ info }: NatsConnection): void {
    const from = this.#last;
    if (from === null || info?.connect_urls === undefined) return;
    this.#discovered = info.connect_urls.slice(0, MAX_DISCOVERED).map((address) => ({ ...from, address }));
  }

  #all(): readonly ServerAddress[] {
    const all = [...this.#configured, ...this.#discovered];
    return [...new Map(all.toReversed().map((server) => [server.address, server])).values()];
  }
}

function parse(url: string): ServerAddress {
  const parsed = new URL(url);
  const { protocol, hostname, port } = parsed;
  return { address: `${hostname}:${port || DEFAULT_PORT}`, tls: protocol === 'tls:', certificateName: urlHost(parsed) };
}
