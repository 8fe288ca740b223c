// What happened as text that does not depend on ports, ids and the moment.
import { networkInterfaces } from 'node:os';
import type { Fields, StreamEvent, WireStream } from './wire.ts';

/** Fields whose values are of the moment. */
const MOMENTARY = new Set(['date', 'x-request-id', 'x-envoy-upstream-service-time']);
/** Every response has them; a situation of its own is about them. */
const EVERYWHERE = new Set(['date=*', 'server=envoy']);

/** `name=value`, pseudo-header fields first, then by name. */
export function fieldsText(fields: Fields): string[] {
  const texts = fields.map(([name, value]) => `${name}=${MOMENTARY.has(name) ? '*' : withoutOwnAddress(name, value)}`);
  return texts.sort((a, b) => Number(b.startsWith(':')) - Number(a.startsWith(':')) || (a < b ? -1 : 1));
}

/** What a caller got on its streams. */
export function callsText(calls: readonly WireStream[], showsAll: boolean): string[] {
  return calls.flatMap(({ events }, i) => {
    const lines: string[] = [];
    for (const event of events) {
      if (event.kind === 'end') lines[lines.length - 1] = `${lines.at(-1)} END`;
      else lines.push(eventText(event, showsAll));
    }
    return lines.map((line) => (calls.length > 1 ? `${i + 1}: ${line}` : line));
  });
}

function eventText(event: Exclude<StreamEvent, { kind: 'end' }>, showsAll: boolean): string {
  switch (event.kind) {
    case 'data':
      return `data ${event.octets}`;
    case 'reset':
      return `reset ${event.code}`;
    default: {
      const texts = fieldsText(event.fields);
      return `${event.kind} ${texts.filter((text) => showsAll || !EVERYWHERE.has(text)).join(' ')}`;
    }
  }
}

const OWN_ADDRESSES = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .filter(({ internal }) => !internal)
  .map(({ address }) => address);

function withoutOwnAddress(name: string, value: string): string {
  if (name !== 'x-forwarded-for') return value;
  return value
    .split(',')
    .map((address) => (OWN_ADDRESSES.includes(address) ? '<this machine>' : address))
    .join(',');
}
