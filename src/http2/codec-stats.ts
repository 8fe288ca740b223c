import { Counter } from '../telemetry/index.ts';

/** What a codec counts, named after Envoy's `http2.*` stats (camel case here). Share one object among the connections of a listener or cluster. */
export interface Http2CodecStats {
  readonly goawaySent: Counter;
  readonly headerListSizeTooLarge: Counter;
  readonly headerOverflow: Counter;
  /** Envoy's downstream_rq_header_timeout. */
  readonly headerTimeout: Counter;
  readonly inboundEmptyFramesFlood: Counter;
  readonly inboundPriorityFramesFlood: Counter;
  readonly inboundWindowUpdateFramesFlood: Counter;
  readonly outboundControlFlood: Counter;
  readonly outboundFlood: Counter;
  /** The peer sent no preface and SETTINGS in time. */
  readonly prefaceTimeout: Counter;
  readonly rxMessagingError: Counter;
  readonly rxReset: Counter;
  readonly streamRefusedErrors: Counter;
  /** Envoy's downstream_rq_too_many_premature_resets. */
  readonly tooManyPrematureResets: Counter;
  readonly trailers: Counter;
  /** Streams, or whole connections, that the peer stopped reading. */
  readonly txFlushTimeout: Counter;
  readonly txReset: Counter;
}

/** Counters of their own, or those that `counter` gives for Envoy's names (`rx_reset`). */
export function createCodecStats(counter: (stat: string) => Counter = () => new Counter()): Http2CodecStats {
  return {
    goawaySent: counter('goaway_sent'),
    headerListSizeTooLarge: counter('header_list_size_too_large'),
    headerOverflow: counter('header_overflow'),
    headerTimeout: counter('header_timeout'),
    inboundEmptyFramesFlood: counter('inbound_empty_frames_flood'),
    inboundPriorityFramesFlood: counter('inbound_priority_frames_flood'),
    inboundWindowUpdateFramesFlood: counter('inbound_window_update_frames_flood'),
    outboundControlFlood: counter('outbound_control_flood'),
    outboundFlood: counter('outbound_flood'),
    prefaceTimeout: counter('preface_timeout'),
    rxMessagingError: counter('rx_messaging_error'),
    rxReset: counter('rx_reset'),
    streamRefusedErrors: counter('stream_refused_errors'),
    tooManyPrematureResets: counter('too_many_premature_resets'),
    trailers: counter('trailers'),
    txFlushTimeout: counter('tx_flush_timeout'),
    txReset: counter('tx_reset'),
  };
}
