import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { Test } from 'tap';
import { type NatsServer, natsServer } from './nats-server.ts';
import { freePorts } from './ports.ts';

/** Three real nats-servers that are one cluster, started. Undefined when nats-server is absent. */
export async function natsCluster(t: Test): Promise<readonly NatsServer[] | undefined> {
  const [ports, routes] = [await freePorts(3), await freePorts(3)];
  const servers: NatsServer[] = [];
  for (const [i, port] of ports.entries()) {
    const others = routes.map((route) => `"nats://127.0.0.1:${route}"`).join(', ');
    const config = `cluster { name: ringway, listen: "127.0.0.1:${routes[i]}", routes: [${others}] }`;
    const server = await natsServer(t, { port, config, name: `n${i + 1}` });
    if (server === undefined) return undefined;
    servers.push(server);
  }
  await Promise.all(servers.map((server) => server.start()));
  return servers;
}

/** Which of the servers leads the bucket; waits until one does. */
export async function leaderOf(servers: readonly NatsServer[], bucket: string): Promise<NatsServer> {
  const nc = await connect({ servers: servers.map(({ url }) => url) });
  try {
    const jsm = await jetstreamManager(nc, { checkAPI: false });
    for (;;) {
      const info = await jsm.streams.info(`KV_${bucket}`).catch(() => undefined);
      const leader = servers[Number(info?.cluster?.leader?.slice(1)) - 1];
      if (leader !== undefined && info?.cluster?.replicas?.every(({ current }) => current)) return leader;
    }
  } finally {
    await nc.close();
  }
}
