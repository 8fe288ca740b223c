import { messageOf } from '../../../core/index.ts';
import type { HeaderValueOption } from '../../../gen/envoy/config/core/v3/base.ts';
import { field } from '../../../http2/index.ts';
import type { Field } from '../../../http2/types.ts';
import { fieldPath, refuse, refuseOthers } from '../../runtime/compile/index.ts';
import type { HeaderMutation } from '../types.ts';

/** The four lists that routes, virtual hosts and route configurations have. */
export interface HeaderLists {
  readonly requestHeadersToAdd: readonly HeaderValueOption[];
  readonly requestHeadersToRemove: readonly string[];
  readonly responseHeadersToAdd: readonly HeaderValueOption[];
  readonly responseHeadersToRemove: readonly string[];
}

/** What one level does to requests and responses; what is removed is removed first. */
export interface LevelMutations {
  readonly request: readonly HeaderMutation[];
  readonly response: readonly HeaderMutation[];
}

/** HeaderValueOption.append_action by number. */
const ACTIONS = ['add', 'add-if-absent', 'overwrite', 'overwrite-if-present'] as const;

export function compileHeaderLists(path: string, lists: HeaderLists): LevelMutations {
  return {
    request: [
      ...removals(fieldPath(path, 'requestHeadersToRemove'), lists.requestHeadersToRemove),
      ...additions(fieldPath(path, 'requestHeadersToAdd'), lists.requestHeadersToAdd),
    ],
    response: [
      ...removals(fieldPath(path, 'responseHeadersToRemove'), lists.responseHeadersToRemove),
      ...additions(fieldPath(path, 'responseHeadersToAdd'), lists.responseHeadersToAdd),
    ],
  };
}

function removals(path: string, names: readonly string[]): HeaderMutation[] {
  return names.map((name, i) => ({ kind: 'remove', name: modifiable(`${path}[${i}]`, name) }));
}

function additions(path: string, options: readonly HeaderValueOption[]): HeaderMutation[] {
  return options.flatMap((option, i): HeaderMutation[] => {
    const at = `${path}[${i}]`;
    refuseOthers(at, option, { reads: ['header', 'append', 'appendAction', 'keepEmptyValue'], harmless: [] });
    const { header } = option;
    if (!header) return refuse(fieldPath(at, 'header'), 'is required');
    const raw = header.rawValue.length > 0 ? Buffer.from(header.rawValue).toString('latin1') : header.value;
    const value = plainValue(fieldPath(at, 'header.value'), raw);
    if (value === '' && !option.keepEmptyValue) return [];
    const action = ACTIONS[option.append === undefined ? option.appendAction : option.append ? 0 : 2];
    if (!action) return refuse(fieldPath(at, 'appendAction'), `${option.appendAction} is no append action`);
    return [{ kind: action, field: createField(at, modifiable(fieldPath(at, 'header.key'), header.key), value) }];
  });
}

function createField(path: string, name: string, value: string): Field {
  try {
    return field(name, value);
  } catch (error) {
    return refuse(path, messageOf(error));
  }
}

/** Pseudo-header fields and host have their own options; changing them here is refused, as in Envoy. */
function modifiable(path: string, name: string): string {
  const lower = name.toLowerCase();
  return lower.startsWith(':') || lower === 'host' ? refuse(path, ':-prefixed or host headers may not be modified') : lower;
}

/** The text with `%%` as `%`. Values that are made for each request (`%REQ(...)%`) are refused. */
function plainValue(path: string, text: string): string {
  const rest = text.replaceAll('%%', '');
  if (rest.includes('%')) refuse(path, `"${text}": command operators (%…%) are not supported, "%%" is a percent sign`);
  return text.replaceAll('%%', '%');
}
