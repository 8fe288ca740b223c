import type { Http2ProtocolOptions } from '../../../gen/envoy/config/core/v3/protocol.ts';
import type { Http2Options } from '../../../http2/types.ts';
import { durationMs } from './duration.ts';
import { fieldPath, refuse, refuseOthers } from './support.ts';

/** Http2ProtocolOptions.connection_keepalive. */
export interface KeepaliveSettings {
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** What Http2ProtocolOptions say of one side's connections. */
export interface CompiledHttp2Options {
  readonly options: Http2Options;
  readonly keepalive: KeepaliveSettings | null;
}

/** Bounds of RFC 9113 §6.5.2 and of protocol.proto. */
const MIN_WINDOW = 65_535;
const MAX_WINDOW = 0x7fff_ffff;

/** For listeners and clusters alike. */
export function compileHttp2Options(path: string, message: Http2ProtocolOptions): CompiledHttp2Options {
  refuseOthers(path, message, {
    reads: [
      'hpackTableSize',
      'maxConcurrentStreams',
      'initialStreamWindowSize',
      'initialConnectionWindowSize',
      'maxOutboundFrames',
      'maxOutboundControlFrames',
      'maxConsecutiveInboundFramesWithEmptyPayload',
      'maxInboundPriorityFramesPerStream',
      'maxInboundWindowUpdateFramesPerDataFrameSent',
      'overrideStreamErrorOnInvalidHttpMessage',
      'connectionKeepalive',
    ],
    // there is one codec
    harmless: ['useOghttp2Codec'],
  });
  checkWindow(path, 'initialStreamWindowSize', message);
  checkWindow(path, 'initialConnectionWindowSize', message);
  if (message.maxConcurrentStreams === 0) refuse(fieldPath(path, 'maxConcurrentStreams'), 'must be at least 1');
  return { options: optionsOf(message), keepalive: keepaliveOf(fieldPath(path, 'connectionKeepalive'), message) };
}

/** Only what is set: absent options are the engine's defaults. */
function optionsOf(message: Http2ProtocolOptions): Http2Options {
  const given = {
    hpackTableSize: message.hpackTableSize,
    maxConcurrentStreams: message.maxConcurrentStreams,
    initialStreamWindowSize: message.initialStreamWindowSize,
    initialConnectionWindowSize: message.initialConnectionWindowSize,
    maxOutboundFrames: message.maxOutboundFrames,
    maxOutboundControlFrames: message.maxOutboundControlFrames,
    maxConsecutiveEmptyFrames: message.maxConsecutiveInboundFramesWithEmptyPayload,
    maxPriorityFramesPerStream: message.maxInboundPriorityFramesPerStream,
    maxWindowUpdatesPerDataFrame: message.maxInboundWindowUpdateFramesPerDataFrameSent,
    streamErrorOnInvalidMessage: message.overrideStreamErrorOnInvalidHttpMessage,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function checkWindow(path: string, key: 'initialStreamWindowSize' | 'initialConnectionWindowSize', message: Http2ProtocolOptions): void {
  const value = message[key];
  if (value !== undefined && (value < MIN_WINDOW || value > MAX_WINDOW)) {
    refuse(fieldPath(path, key), `${value} is out of range (${MIN_WINDOW} to ${MAX_WINDOW})`);
  }
}

function keepaliveOf(path: string, { connectionKeepalive: message }: Http2ProtocolOptions): KeepaliveSettings | null {
  // jitter only spreads pings out; pings here start with their connection, which spreads them as well
  if (message) refuseOthers(path, message, { reads: ['interval', 'timeout'], harmless: ['intervalJitter'] });
  if (!message?.interval) return null;
  const intervalMs = durationMs(fieldPath(path, 'interval'), message.interval, 0);
  const timeoutMs = durationMs(fieldPath(path, 'timeout'), message.timeout, 0);
  if (intervalMs < 1 || timeoutMs < 1) refuse(path, 'interval and timeout must be at least 0.001s');
  return { intervalMs, timeoutMs };
}
