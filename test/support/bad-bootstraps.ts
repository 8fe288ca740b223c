/** A bootstrap that Envoy refuses, and the lines that Ringway says about it (without the file's name). */
export interface BadBootstrap {
  readonly title: string;
  readonly text: string;
  readonly format?: 'json';
  readonly errors: readonly string[];
}

const BOOTSTRAP = 'message envoy.config.bootstrap.v3.Bootstrap';
const DURATION = 'a duration must start with an integer and end with s, like 0.25s or 15s';

export const badBootstraps: readonly BadBootstrap[] = [
  { title: 'empty', text: '', errors: [`1:1: empty: expected an object (${BOOTSTRAP})`] },
  { title: 'a scalar', text: 'hello\n', errors: [`1:1: expected an object (${BOOTSTRAP}), got the string "hello"`] },
  { title: 'a list', text: '- a\n', errors: [`1:1: expected an object (${BOOTSTRAP}), got a list`] },
  {
    title: 'bad YAML',
    text: 'node: [a\nadmin: {}\n',
    errors: ['2:1: bad YAML: flow sequence in block collection must be sufficiently indented and end with a ]'],
  },
  { title: 'YAML named .json', text: 'node: {id: a}\n', format: 'json', errors: ["1:1: invalid JSON: unexpected character 'n'"] },
  {
    title: 'JSON without its end',
    text: '{"node": {"id": "a"}',
    format: 'json',
    errors: ["1:21: invalid JSON: unexpected end of text, expected ',' or '}'"],
  },
  { title: 'an unknown top field', text: 'foo_bar: 1\n', errors: [`1:1: foo_bar: no such field: 'foo_bar' in ${BOOTSTRAP}`] },
  {
    title: 'a misspelt nested field',
    text: 'static_resources:\n  clusters:\n    - name: a\n      conect_timeout: 1s\n',
    errors: [
      "4:7: static_resources.clusters[0].conect_timeout: no such field: 'conect_timeout' in message envoy.config.cluster.v3.Cluster; did you mean 'connect_timeout'? (cluster \"a\")",
    ],
  },
  {
    title: 'bad durations, all of them',
    text: 'stats_flush_interval: 5\nstatic_resources:\n  clusters:\n    - {name: a, connect_timeout: abc}\n    - {name: b, connect_timeout: 1.5}\n',
    errors: [
      `1:23: stats_flush_interval: expected a duration, got the number 5; ${DURATION}`,
      `4:34: static_resources.clusters[0].connect_timeout: bad duration "abc": ${DURATION} (cluster "a")`,
      `5:34: static_resources.clusters[1].connect_timeout: bad duration "1.5": ${DURATION} (cluster "b")`,
    ],
  },
  {
    title: 'a bad enum',
    text: 'static_resources: {clusters: [{name: a, dns_lookup_family: BOGUS}]}\n',
    errors: [
      '1:60: static_resources.clusters[0].dns_lookup_family: unknown enum value: \'BOGUS\' for envoy.config.cluster.v3.Cluster.DnsLookupFamily; allowed: AUTO, V4_ONLY, V6_ONLY, V4_PREFERRED, ALL (cluster "a")',
    ],
  },
  {
    title: 'a number for a string',
    text: 'node: {id: 123, cluster: x}\n',
    errors: ['1:12: node.id: expected a string, got the number 123; write "123" in quotes'],
  },
  {
    title: 'what YAML calls a boolean',
    text: 'node: {id: x, cluster: on}\n',
    errors: ['1:24: node.cluster: expected a string, got the boolean on; write "on" in quotes'],
  },
  {
    title: 'a string for a boolean',
    text: 'stats_flush_on_admin: 1\n',
    errors: ['1:23: stats_flush_on_admin: expected true or false, got the number 1'],
  },
  {
    title: 'numbers out of range',
    text: 'admin: {address: {socket_address: {address: a, port_value: -1}}}\nstats_server_version_override: 99999999999999999999\n',
    errors: [
      '1:60: admin.address.socket_address.port_value: -1 is out of range for uint32 (0 to 4294967295)',
      '2:32: stats_server_version_override: 99999999999999999999 is out of range for uint64 (0 to 18446744073709551615)',
    ],
  },
  {
    title: 'two fields of one oneof',
    text: 'admin: {address: {socket_address: {address: 127.0.0.1, port_value: 1, named_port: b}}}\n',
    errors: [
      "1:71: admin.address.socket_address.named_port: 'port_value' is set already: only one field of the oneof 'port_specifier' may be (message envoy.config.core.v3.SocketAddress)",
    ],
  },
  {
    title: 'a list for an object',
    text: 'node: [a]\n',
    errors: ['1:7: node: expected an object (message envoy.config.core.v3.Node), got a list'],
  },
  {
    title: 'an unknown @type',
    text: 'static_resources: {listeners: [{name: l, address: {pipe: {path: x}}, filter_chains: [{filters: [{name: f, typed_config: {"@type": type.googleapis.com/nope.v1.X}}]}]}]}\n',
    errors: [
      '1:131: static_resources.listeners[0].filter_chains[0].filters[0].typed_config: could not find @type \'type.googleapis.com/nope.v1.X\' (listener "l")',
    ],
  },
  {
    title: '@type where there is no Any',
    text: 'node: {"@type": x, id: a}\n',
    errors: ["1:8: node.@type: no such field: '@type' in message envoy.config.core.v3.Node"],
  },
  {
    title: 'an unknown field inside an Any',
    text: 'static_resources:\n  clusters:\n    - name: a\n      typed_extension_protocol_options:\n        envoy.extensions.upstreams.http.v3.HttpProtocolOptions:\n          "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions\n          explicit: {}\n',
    errors: [
      '7:11: static_resources.clusters[0].typed_extension_protocol_options["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"].explicit: no such field: \'explicit\' in message envoy.extensions.upstreams.http.v3.HttpProtocolOptions (cluster "a")',
    ],
  },
  {
    title: 'a port above 65535',
    text: 'admin: {address: {socket_address: {address: 127.0.0.1, port_value: 99999}}}\n',
    errors: [
      '1:68: admin.address.socket_address.port_value: Proto constraint validation failed (BootstrapValidationError.Admin: embedded message failed validation | caused by AdminValidationError.Address: embedded message failed validation | caused by AddressValidationError.SocketAddress: embedded message failed validation | caused by SocketAddressValidationError.PortValue: value must be less than or equal to 65535)',
    ],
  },
  {
    title: 'constraints inside an Any start their chain afresh',
    text: 'static_resources:\n  listeners:\n    - name: l\n      address: {socket_address: {address: 127.0.0.1, port_value: 1}}\n      filter_chains:\n        - filters:\n            - name: tcp\n              typed_config:\n                "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy\n                stat_prefix: ""\n                cluster: b\n',
    errors: [
      '10:30: static_resources.listeners[0].filter_chains[0].filters[0].typed_config.stat_prefix: Proto constraint validation failed (TcpProxyValidationError.StatPrefix: value length must be at least 1 characters) (listener "l")',
    ],
  },
  {
    title: 'a required oneof that is not set',
    text: 'static_resources:\n  clusters:\n    - name: a\n      typed_extension_protocol_options:\n        envoy.extensions.upstreams.http.v3.HttpProtocolOptions:\n          "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions\n',
    errors: [
      '6:11: static_resources.clusters[0].typed_extension_protocol_options["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"]: Proto constraint validation failed (field: "upstream_protocol_options", reason: is required) (cluster "a")',
    ],
  },
  {
    title: 'a constraint beside an error, and none that only follows from the error',
    text: 'static_resources:\n  clusters:\n    - name: 1\n    - name: ""\n',
    errors: [
      '3:13: static_resources.clusters[0].name: expected a string, got the number 1; write "1" in quotes',
      '4:13: static_resources.clusters[1].name: Proto constraint validation failed (BootstrapValidationError.StaticResources: embedded message failed validation | caused by StaticResourcesValidationError.Clusters[1]: embedded message failed validation | caused by ClusterValidationError.Name: value length must be at least 1 characters)',
    ],
  },
];
