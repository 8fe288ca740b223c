import { Counter } from '../telemetry/index.ts';

/** What a codec counts, named after Envoy's `http2.*` stats (camel case here). Share one object among the connections of a listener or cluster. */
export interface Http2CodecStats {
  readonly goawaySent: Counter;
  readonly headerOverflow: Counter;
  readonly inboundEmptyFramesFlood: Counter;
  readonly inboundPriorityFramesFlood: Counter;
  readonly inboundWindowUpdateFramesFlood: Counter;
  readonly outboundControlFlood: Counter;
  readonly rxMessagingError: Counter;
  readonly rxReset: Counter;
  readonly streamRefusedErrors: Counter;
  /** Envoy's downstream_rq_too_many_premature_resets. */
  readonly tooManyPrematureResets: Counter;
  readonly trailers: Counter;
  readonly txReset: Counter;
}

export function createCodecStats(): Http2CodecStats {
  return {
    goawaySent: new Counter(),
    headerOverflow: new Counter(),
    inboundEmptyFramesFlood: new Counter(),
    inboundPriorityFramesFlood: new Counter(),
    inboundWindowUpdateFramesFlood: new Counter(),
    outboundControlFlood: new Counter(),
    rxMessagingError: new Counter(),
    rxReset: new Counter(),
    streamRefusedErrors: new Counter(),
    tooManyPrematureResets: new Counter(),
    trailers: new Counter(),
    txReset: new Counter(),
  };
}
