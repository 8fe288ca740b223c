import { exposedServer, type RingwayConfig, type SourceConfig } from '../config/index.ts';
import { isLoopback, urlHost } from '../core/index.ts';
import type { Logger, MetricRegistry } from '../telemetry/index.ts';

/** Warns of sources that lie open to whoever is between them and us: NATS without TLS, which the operator accepts in words, and secrets in plain text. */
export function tellExposedSources({ rings }: RingwayConfig, logger: Logger, metrics: MetricRegistry): void {
  const help = '1: members or secrets of a source of the ring cross a network without TLS.';
  for (const [ring, { sources }] of rings) {
    const exposures = sources.flatMap((source) => exposureOf(source) ?? []);
    metrics.gauge({ name: 'ringway_insecure_source', labels: { ring }, help }).set(exposures.length > 0 ? 1 : 0);
    for (const { server, what } of exposures) logger.warn('source.insecure', { ring, server }, what);
  }
}

interface Exposure {
  readonly server: string;
  readonly what: string;
}

function exposureOf(source: SourceConfig): Exposure | null {
  switch (source.kind) {
    case 'nats':
      return exposure(exposedServer(source), 'members are read from NATS on another machine without TLS');
    case 'tempo': {
      const isSecret = source.bearer !== null || [...source.headers.values()].some((value) => typeof value !== 'string');
      return isSecret ? plainSecret(source.urls) : null;
    }
    case 'consul':
      return source.token === null ? null : plainSecret([source.url]);
    case 'etcd':
      return source.login === null ? null : plainSecret(source.endpoints);
    default:
      return null;
  }
}

function plainSecret(urls: readonly string[]): Exposure | null {
  const plain = urls.find((url) => url.startsWith('http:') && !isLoopback(urlHost(new URL(url))));
  return exposure(plain, 'a secret of a source is sent to another machine without TLS');
}

function exposure(server: string | undefined, what: string): Exposure | null {
  return server === undefined ? null : { server, what };
}
