// Names in DNS with their TTLs: A, AAAA and SRV, asked of DNS servers directly. Entry: `createDnsClient`. A door of its own: the data plane,
// which resolves by the system (resolve-name.ts), does not load the codec. Knows no cache, no /etc/hosts and no members.
export { createDnsClient, type DnsClient, type DnsClientOptions, type Found } from './client.ts';
export { DnsError } from './errors.ts';
export type { ServiceTarget } from './message.ts';
