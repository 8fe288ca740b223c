import { createHash } from 'node:crypto';
import { RingwayError } from '../../core/index.ts';
import type { TypeUrl } from '../types.ts';
import type { ResourceUpdate } from './types.ts';

/** Form of the file: this word, the SHA-256 of the rest in hex, a newline, JSON. */
const MAGIC = 'ringway-xds-state-1';

/** The node whose resources are saved. */
export interface SavedNode {
  readonly id: string;
  readonly cluster: string;
}

interface SavedState {
  readonly node: SavedNode;
  readonly types: readonly {
    readonly typeUrl: TypeUrl;
    readonly version: string;
    /** `value` in base64. */
    readonly resources: readonly { readonly name: string; readonly version: string; readonly value: string }[];
  }[];
}

/** The bytes of a state file. */
export function stateText(node: SavedNode, updates: readonly ResourceUpdate[]): Buffer {
  const state: SavedState = {
    node,
    types: updates.map(({ typeUrl, version, upserts }) => ({
      typeUrl,
      version,
      resources: upserts.map((resource) => ({
        name: resource.name,
        version: resource.version,
        value: Buffer.from(resource.value).toString('base64'),
      })),
    })),
  };
  const body = Buffer.from(JSON.stringify(state));
  return Buffer.concat([Buffer.from(`${MAGIC} ${checksum(body)}\n`), body]);
}

/** Reads a state file. Throws RingwayError `STATE` when it is damaged or another node's. */
export function parseState(bytes: Buffer, node: SavedNode): readonly ResourceUpdate[] {
  const end = bytes.indexOf('\n');
  const [magic, sum] = bytes.subarray(0, Math.max(0, end)).toString('latin1').split(' ');
  if (magic !== MAGIC) throw refused('it is not a state file of this version');
  const body = bytes.subarray(end + 1);
  if (sum !== checksum(body)) throw refused('its checksum is wrong');
  const state = JSON.parse(body.toString()) as SavedState;
  if (state.node.id !== node.id || state.node.cluster !== node.cluster)
    throw refused(`it is of node ${state.node.id} in ${state.node.cluster}, not of ${node.id} in ${node.cluster}`);
  return state.types.map(({ typeUrl, version, resources }) => ({
    typeUrl,
    version,
    upserts: resources.map((resource) => ({
      name: resource.name,
      version: resource.version,
      typeUrl,
      value: Buffer.from(resource.value, 'base64'),
    })),
    removed: [],
  }));
}

function refused(message: string): RingwayError {
  return new RingwayError(message, { code: 'STATE' });
}

function checksum(body: Buffer): string {
  return createHash('sha256').update(body).digest('hex');
}
