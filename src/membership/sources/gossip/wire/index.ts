// memberlist's push/pull over a stream, as bytes: what an observer sends, and what it is answered. Begin with reply.ts. Pure.
export type { GossipNode } from './node.ts';
export { decodePullReply, MAX_REPLY_BYTES, type PullReply } from './reply.ts';
export { encodePullRequest } from './request.ts';
