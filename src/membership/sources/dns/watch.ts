import { follow, messageOf, RingwayError, sleep } from '../../../core/index.ts';
import { createDnsClient, type DnsClient, DnsError } from '../../../transport/dns/index.ts';
import type { MembershipSource, SourceReport } from '../../types.ts';
import type { SourceDeps } from '../types.ts';
import type { DnsSourceOptions } from './options.ts';
import { type NameReading, readName } from './read.ts';

/**
 * The members that a name in DNS stands for, asked for again whenever the TTL is over. They are ACTIVE and have no heartbeat. An answer
 * that the name is gone or has no records is a failure as any other: DNS cannot tell a ring without members from a mistake.
 */
export function createDnsSource(options: DnsSourceOptions, deps: SourceDeps): MembershipSource {
  return {
    name: options.name,
    watch: (signal) =>
      follow<SourceReport>(signal, (put) => {
        const client = createDnsClient({ ...options, clock: deps.clock, random: deps.random });
        const stopping = new AbortController();
        const asking = askAgain(options, deps, client, AbortSignal.any([signal, stopping.signal]), put);
        return () => {
          stopping.abort();
          client.close();
          return asking;
        };
      }),
  };
}

async function askAgain(
  options: DnsSourceOptions,
  { clock, random }: SourceDeps,
  client: DnsClient,
  signal: AbortSignal,
  put: (report: SourceReport) => void,
): Promise<void> {
  while (!signal.aborted) {
    const asOfMs = clock.nowMs();
    const reading = await attempt(options, client, signal);
    if (signal.aborted) return;
    put(reading instanceof DnsError ? { kind: 'failed', error: inOurWords(reading) } : reportOf(options, reading, asOfMs));
    const ttlMs = Math.min(options.maxTtlMs, Math.max(options.minTtlMs, reading.ttlMs ?? 0));
    // Later rather than earlier: just before its end a cache would hand out what is left of the TTL.
    await sleep(clock, ttlMs + 0.1 * random() * ttlMs, signal);
  }
}

async function attempt(options: DnsSourceOptions, client: DnsClient, signal: AbortSignal): Promise<NameReading | DnsError> {
  try {
    return await readName(options, client, signal);
  } catch (error) {
    if (error instanceof DnsError) return error;
    return new DnsError(`${options.dnsName}: ${messageOf(error)}`, { code: 'DNS_FAILED', cause: error });
  }
}

function inOurWords(error: DnsError): RingwayError {
  return new RingwayError(error.message, { code: error.code, cause: error });
}

function reportOf({ ring }: DnsSourceOptions, { members, warning }: NameReading, asOfMs: number): SourceReport {
  return { kind: 'members', ring, members, partitions: [], asOfMs, ...(warning === null ? {} : { warning }) };
}
