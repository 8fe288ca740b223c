// The addresses of a name in DNS, with their TTLs. Begin with watch.ts, then read.ts.
export type { DnsSourceOptions } from './options.ts';
export { createDnsSource } from './watch.ts';
