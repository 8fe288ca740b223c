import type { z } from 'zod';
import type { SourceConfig } from '../types.ts';
import { section } from '../values.ts';
import { fileValue } from './values.ts';

export const staticSource: z.ZodType<SourceConfig, unknown> = section({
  file: fileValue().describe('YAML or JSON list of {id, address, zone, partition}; read again when it changes.'),
})
  .transform(({ file }): SourceConfig => ({ kind: 'static', file }))
  .describe('A list of members in a file.');
