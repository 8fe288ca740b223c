// HTTP/1.1 by node:http: accepted and connected sockets whose exchanges look like HTTP/2 streams; framing is made anew on each side.
// Entry: `Http1Server.accept` for accepted sockets, `createHttp1Client` for connected ones. Knows no route, cluster or gRPC.
//
// const server = new Http1Server({ clock });   server.accept(socket, { initialBytes, scheme: 'http' }, { onStream: (stream) => handler, onClose });
// const client = createHttp1Client(socket, {}, { onAvailable, onCloseNotify, onClose });   client.openStream(handler)?.sendHeaders(headers, true);
export { createHttp1Client } from './client.ts';
export { type AcceptOptions, Http1Server } from './server.ts';
