// The layer table of ARCHITECTURE.md. A folder imports only from rows below its own; folders of one row do not see each other;
// another folder is entered only by index.ts or types.ts; no cycles. A pattern of a parent leaves out children with a row of their own.
const rows = [
  ['cli'],
  ['roles'],
  ['demo', 'gateway', 'federation'],
  ['control', 'otlp', 'proxy/admin', 'proxy/worker'],
  ['proxy/listener'],
  ['proxy/filter'],
  ['proxy/upstream'],
  ['proxy/route', 'proxy/access-log'],
  ['proxy/cluster', 'membership/sources'],
  ['proxy/tls'],
  ['proxy/runtime', 'membership/bus', 'membership/agent'],
  ['proxy/bootstrap', 'admin', 'xds'],
  ['envoy', 'membership'],
  ['grpc', 'http1'],
  ['http2'],
  ['transport'],
  ['telemetry'],
  ['config'],
  ['core'],
  ['gen'],
  ['protobuf'],
];

const folders = rows.flat();
const children = (folder) => folders.filter((other) => other.startsWith(`${folder}/`)).map((other) => other.slice(folder.length + 1));
const pattern = (folder) => {
  const own = children(folder);
  return own.length === 0 ? `^src/${folder}/` : `^src/${folder}/(?!(${own.join('|')})/)`;
};
const any = (names) => names.map(pattern).join('|');

const forbidden = [];
rows.forEach((row, index) => {
  const above = rows.slice(0, index).flat();
  for (const folder of row) {
    const beside = row.filter((other) => other !== folder);
    const refused = [...above, ...beside];
    if (refused.length === 0) continue;
    forbidden.push({ name: `layer: ${folder}`, severity: 'error', from: { path: pattern(folder) }, to: { path: any(refused) } });
  }
});
for (const folder of folders) {
  if (folder === 'gen' || folder === 'roles') continue; // a role is entered by its own file: an index would load all of them
  forbidden.push({
    name: `front door: ${folder}`,
    comment: 'enter another folder by its index.ts or types.ts',
    severity: 'error',
    from: { path: '^src/', pathNot: pattern(folder) },
    to: { path: pattern(folder), pathNot: '/(index|types)\\.ts$' },
  });
}
forbidden.push({ name: 'no cycles', severity: 'error', from: { path: '^src/', pathNot: '^src/gen/' }, to: { circular: true } });
forbidden.push({
  name: 'src knows no tests',
  severity: 'error',
  from: { path: '^src/' },
  to: { path: '^(test|tools|bench)/' },
});

module.exports = {
  forbidden,
  options: { tsPreCompilationDeps: true, tsConfig: { fileName: 'tsconfig.json' }, doNotFollow: { path: ['node_modules', '^src/gen/'] } },
};
