/** Counters that dashboards and alerts are made of, of one connection manager and of one cluster. */
const HTTP =
  /^(downstream_rq_(total|http2_total|[1-5]xx|completed|rx_reset|tx_reset|timeout|idle_timeout|max_duration_reached)|downstream_cx_(protocol_error|drain_close)|no_route|no_cluster|rq_total|rq_direct_response)$/;
const CLUSTER =
  /^(upstream_cx_(total|http2_total|connect_fail|connect_timeout|destroy|close_notify|overflow|none_healthy|protocol_error)|upstream_rq_(total|pending_total|pending_overflow|active_overflow|timeout|per_try_timeout|rx_reset|tx_reset|retry|retry_success|retry_limit_exceeded|retry_overflow|completed|[1-5]xx|[1-5]\d\d)|(retry|external|internal)\.upstream_rq_completed|lb_healthy_panic|http2\.(rx_reset|tx_reset|rx_messaging_error))$/;

/** Which of them have moved for a situation, in one line. */
export function countersOf(name: string, stats: ReadonlyMap<string, number>): string {
  const moved: string[] = [];
  for (const [prefix, known] of [
    ['http', HTTP],
    ['cluster', CLUSTER],
  ] as const) {
    for (const [stat, value] of stats) {
      const start = `${prefix}.${name}.`;
      const short = stat.startsWith(start) ? stat.slice(start.length) : '';
      if (value > 0 && known.test(short)) moved.push(`${prefix}.${short}${value === 1 ? '' : ` ${value}`}`);
    }
  }
  return moved.sort().join(', ');
}
