import type { Field, HeaderBlock } from '../../http2/types.ts';
import type { HeaderMutation } from './types.ts';

/** `headers` with all mutations made in order. The same block when there are none; never changes its argument. */
export function mutateHeaders(headers: HeaderBlock, mutations: readonly HeaderMutation[]): HeaderBlock {
  if (mutations.length === 0) return headers;
  let fields = [...headers];
  for (const mutation of mutations) fields = mutate(fields, mutation);
  return fields;
}

function mutate(fields: Field[], mutation: HeaderMutation): Field[] {
  switch (mutation.kind) {
    case 'remove':
      return fields.filter((field) => field.name !== mutation.name);
    case 'add':
      fields.push(mutation.field);
      return fields;
    case 'add-if-absent':
      if (!has(fields, mutation.field.name)) fields.push(mutation.field);
      return fields;
    case 'overwrite':
      return [...fields.filter((field) => field.name !== mutation.field.name), mutation.field];
    case 'overwrite-if-present':
      return has(fields, mutation.field.name) ? mutate(fields, { kind: 'overwrite', field: mutation.field }) : fields;
  }
}

function has(fields: readonly Field[], name: string): boolean {
  return fields.some((field) => field.name === name);
}
