import ipaddr from 'ipaddr.js';
import type { HostPort } from '../../../../core/index.ts';
import type { MsgpackReader } from './msgpack.ts';

/** Where another member of the gossip listens, as one of them says. The host is a literal address. */
export type GossipNode = HostPort;

/** NodeStateType (memberlist state.go): alive 0, suspect 1, dead 2, left 3. */
const ALIVE = 0;

/** Reads one pushNodeState (memberlist net.go). Null when it is not alive or has no usable address. */
export function readNode(reader: MsgpackReader): GossipNode | null {
  let address: Uint8Array = new Uint8Array();
  let port = 0;
  let state = ALIVE;
  reader.struct((name) => {
    if (name === 'Addr') address = reader.bytes();
    else if (name === 'Port') port = reader.count(0xffff);
    else if (name === 'State') state = reader.count(0xff);
    else return false;
    return true;
  });
  if (state !== ALIVE || port === 0 || (address.length !== 4 && address.length !== 16)) return null;
  return { host: ipaddr.process(ipaddr.fromByteArray([...address]).toString()).toString(), port };
}
