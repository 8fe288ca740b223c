// The HTTP/2 engine: frames, HPACK, flow control, streams, as plain calls over any Duplex; no policy. Knows no route, cluster or gRPC.
//
// const connection = createServerConnection(socket, { clock: systemClock, initialBytes: sniffed }, {
//   onStream: (stream) => ({ onHeaders(headers, endStream) { findField(headers, ':path')?.value … }, onData(chunk, end) { … stream.credit(chunk.length) }, … }),
//   onClose: (error) => { … },
// });
// const upstream = createClientConnection(socket, { clock }, { onStream, onClose });   const stream = upstream.openStream(handler);
// stream?.sendHeaders(headers, false); if (!stream.sendData(chunk, false)) stop crediting the other side until onDrain.
// Pass received Field objects on as they are (never copy name and value): they keep their octets and table places.
export { BufferBudget } from './buffer-budget.ts';
export { createCodecStats, type Http2CodecStats } from './codec-stats.ts';
export { createClientConnection, createServerConnection } from './connection.ts';
export type { ConnectionOptions } from './connection-options.ts';
export { Http2Error } from './errors.ts';
export { field, findField, headerBlock, octetField, plainOctets, statusOf, type ValueBytes } from './hpack/header-field.ts';
export { requestFault, responseFault } from './message-faults.ts';
export { looksLikeHttp2Preface } from './preface.ts';
export { ErrorCode, errorCodeName } from './protocol.ts';
export { borrowSlab, releaseSlab, SLAB_SIZE } from './slab-pool.ts';
