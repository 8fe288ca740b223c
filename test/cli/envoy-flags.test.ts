import t from 'tap';
import { commandLineOptions, parseEnvoyFlags } from '../../src/cli/sidecar/envoy-flags.ts';

t.test('every flag of Envoy is taken, in all its spellings', async (t) => {
  const values = parseEnvoyFlags(
    '-c envoy.yaml -l warning --service-node=n --service-cluster c --concurrency 4 --drain-time-s=5 --mode validate --base-id 7 --use-dynamic-base-id --disable-hot-restart --restart-epoch 2 --stats-tag a:b --log-format %v'.split(
      ' ',
    ),
  );
  t.equal(values.get('config_path'), 'envoy.yaml');
  t.equal(values.get('log_level'), 'warning');
  t.equal(values.get('service_node'), 'n');
  t.equal(values.get('concurrency'), 4);
  t.equal(values.get('drain_time'), 5);
  t.equal(values.get('mode'), 'validate');
  t.equal(values.get('use_dynamic_base_id'), true);
  t.equal(values.get('restart_epoch'), 2);
});

t.test('what cannot be understood is named', async (t) => {
  const fails = (words: string[], message: string): unknown => t.throws(() => parseEnvoyFlags(words), { code: 'ENVOY_FLAGS', message });
  fails(['--nope'], "PARSE ERROR: Argument: --nope: couldn't find match for argument");
  fails(['-c'], 'PARSE ERROR: Argument: -c: missing a value for this argument');
  fails(['--concurrency', 'many'], "PARSE ERROR: Argument: --concurrency: couldn't read argument value from string 'many'");
  fails(['--concurrency', '-1'], "PARSE ERROR: Argument: --concurrency: couldn't read argument value from string '-1'");
  fails(['--base-id', '4294967296'], "PARSE ERROR: Argument: --base-id: couldn't read argument value from string '4294967296'");
  fails(['--mode', 'x'], 'PARSE ERROR: Argument: --mode: "x" is not allowed; allowed: serve, validate, init_only');
  fails(['--disable-hot-restart=1'], 'PARSE ERROR: Argument: --disable-hot-restart: takes no value');
  fails(['envoy.yaml'], "PARSE ERROR: Argument: envoy.yaml: couldn't find match for argument");
});

t.test('the server info shows every option with its default, as Envoy writes it', async (t) => {
  const options = commandLineOptions(parseEnvoyFlags([]));
  t.match(options, {
    base_id: '0',
    concurrency: 1,
    config_path: '',
    local_address_ip_version: 'v4',
    log_level: 'info',
    drain_strategy: 'Gradual',
    drain_time: '600s',
    parent_shutdown_time: '900s',
    file_flush_interval: '10s',
    file_flush_min_size: 0,
    mode: 'Serve',
    disable_hot_restart: false,
    restart_epoch: 0,
    socket_path: '@envoy_domain_socket',
    disabled_extensions: [],
  });
});
