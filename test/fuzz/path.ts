import { rm } from 'node:fs/promises';
import { Http2ProtocolOptions } from '../../src/gen/envoy/config/core/v3/protocol.ts';
import { createClientConnection, createServerConnection, findField, headerBlock } from '../../src/http2/index.ts';
import type { Http2Connection, StreamHandler } from '../../src/http2/types.ts';
import type { Connect } from '../../src/proxy/upstream/types.ts';
import { type DataPlane, egressRetries, http2Cluster, routeTo, startDataPlane } from '../support/data-plane.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { echoHandler } from '../support/http2-echo.ts';
import { message, ms } from '../support/message.ts';
import { type MemorySocket, memoryPair } from './memory-socket.ts';

const WILD = '127.0.0.1:1';
const TAME = '127.0.0.1:2';

/** The sidecar's data plane between memory sockets: paths below /fuzz go to an upstream that misbehaves, all others to one that echoes. */
export class Path {
  readonly clock: FakeClock = new FakeClock();
  /** What the data plane throws dice with, and who answers below /fuzz: another in each case. */
  random: () => number = () => 0;
  onWild: () => MemorySocket = () => memoryPair()[0];
  readonly #directory: string;
  readonly #tame: Http2Connection[] = [];
  #plane!: DataPlane;
  #onSocket!: (socket: MemorySocket) => void;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** `isLenient`: a malformed message ends its stream only. */
  static async start(directory: string, isLenient: boolean): Promise<Path> {
    const path = new Path(directory);
    path.#plane = await startDataPlane({
      directory,
      format: '%RESPONSE_CODE%',
      clusters: [
        http2Cluster('wild', [[WILD]], {
          http2ProtocolOptions: message(Http2ProtocolOptions, { overrideStreamErrorOnInvalidHttpMessage: isLenient }),
        }),
        http2Cluster('tame', [[TAME]]),
      ],
      routes: [
        routeTo('wild', { retryPolicy: egressRetries({ perTryTimeout: ms(300) }), timeout: ms(2000) }, '/fuzz/1'),
        routeTo('wild', { timeout: ms(0) }, '/fuzz'),
        routeTo('tame', { timeout: ms(0) }),
      ],
      manager: { streamErrorOnInvalidHttpMessage: isLenient },
      parts: {
        clock: path.clock,
        random: () => path.random(),
        connect: path.#connect,
        listen: async (_options, { onSocket }) => {
          path.#onSocket = onSocket;
          return { address: { host: '127.0.0.1', port: 9096 }, close: async () => {} };
        },
      },
    });
    return path;
  }

  /** A connection comes in. */
  accept(socket: MemorySocket): void {
    this.#onSocket(socket);
  }

  /** Connections of the good upstream end. */
  endTame(): void {
    for (const connection of this.#tame.splice(0)) connection.destroy();
  }

  /** What is still counted as going on, when nothing should. */
  faults(): string[] {
    return this.#plane.metrics.series().flatMap(({ id, metric }) => {
      const isLevel = id.stat?.endsWith('_active') || id.stat?.endsWith('_open');
      return isLevel && 'value' in metric && metric.value !== 0 ? [`${id.stat} is ${metric.value} after the end`] : [];
    });
  }

  /** Ends it. Faults: requests that never ended, or twice. */
  async stop(): Promise<string[]> {
    const requests = this.#plane.stat('http.test.downstream_rq_total');
    const time = this.#plane.metrics.series().find(({ id }) => id.stat === 'http.test.downstream_rq_time')?.metric;
    const ended = time && 'count' in time ? time.count : 0;
    await this.#plane.stop();
    await rm(this.#directory, { recursive: true, force: true });
    return ended === requests ? [] : [`of ${requests} requests ${ended} have ended`];
  }

  readonly #connect: Connect = ({ port }, { onConnected }) => {
    let isCancelled = false;
    process.nextTick(() => {
      if (!isCancelled) onConnected(port === 1 ? this.onWild() : this.#tameUpstream());
    });
    return {
      cancel: () => {
        isCancelled = true;
      },
    };
  };

  #tameUpstream(): MemorySocket {
    const [near, far] = memoryPair();
    this.#tame.push(createServerConnection(far, { clock: this.clock }, { onStream: echoHandler, onClose: () => {} }));
    return near;
  }
}

/** A caller that does all right; it must be served all right whatever others do. */
export class TameCaller {
  readonly #connection: Http2Connection;
  readonly #calls: { readonly sent: Buffer; readonly came: Buffer[]; status: string; trailers: string; reset: string }[] = [];

  constructor(path: Path) {
    const [near, far] = memoryPair();
    path.accept(far);
    this.#connection = createClientConnection(near, { clock: path.clock }, { onStream: () => echoHandlerOfNobody(), onClose: () => {} });
  }

  /** Sends a body, which must come back. */
  call(body: Buffer): void {
    const call = { sent: body, came: [] as Buffer[], status: '', trailers: '', reset: '' };
    this.#calls.push(call);
    const stream = this.#connection.openStream({
      onHeaders: (headers) => {
        call.status = findField(headers, ':status')?.value ?? '';
      },
      onData: (chunk) => {
        call.came.push(Buffer.from(chunk));
        stream?.credit(chunk.length);
      },
      onTrailers: (trailers) => {
        call.trailers = trailers.map(({ name, value }) => `${name}=${value}`).join();
      },
      onReset: ({ code, origin }) => {
        call.reset = `${origin} ${code}`;
      },
      onDrain: () => {},
    });
    stream?.sendHeaders(REQUEST, false);
    stream?.sendData(body, true);
  }

  leave(): void {
    this.#connection.destroy();
  }

  faults(): string[] {
    return this.#calls.flatMap(({ sent, came, status, trailers, reset }, i) => {
      const isGood = status === '200' && trailers === 'grpc-status=0' && reset === '' && Buffer.concat(came).equals(sent);
      return isGood
        ? []
        : [`call ${i} of another caller: ${status} ${trailers} reset "${reset}" ${Buffer.concat(came).length} of ${sent.length} octets`];
    });
  }
}

const REQUEST = headerBlock([
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/tame'],
  [':authority', 'tempo'],
  ['content-type', 'application/grpc'],
  ['te', 'trailers'],
]);

function echoHandlerOfNobody(): StreamHandler {
  throw new Error('a server opens no streams');
}
