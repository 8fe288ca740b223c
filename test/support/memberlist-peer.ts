// A member of Tempo's gossip as an observer meets it: dskit's TCP transport with memberlist's stream protocol behind it.
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Test } from 'tap';
import { encodeInstanceRing, encodePartitionRing, type InstanceRing, type PartitionRing } from '../../src/membership/dskit/index.ts';
import { type Compression, compressMessage, encodePairs, encodePushPull, type FakeNode, type FakePair } from './memberlist-messages.ts';

export interface MemberlistPeerOptions {
  /** `memberlist.cluster_label`; '' unless given. */
  readonly clusterLabel?: string;
  /** PEM; plain TCP unless given. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** 127.0.0.1 unless given. */
  readonly host?: string;
  /** A free one unless given. */
  readonly port?: number;
}

/** What it answers may be changed while it runs. */
export interface MemberlistPeer {
  readonly address: string;
  readonly port: number;
  pairs: readonly FakePair[];
  nodes: readonly FakeNode[];
  compression: Compression;
  /** Answers by itself, or never, instead of with pairs and nodes. */
  answer: ((socket: Socket) => void) | null;
  /** Whole requests that were read, in hexadecimal. */
  readonly requests: readonly string[];
  /** Connections that are open now. */
  readonly open: number;
  close(): Promise<void>;
}

/** Both rings of Tempo as pairs. */
export function ringPairs(instances: InstanceRing, partitions: PartitionRing): readonly FakePair[] {
  return [
    { key: 'collectors/live-store', value: encodeInstanceRing(instances), codec: 'ringDesc' },
    { key: 'collectors/livestore-partitions', value: encodePartitionRing(partitions), codec: 'partitionRingDesc' },
  ];
}

/** Listens on a free port until the test ends. */
export async function startMemberlistPeer(t: Test, options: MemberlistPeerOptions = {}): Promise<MemberlistPeer> {
  const sockets = new Set<Socket>();
  const requests: string[] = [];
  const onConnection = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    void serve(socket, peer, options.clusterLabel ?? '', requests);
  };
  const server = options.tls === undefined ? createServer(onConnection) : createTlsServer(options.tls, onConnection);
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, options.host ?? '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const peer: MemberlistPeer = {
    address: `${options.host ?? '127.0.0.1'}:${port}`,
    port,
    pairs: [],
    nodes: [],
    compression: 'none',
    answer: null,
    requests,
    get open() {
      return sockets.size;
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
  t.teardown(() => peer.close());
  return peer;
}

/** memberlist's handleConn (net.go): the label must be ours, else nobody gets an answer. */
async function serve(socket: Socket, peer: MemberlistPeer, clusterLabel: string, requests: string[]): Promise<void> {
  const read = reader(socket);
  try {
    const stream = await read(1);
    if (stream[0] !== 2) return void socket.destroy();
    let head = await read(1);
    let label: Buffer = Buffer.alloc(0);
    if (head[0] === 244) {
      label = await read((await read(1))[0] as number);
      head = await read(1);
    }
    if (label.toString() !== clusterLabel) return void socket.destroy();
    const header = await read(28);
    const expected = Buffer.from('\x83\xa4Join\xc2\xa5Nodes\x00\xacUserStateLen\x00', 'latin1');
    if (head[0] !== 6 || !header.equals(expected)) return void socket.destroy();
    requests.push(Buffer.concat([stream, label, head, header]).toString('hex'));
    if (peer.answer !== null) return peer.answer(socket);
    socket.end(compressMessage(encodePushPull(peer.nodes, encodePairs(peer.pairs)), peer.compression));
  } catch {
    socket.destroy();
  }
}

/** Reads exactly so many octets; what comes later waits. */
function reader(socket: Socket): (length: number) => Promise<Buffer> {
  let received = Buffer.alloc(0);
  let wake = (): void => {};
  let isOver = false;
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    wake();
  });
  socket.on('close', () => {
    isOver = true;
    wake();
  });
  return async (length) => {
    while (received.length < length) {
      if (isOver) throw new Error('closed');
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    const taken = received.subarray(0, length);
    received = received.subarray(length);
    return taken;
  };
}
