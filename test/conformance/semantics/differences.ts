import type { Difference } from './types.ts';

/** What Ringway does otherwise than Envoy 1.40 on purpose. */
export const DIFFERENCES: readonly Difference[] = [
  {
    rows: [
      'route-timeout',
      'plain-route-timeout',
      'route-timeout-after',
      'grpc-timeout',
      'grpc-timeout-max',
      'grpc-timeout-after',
      'stream-duration',
      'plain-stream-duration',
      'stream-duration-after',
      'manager-duration',
      'stream-idle',
      'stream-idle-request',
      'stream-idle-after',
      'per-try-timeout',
      'answered-early',
      'cancelled',
      'cancelled-after',
      'caller-gone',
      'broken-beside',
      'deadline-route',
      'deadline-plain',
      'deadline-per-try',
      'deadline-per-try-idle',
    ],
    reason:
      'a call that is no longer wanted is reset with CANCEL, as gRPC over HTTP/2 has it; Envoy sends INTERNAL_ERROR, which a server takes for a fault',
    changes: [{ part: 'upstream', envoy: 'reset 2', ringway: 'reset 8' }],
  },
  {
    rows: [
      'reset-0-after',
      'reset-1-after',
      'reset-2-after',
      'reset-7-after',
      'reset-8-after',
      'reset-11-after',
      'closed-after-headers',
      'cut-after-headers',
      'bad-trailers',
      'route-timeout-after',
      'grpc-timeout-after',
      'stream-duration-after',
      'stream-idle-after',
      'stream-idle-request',
      'answered-early',
      'refused-early',
    ],
    reason:
      'downstream_rq_rx_reset counts resets that came from callers, as it is documented; Envoy counts there those, too, that it sent itself',
    changes: [{ part: 'counters', envoy: 'http.downstream_rq_rx_reset, ', ringway: '' }],
  },
  {
    rows: ['cut-past-deadline'],
    reason:
      'the upstream cut the call because its time was over: UNAVAILABLE would ask the caller for a second try that nobody has the time for',
    changes: [
      {
        part: 'caller',
        envoy: 'upstream connect error or disconnect/reset before headers. reset reason: remote reset grpc-status=14',
        ringway: 'the deadline of the call has passed; reset reason: remote reset grpc-status=4',
      },
      { part: 'log', envoy: 'Unavailable', ringway: 'DeadlineExceeded' },
      { part: 'counters', envoy: 'upstream_rq_503', ringway: 'upstream_rq_504' },
    ],
  },
  {
    rows: ['cut-past-deadline-after'],
    reason: 'the same: gRPC libraries turn CANCEL into DEADLINE_EXCEEDED once their own deadline has passed',
    changes: [
      { part: 'caller', envoy: 'reset 2', ringway: 'reset 8' },
      { part: 'counters', envoy: 'http.downstream_rq_rx_reset, ', ringway: '' },
    ],
  },
  {
    rows: ['te-other', 'hop-by-hop', 'proxy-connection'],
    reason:
      'a request that breaks RFC 9113 is none: it is counted as a protocol error of its connection and not logged; the caller is told why by GOAWAY before the connection ends',
    changes: [
      { part: 'caller', envoy: '', ringway: 'goaway 1 last 1' },
      { part: 'log', envoy: '0 DPE http2.invalid.header.field -; attempts 0, no host, no cluster; 0 in, 0 out', ringway: '' },
      { part: 'counters', envoy: ', http.downstream_rq_http2_total, http.downstream_rq_rx_reset, http.downstream_rq_total', ringway: '' },
    ],
  },
  {
    rows: ['broken-beside'],
    reason: 'the same with another call on the connection',
    changes: [
      { part: 'caller', envoy: '', ringway: 'goaway 1 last 3' },
      { part: 'log', envoy: '0 DPE http2.invalid.header.field -; attempts 0, no host, no cluster; 0 in, 0 out\n', ringway: '' },
      { part: 'log', envoy: 'codec_error:The_user_callback_function_failed', ringway: 'http2.violation.of.messaging.rule' },
      {
        part: 'counters',
        envoy: 'http.downstream_rq_http2_total 2, http.downstream_rq_rx_reset 2, http.downstream_rq_total 2',
        ringway: 'http.downstream_rq_http2_total, http.downstream_rq_rx_reset, http.downstream_rq_total',
      },
    ],
  },
  {
    rows: ['tls-to-plain'],
    reason: 'the words after TLS_error are those of another TLS library',
    changes: [
      { part: 'log', envoy: '268435703:SSL_routines:OPENSSL_internal:WRONG_VERSION_NUMBER', ringway: 'SSL_routines:WRONG_VERSION_NUMBER' },
      { part: 'log', envoy: '268435703:SSL_routines:OPENSSL_internal:WRONG_VERSION_NUMBER', ringway: 'SSL_routines:WRONG_VERSION_NUMBER' },
    ],
  },
  {
    rows: ['overflow-pending'],
    reason: '%UPSTREAM_HOST% names the host that the request was meant for also when a circuit breaker kept it from waiting',
    changes: [{ part: 'log', envoy: 'no host', ringway: 'host' }],
  },
  {
    rows: ['direct-odd-body'],
    reason: 'grpc-message leaves ~ as it is, as gRPC over HTTP/2 has it; readers take both',
    changes: [{ part: 'caller', envoy: '%7E', ringway: '~' }],
  },
  {
    rows: ['goaway', 'goaway-error'],
    reason: 'a GOAWAY and what follows it on the running calls is no protocol error',
    changes: [{ part: 'counters', envoy: 'cluster.upstream_cx_protocol_error, ', ringway: '' }],
  },
  {
    rows: ['to-upstream'],
    reason: 'te: trailers is added for gRPC calls that lack it: servers that insist on it refuse them otherwise',
    changes: [{ part: 'upstream', envoy: ' x-envoy-expected', ringway: ' te=trailers x-envoy-expected' }],
  },
  {
    rows: ['controls-edge', 'own-id-edge'],
    reason: 'a caller on the same machine has the address it came from in x-forwarded-for; Envoy writes an address of this machine instead',
    changes: [{ part: 'upstream', envoy: '<this machine>', ringway: '127.0.0.1' }],
  },
];

/** Of one situation. */
export function differencesOf(row: string): readonly Difference[] {
  return DIFFERENCES.filter(({ rows }) => rows.includes(row));
}
