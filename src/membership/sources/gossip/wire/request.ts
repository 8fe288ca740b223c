import { LABEL, PUSH_PULL } from './message-type.ts';

/** dskit's first octet of a connection that carries a stream (kv/memberlist/tcp_transport.go). */
const STREAM = 2;

/** `{Join: false, Nodes: 0, UserStateLen: 0}`: whoever has no nodes and no state to push is merged with nothing and stays unknown. */
const EMPTY_PUSH: Uint8Array = Buffer.concat([
  Buffer.of(PUSH_PULL, 0x83),
  Buffer.from('\xa4Join\xc2\xa5Nodes\x00\xacUserStateLen\x00', 'latin1'),
]);

/** What is sent to be told all that a member of the gossip knows. `clusterLabel`: '' when there is none, at most 255 octets. */
export function encodePullRequest(clusterLabel: string): Uint8Array {
  const label = Buffer.from(clusterLabel);
  const header = label.length === 0 ? label : Buffer.concat([Buffer.of(LABEL, label.length), label]);
  return Buffer.concat([Buffer.of(STREAM), header, EMPTY_PUSH]);
}
