import type { Field, HeaderBlock } from '../../http2/types.ts';
import type { HeaderMutation } from './types.ts';

/** `headers` with all mutations made in order. The same block when there are none; never changes its argument. */
export function mutateHeaders(headers: HeaderBlock, mutations: readonly HeaderMutation[]): HeaderBlock {
  if (mutations.length === 0) return headers;
  const fields = [...headers];
  for (const mutation of mutations) mutate(fields, mutation);
  return fields;
}

function mutate(fields: Field[], mutation: HeaderMutation): void {
  switch (mutation.kind) {
    case 'remove':
      remove(fields, mutation.name);
      return;
    case 'add':
      fields.push(mutation.field);
      return;
    case 'add-if-absent':
      if (!has(fields, mutation.field.name)) fields.push(mutation.field);
      return;
    case 'overwrite':
      remove(fields, mutation.field.name);
      fields.push(mutation.field);
      return;
    case 'overwrite-if-present':
      if (remove(fields, mutation.field.name)) fields.push(mutation.field);
  }
}

/** Without a second list: these run for each request. False: there was none. */
function remove(fields: Field[], name: string): boolean {
  let kept = 0;
  for (const field of fields) {
    if (field.name === name) continue;
    fields[kept] = field;
    kept += 1;
  }
  const hadSome = kept < fields.length;
  fields.length = kept;
  return hadSome;
}

function has(fields: readonly Field[], name: string): boolean {
  return fields.some((field) => field.name === name);
}
