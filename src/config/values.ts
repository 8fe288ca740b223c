// The kinds of value that stand in our files. Each says in its error what it got and what is allowed.
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { type HostPort, parseHostPort } from '../core/index.ts';

/** Quotes any value, cut to a length that fits in one line, without what people write into URLs though it does not belong there. */
export function show(value: unknown): string {
  const text = (JSON.stringify(value) ?? String(value))
    .replaceAll(/:\/\/[^\s"]*@/g, '://[secret]@')
    .replaceAll(/(:\/\/[^\s"?]*\?)[^\s"]+/g, '$1[secret]');
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** A text that `parse` understands; undefined from `parse` means that it does not. `allowed` completes "allowed: …". */
export function textValue<T extends {}>(kind: string, allowed: string, parse: (text: string) => T | undefined): z.ZodType<T, string> {
  const wrong = (value: unknown): string =>
    value === undefined ? `missing, allowed: ${allowed}` : `${show(value)} is not ${kind}, allowed: ${allowed}`;
  return z.string({ error: (issue) => wrong(issue.input) }).transform((text, context) => {
    const value = parse(text);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: wrong(text) });
    return z.NEVER;
  });
}

/** An object with these keys and no others. Its error for an unknown key lists the keys there are. */
export function section<T extends z.ZodRawShape>(shape: T): z.ZodObject<T, z.core.$strict> {
  return z.strictObject(shape, { error: (issue) => (issue.code === 'unrecognized_keys' ? Object.keys(shape).join(', ') : undefined) });
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `500ms`, `1s`, `1.5m`, `2h`, from `minMs` to `maxMs`; the value is ms. */
export function durationValue(minMs: number, maxMs: number): z.ZodType<number, string> {
  const allowed = `a number and ms, s, m or h, such as 500ms or 1m, from ${showMs(minMs)} to ${showMs(maxMs)}`;
  return textValue('a duration', allowed, (text) => {
    const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)$/.exec(text);
    const ms = match ? Number(match[1]) * (UNITS_MS[match[2] as string] as number) : Number.NaN;
    return ms >= minMs && ms <= maxMs ? ms : undefined;
  });
}

function showMs(ms: number): string {
  const unit = ms === 0 ? 's' : (['h', 'm', 's'].find((name) => ms % (UNITS_MS[name] as number) === 0) ?? 'ms');
  return `${ms / (UNITS_MS[unit] as number)}${unit}`;
}

/** `host:port`, `[v6]:port` or `:port`. */
export function listenValue(): z.ZodType<HostPort, string> {
  return textValue('an address to listen on', 'host:port, such as 127.0.0.1:9902 or [::1]:9902, or :9902 for every address', (text) => {
    try {
      return parseHostPort(text);
    } catch {
      return undefined;
    }
  });
}

/** An http or https URL, as a base: the value has no trailing slash. */
export function baseUrlValue(): z.ZodType<string, string> {
  return textValue('a base URL', 'http://host:port or https://host:port, with a path if need be, without credentials or query', (text) => {
    const url = URL.parse(text);
    if (url === null || !['http:', 'https:'].includes(url.protocol)) return undefined;
    if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return undefined;
    return url.href.replace(/\/+$/, '');
  });
}

/** What `allowedAddresses` may list. */
export function addressPatternValue(): z.ZodType<string, string> {
  const name = /^(\*\.)?(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*$/;
  const allowed = 'a CIDR such as 10.0.0.0/8, an address, a DNS name, or *.suffix';
  return textValue('an address pattern', allowed, (text) => {
    if (text.includes('/')) return isCidr(text) ? text : undefined;
    return isIP(text) !== 0 || (name.test(text) && !/^[\d.]+$/.test(text)) ? text : undefined;
  });
}

function isCidr(text: string): boolean {
  return isIP(text.slice(0, text.indexOf('/'))) !== 0 && !text.includes('%') && ipaddr.isValidCIDR(text);
}
