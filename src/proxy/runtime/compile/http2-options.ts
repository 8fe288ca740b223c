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

/** For listeners and clusters alike. Limits on abuse are the engine's own: asking for Envoy's is harmless. */
export function compileHttp2Options(path: string, message: Http2ProtocolOptions): CompiledHttp2Options {
  refuseOthers(path, message, {
    reads: ['hpackTableSize', 'maxConcurrentStreams', 'initialStreamWindowSize', 'initialConnectionWindowSize', 'connectionKeepalive'],
    harmless: [
      'maxOutboundFrames',
      'maxOutboundControlFrames',
      'maxConsecutiveInboundFramesWithEmptyPayload',
      'maxInboundPriorityFramesPerStream',
      'maxInboundWindowUpdateFramesPerDataFrameSent',
      'useOghttp2Codec',
    ],
  });
  const { hpackTableSize, maxConcurrentStreams } = message;
  const streamWindow = windowOf(path, 'initialStreamWindowSize', message);
  const connectionWindow = windowOf(path, 'initialConnectionWindowSize', message);
  if (maxConcurrentStreams === 0) refuse(fieldPath(path, 'maxConcurrentStreams'), 'must be at least 1');
  return {
    options: {
      ...(hpackTableSize === undefined ? {} : { hpackTableSize }),
      ...(maxConcurrentStreams === undefined ? {} : { maxConcurrentStreams }),
      ...(streamWindow === undefined ? {} : { initialStreamWindowSize: streamWindow }),
      ...(connectionWindow === undefined ? {} : { initialConnectionWindowSize: connectionWindow }),
    },
    keepalive: keepaliveOf(fieldPath(path, 'connectionKeepalive'), message),
  };
}

function windowOf(
  path: string,
  key: 'initialStreamWindowSize' | 'initialConnectionWindowSize',
  message: Http2ProtocolOptions,
): number | undefined {
  const value = message[key];
  if (value !== undefined && (value < MIN_WINDOW || value > MAX_WINDOW)) {
    refuse(fieldPath(path, key), `${value} is out of range (${MIN_WINDOW} to ${MAX_WINDOW})`);
  }
  return value;
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
