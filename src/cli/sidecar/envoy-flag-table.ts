/** One flag of Envoy's command line. */
export interface EnvoyFlag {
  readonly name: string;
  readonly short?: string;
  /** Field of envoy.admin.v3.CommandLineOptions. */
  readonly option: string;
  readonly kind: 'text' | 'number' | 'switch';
  readonly fallback: string | number | boolean;
  /** The only texts it takes. */
  readonly allowed?: readonly string[];
  /** Its form in /server_info, unless the value itself. */
  readonly shown?: (value: string | number) => unknown;
}

const seconds = (value: string | number): string => `${value}s`;
const milliseconds = (value: string | number): string => `${Number(value) / 1000}s`;
const text = (value: string | number): string => String(value);
const capital = (value: string | number): string => `${String(value).slice(0, 1).toUpperCase()}${String(value).slice(1)}`;

/** https://www.envoyproxy.io/docs/envoy/latest/operations/cli. What a one-process sidecar has no use for is taken and shown, not acted on. */
export const ENVOY_FLAGS: readonly EnvoyFlag[] = [
  { name: 'base-id', option: 'base_id', kind: 'number', fallback: 0, shown: text },
  { name: 'use-dynamic-base-id', option: 'use_dynamic_base_id', kind: 'switch', fallback: false },
  { name: 'skip-hot-restart-on-no-parent', option: 'skip_hot_restart_on_no_parent', kind: 'switch', fallback: false },
  { name: 'skip-hot-restart-parent-stats', option: 'skip_hot_restart_parent_stats', kind: 'switch', fallback: false },
  { name: 'base-id-path', option: 'base_id_path', kind: 'text', fallback: '' },
  { name: 'concurrency', option: 'concurrency', kind: 'number', fallback: 1 },
  { name: 'config-path', short: 'c', option: 'config_path', kind: 'text', fallback: '' },
  { name: 'config-yaml', option: 'config_yaml', kind: 'text', fallback: '' },
  { name: 'allow-unknown-static-fields', option: 'allow_unknown_static_fields', kind: 'switch', fallback: false },
  { name: 'allow-unknown-fields', option: 'allow_unknown_static_fields', kind: 'switch', fallback: false },
  { name: 'reject-unknown-dynamic-fields', option: 'reject_unknown_dynamic_fields', kind: 'switch', fallback: false },
  { name: 'ignore-unknown-dynamic-fields', option: 'ignore_unknown_dynamic_fields', kind: 'switch', fallback: false },
  { name: 'skip-deprecated-logs', option: 'skip_deprecated_logs', kind: 'switch', fallback: false },
  { name: 'admin-address-path', option: 'admin_address_path', kind: 'text', fallback: '' },
  { name: 'local-address-ip-version', option: 'local_address_ip_version', kind: 'text', fallback: 'v4', allowed: ['v4', 'v6'] },
  {
    name: 'log-level',
    short: 'l',
    option: 'log_level',
    kind: 'text',
    fallback: 'info',
    allowed: ['trace', 'debug', 'info', 'warning', 'warn', 'error', 'critical', 'off'],
  },
  { name: 'component-log-level', option: 'component_log_level', kind: 'text', fallback: '' },
  { name: 'log-format', option: 'log_format', kind: 'text', fallback: '' },
  { name: 'log-format-escaped', option: 'log_format_escaped', kind: 'switch', fallback: false },
  { name: 'enable-fine-grain-logging', option: 'enable_fine_grain_logging', kind: 'switch', fallback: false },
  { name: 'log-path', option: 'log_path', kind: 'text', fallback: '' },
  { name: 'service-cluster', option: 'service_cluster', kind: 'text', fallback: '' },
  { name: 'service-node', option: 'service_node', kind: 'text', fallback: '' },
  { name: 'service-zone', option: 'service_zone', kind: 'text', fallback: '' },
  { name: 'file-flush-interval-msec', option: 'file_flush_interval', kind: 'number', fallback: 10_000, shown: milliseconds },
  { name: 'file-flush-min-size-kb', option: 'file_flush_min_size', kind: 'number', fallback: 0 },
  { name: 'drain-time-s', option: 'drain_time', kind: 'number', fallback: 600, shown: seconds },
  {
    name: 'drain-strategy',
    option: 'drain_strategy',
    kind: 'text',
    fallback: 'gradual',
    allowed: ['gradual', 'immediate'],
    shown: capital,
  },
  { name: 'parent-shutdown-time-s', option: 'parent_shutdown_time', kind: 'number', fallback: 900, shown: seconds },
  { name: 'mode', option: 'mode', kind: 'text', fallback: 'serve', allowed: ['serve', 'validate', 'init_only'], shown: capital },
  { name: 'disable-hot-restart', option: 'disable_hot_restart', kind: 'switch', fallback: false },
  { name: 'enable-mutex-tracing', option: 'enable_mutex_tracing', kind: 'switch', fallback: false },
  { name: 'restart-epoch', option: 'restart_epoch', kind: 'number', fallback: 0 },
  { name: 'cpuset-threads', option: 'cpuset_threads', kind: 'switch', fallback: false },
  {
    name: 'disable-extensions',
    option: 'disabled_extensions',
    kind: 'text',
    fallback: '',
    shown: (value) => String(value).split(',').filter(Boolean),
  },
  { name: 'socket-path', option: 'socket_path', kind: 'text', fallback: '@envoy_domain_socket' },
  { name: 'socket-mode', option: 'socket_mode', kind: 'number', fallback: 0 },
  { name: 'enable-core-dump', option: 'enable_core_dump', kind: 'switch', fallback: false },
  { name: 'stats-tag', option: 'stats_tag', kind: 'text', fallback: '', shown: (value) => String(value).split(',').filter(Boolean) },
];
