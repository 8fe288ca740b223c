import { z } from 'zod';
import { ConfigError, readDocument, readTextFile, section, textValue } from '../../../config/index.ts';
import { messageOf, parseHostPort, RingwayError } from '../../../core/index.ts';
import type { Member, SourceReport } from '../../types.ts';
import type { StaticSourceOptions } from './options.ts';

const member = section({
  id: textValue('an id', 'a name that is in the list once', (text) => text || undefined),
  address: textValue('an address', 'host:port, such as 10.0.0.1:9096 or [fd00::1]:9096', (text) => (isHostPort(text) ? text : undefined)),
  zone: z.string().default(''),
  partition: z
    .int32({ error: 'is not a partition, allowed: a whole number from 0' })
    .min(0, { error: 'is not a partition, allowed: a whole number from 0' })
    .nullable()
    .default(null),
}).transform((given): Member => ({ ...given, state: 'ACTIVE', heartbeatMs: null, registeredMs: null }));

const memberList: z.ZodType<readonly Member[]> = z.array(member).check(({ value, issues }) => {
  const seen = new Set<string>();
  value.forEach(({ id }, i) => {
    if (seen.has(id))
      issues.push({ code: 'custom', input: value, path: [i, 'id'], message: `"${id}" is in the list before, allowed: each id once` });
    seen.add(id);
  });
});

/** Reads the file once: a report, whatever is in it. */
export async function readMembers({ file, ring }: StaticSourceOptions, nowMs: number): Promise<SourceReport> {
  try {
    const text = await readTextFile(file);
    return { kind: 'members', ring, members: readDocument({ file, text }, memberList), partitions: [], asOfMs: nowMs };
  } catch (error) {
    if (error instanceof ConfigError) return { kind: 'failed', error: inOneLine(error) };
    if (error instanceof RingwayError) return { kind: 'failed', error };
    return { kind: 'failed', error: new RingwayError(`${file}: ${messageOf(error)}`, { code: 'READ_FAILED', cause: error }) };
  }
}

function inOneLine({ problems }: ConfigError): RingwayError {
  const [first, ...more] = problems;
  return new RingwayError(more.length === 0 ? `${first}` : `${first} (and ${more.length} more)`, { code: 'BAD_MEMBERS_FILE' });
}

function isHostPort(text: string): boolean {
  try {
    return parseHostPort(text).host !== '';
  } catch {
    return false;
  }
}
