import { Http2Error } from './errors.ts';
import { DEFAULT_HEADER_TABLE_SIZE, DEFAULT_WINDOW_SIZE, ErrorCode, MAX_WINDOW_SIZE, SettingId } from './protocol.ts';
import type { Http2Options } from './types.ts';

export type SettingEntry = readonly [id: number, value: number];
export type Limits = Required<Http2Options>;

/** Fills in Envoy's defaults, but for the stream window: ours is smaller because credit is given as data moves on. */
export function withDefaults(options: Http2Options): Limits {
  return {
    maxConcurrentStreams: options.maxConcurrentStreams ?? 1024,
    hpackTableSize: options.hpackTableSize ?? DEFAULT_HEADER_TABLE_SIZE,
    initialStreamWindowSize: options.initialStreamWindowSize ?? 1_048_576,
    initialConnectionWindowSize: Math.max(options.initialConnectionWindowSize ?? 25_165_824, DEFAULT_WINDOW_SIZE),
    streamBufferLimit: options.streamBufferLimit ?? 1_048_576,
    connectionBufferLimit: options.connectionBufferLimit ?? 16_777_216,
    maxHeaderListSize: options.maxHeaderListSize ?? 61_440,
    maxHeaderFields: options.maxHeaderFields ?? 100,
    allowConnect: options.allowConnect ?? false,
    streamErrorOnInvalidMessage: options.streamErrorOnInvalidMessage ?? false,
    maxOutboundFrames: options.maxOutboundFrames ?? 10_000,
    maxOutboundControlFrames: options.maxOutboundControlFrames ?? 1000,
    maxConsecutiveEmptyFrames: options.maxConsecutiveEmptyFrames ?? 1,
    maxPriorityFramesPerStream: options.maxPriorityFramesPerStream ?? 100,
    maxWindowUpdatesPerDataFrame: options.maxWindowUpdatesPerDataFrame ?? 10,
    prefaceTimeoutMs: options.prefaceTimeoutMs ?? 15_000,
    headersTimeoutMs: options.headersTimeoutMs ?? 15_000,
    closeGraceMs: options.closeGraceMs ?? 1000,
    maxPrematureResets: options.maxPrematureResets ?? 500,
  };
}

/** What we say first. Values that are the protocol's own defaults are said all the same, as Envoy does. */
export function ownSettings(limits: Limits, side: 'server' | 'client'): readonly SettingEntry[] {
  const table: SettingEntry = [SettingId.HEADER_TABLE_SIZE, limits.hpackTableSize];
  const window: SettingEntry = [SettingId.INITIAL_WINDOW_SIZE, limits.initialStreamWindowSize];
  if (side === 'client') return [table, [SettingId.ENABLE_PUSH, 0], window];
  return [
    table,
    [SettingId.ENABLE_CONNECT_PROTOCOL, limits.allowConnect ? 1 : 0],
    [SettingId.MAX_CONCURRENT_STREAMS, limits.maxConcurrentStreams],
    window,
  ];
}

/** A SETTINGS payload, its length already a multiple of six. Throws Http2Error for a value that RFC 9113 §6.5.2 forbids. */
export function parseSettings(bytes: Uint8Array, start: number, end: number): SettingEntry[] {
  const entries: SettingEntry[] = [];
  for (let at = start; at < end; at += 6) {
    const id = (bytes[at]! << 8) | bytes[at + 1]!;
    const value = ((bytes[at + 2]! << 24) | (bytes[at + 3]! << 16) | (bytes[at + 4]! << 8) | bytes[at + 5]!) >>> 0;
    assertSetting(id, value);
    entries.push([id, value]);
  }
  return entries;
}

function assertSetting(id: number, value: number): void {
  if ((id === SettingId.ENABLE_PUSH || id === SettingId.ENABLE_CONNECT_PROTOCOL) && value > 1) {
    throw new Http2Error(ErrorCode.PROTOCOL_ERROR, `setting ${id} is ${value}, only 0 and 1 are allowed`);
  }
  if (id === SettingId.INITIAL_WINDOW_SIZE && value > MAX_WINDOW_SIZE) {
    throw new Http2Error(ErrorCode.FLOW_CONTROL_ERROR, `INITIAL_WINDOW_SIZE is ${value}, at most ${MAX_WINDOW_SIZE} is allowed`);
  }
  if (id === SettingId.MAX_FRAME_SIZE && (value < 16_384 || value > 16_777_215)) {
    throw new Http2Error(ErrorCode.PROTOCOL_ERROR, `MAX_FRAME_SIZE is ${value}, 16384 to 16777215 is allowed`);
  }
}
