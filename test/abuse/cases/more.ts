// 64–66, 68–72: what takes time, several connections, or another party. Each has a test of its own in this folder; of 68 in test/transport/tls.test.ts,
// of 69 in test/proxy/admin and test/cli.
/** One row of the page. */
export interface MoreAbuse {
  readonly number: number;
  readonly name: string;
  readonly envoy: string;
  readonly ringway: string;
  readonly counter: string | null;
  readonly limit: string;
}

export const MORE: readonly MoreAbuse[] = [
  {
    number: 64,
    name: 'slowloris: a preface or a header block that never ends',
    envoy: 'nothing before idle_timeout (1 h)',
    ringway: 'closed after 15 s',
    counter: 'http2.preface_timeout, http.<prefix>.downstream_rq_header_timeout',
    limit: 'request_headers_timeout (15 s where it is unset)',
  },
  {
    number: 65,
    name: 'bodies that stand still, windows of zero, readers that do not read (CVE-2019-9511, CVE-2019-9517)',
    envoy: 'local reply 408 or reset after 5 min',
    ringway: 'local reply 408 or reset after 5 min; a connection whose socket does not move is closed',
    counter: 'http.<prefix>.downstream_rq_idle_timeout, http2.tx_flush_timeout',
    limit: 'stream_idle_timeout (5 min), stream_flush_timeout, max_outbound_frames (10 000), per_connection_buffer_limit_bytes (1 MiB)',
  },
  {
    number: 66,
    name: 'a gRPC message of 100 MB',
    envoy: 'forwarded, bounded by watermarks',
    ringway: 'forwarded, bounded by per_connection_buffer_limit_bytes',
    counter: null,
    limit: 'none',
  },
  {
    number: 68,
    name: 'TLS 1.1, renegotiation',
    envoy: 'handshake refused',
    ringway: 'handshake refused',
    counter: 'listener.<address>.ssl.connection_error',
    limit: 'tls_minimum_protocol_version (1.2)',
  },
  {
    number: 69,
    name: 'admin pages that others can reach',
    envoy: 'no login',
    ringway: 'no login; the pages of `inbound` and `egress` are off unless --admin, and on loopback unless it names a host',
    counter: null,
    limit: 'none: bind it to loopback',
  },
  {
    number: 70,
    name: 'poisoned xDS: a cluster of clusters, a regex that explodes, a listener on the port of the admin pages, a response of 100 MB',
    envoy: 'NACK of the resource, the last good one serves',
    ringway: 'NACK of the resource, the last good one serves',
    counter: 'listener_manager.lds.update_rejected, cluster_manager.cds.update_rejected',
    limit: '64 MiB a response, of which the stream ends',
  },
  {
    number: 71,
    name: 'an upstream that answers with an upper-case name, a :status of two digits, or 101 headers',
    envoy: 'gRPC 14, HTTP 502, flag UPE; 101 headers: 503, UR',
    ringway: 'gRPC 14, HTTP 502, flag UPE; 101 headers: 503, UR',
    counter: 'cluster.<name>.http2.rx_messaging_error, cluster.<name>.http2.header_overflow',
    limit: 'max_headers_count (100)',
  },
  {
    number: 72,
    name: '10 000 connections',
    envoy: 'a warning, no limit',
    ringway: 'closed at once above the limit',
    counter: 'listener.<address>.downstream_global_cx_overflow',
    limit: 'envoy.resource_monitors.global_downstream_max_connections (64 KiB of memory and two open files a connection)',
  },
];
