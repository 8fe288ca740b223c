// The cheapest proxy that Node can be: bytes of one socket go to another. Arguments: pairs of listening port and port to connect to.
import { connect, createServer } from 'node:net';

const ports = process.argv.slice(2).map(Number);
for (let index = 0; index < ports.length; index += 2) {
  const upstreamPort = ports[index + 1] as number;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (downstream) => {
    const upstream = connect({ port: upstreamPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    downstream.pipe(upstream).pipe(downstream);
    downstream.on('error', () => upstream.destroy());
    upstream.on('error', () => downstream.destroy());
  });
  server.listen(ports[index], '127.0.0.1');
}
