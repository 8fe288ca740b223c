import { hostname } from 'node:os';
import { findField } from '../../../http2/index.ts';
import type { Field, HeaderBlock } from '../../../http2/types.ts';
import { refuse } from '../../runtime/compile/index.ts';
import { RESPONSE_FLAGS, type ResponseFlag } from '../flags.ts';
import type { RequestRecord } from '../record.ts';
import { grpcStatusName, grpcStatusOf, grpcStatusSnakeName } from './grpc-status.ts';
import { compileTimeFormat, isoTime } from './start-time.ts';

/** One value of a line: a header's as its field, whose octets need not become a text; null when it is absent. */
export type Value = (record: RequestRecord) => string | number | Field | null;

/** What a command operator has in its parentheses; '' without. Throws CompileError for an argument it cannot do. */
type CommandCompiler = (argument: string, path: string) => Value;

const plain =
  (value: Value): CommandCompiler =>
  (argument, path) =>
    argument === '' ? value : refuse(path, `takes no argument, but has (${argument})`);

const since =
  (to: (record: RequestRecord) => number | undefined): Value =>
  (record) => {
    const end = to(record);
    return end === undefined ? null : Math.round(end - record.startMs);
  };

const orNull = (text: string | undefined): string | null => (text === undefined || text === '' ? null : text);
const withoutPort = (address: string): string => address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');

/** `NAME?OTHER`: the first of the two headers that is there. */
const header =
  (of: (record: RequestRecord) => HeaderBlock): CommandCompiler =>
  (argument, path) => {
    const [first = '', second] = argument.toLowerCase().split('?');
    if (first === '') refuse(path, 'needs the name of a header');
    return (record) => {
      const block = of(record);
      return findField(block, first) ?? (second === undefined ? undefined : findField(block, second)) ?? null;
    };
  };

/** Command operators by name (Envoy, "Access logging", command operators). What is not here refuses the format. */
export const COMMANDS: Readonly<Record<string, CommandCompiler>> = {
  START_TIME: (argument, path) => {
    const format = argument === '' ? isoTime() : compileTimeFormat(path, argument);
    return (record) => format(record.startedAtMs);
  },
  REQ: header(({ requestHeaders }) => requestHeaders),
  RESP: header(({ responseHeaders }) => responseHeaders),
  TRAILER: header(({ responseTrailers }) => responseTrailers),
  PROTOCOL: plain(({ protocol }) => orNull(protocol)),
  RESPONSE_CODE: plain(({ responseCode }) => responseCode),
  RESPONSE_CODE_DETAILS: plain(({ details }) => orNull(details)),
  RESPONSE_FLAGS: plain(({ flags }) => orNull(flags)),
  RESPONSE_FLAGS_LONG: plain(({ flags }) => orNull(longFlags(flags))),
  BYTES_RECEIVED: plain(({ bytesReceived }) => bytesReceived),
  BYTES_SENT: plain(({ bytesSent }) => bytesSent),
  DURATION: plain(since(({ endMs }) => endMs)),
  REQUEST_DURATION: plain(since(({ requestEndMs }) => requestEndMs)),
  RESPONSE_DURATION: plain(since(({ responseStartMs }) => responseStartMs)),
  RESPONSE_TX_DURATION: plain(({ endMs, responseStartMs }) =>
    endMs === undefined || responseStartMs === undefined ? null : Math.round(endMs - responseStartMs),
  ),
  UPSTREAM_HOST: plain(({ upstreamHost }) => orNull(upstreamHost)),
  UPSTREAM_CLUSTER: plain(({ upstreamCluster }) => orNull(upstreamCluster)),
  UPSTREAM_CLUSTER_RAW: plain(({ upstreamCluster }) => orNull(upstreamCluster)),
  UPSTREAM_TRANSPORT_FAILURE_REASON: plain(({ upstreamFailure }) => orNull(upstreamFailure)),
  UPSTREAM_REQUEST_ATTEMPT_COUNT: plain(({ attempts }) => attempts),
  DOWNSTREAM_REMOTE_ADDRESS: plain(({ downstreamRemote }) => downstreamRemote),
  DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: plain(({ downstreamRemote }) => withoutPort(downstreamRemote)),
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS: plain(({ downstreamRemote }) => downstreamRemote),
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT: plain(({ downstreamRemote }) => withoutPort(downstreamRemote)),
  DOWNSTREAM_LOCAL_ADDRESS: plain(({ downstreamLocal }) => downstreamLocal),
  DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT: plain(({ downstreamLocal }) => withoutPort(downstreamLocal)),
  ROUTE_NAME: plain(({ routeName }) => orNull(routeName)),
  GRPC_STATUS: (argument, path) => {
    const write = { '': grpcStatusName, CAMEL_STRING: grpcStatusName, SNAKE_STRING: grpcStatusSnakeName, NUMBER: String }[argument];
    if (!write) return refuse(path, `"${argument}" is not supported (only CAMEL_STRING, SNAKE_STRING, NUMBER)`);
    return (record) => {
      const status = grpcStatusOf(record);
      return status === undefined ? null : write(status);
    };
  },
  GRPC_STATUS_NUMBER: plain((record) => grpcStatusOf(record) ?? null),
  HOSTNAME: plain(() => hostname()),
};

function longFlags(flags: string): string {
  return flags === ''
    ? ''
    : flags
        .split(',')
        .map((flag) => RESPONSE_FLAGS[flag as ResponseFlag])
        .join(',');
}
