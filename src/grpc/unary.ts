import { type CallOptions, type CallStatus, type GrpcCall, type OpenStream, startCall } from './call.ts';
import { GrpcStatus } from './status.ts';

/** A unary call's end: the answer is there exactly when the code is OK. */
export type UnaryResult = { readonly kind: 'answer'; readonly message: Buffer } | { readonly kind: 'failed'; readonly status: CallStatus };

/** One request, one answer. Calls `onResult` once, later than it returns unless no stream can be opened. Cancel by the returned call. */
export function callUnary(
  open: OpenStream,
  options: CallOptions,
  message: Uint8Array,
  onResult: (result: UnaryResult) => void,
): Pick<GrpcCall, 'cancel'> {
  let answer: Buffer | undefined;
  const fail = (code: number, text: string): void => onResult({ kind: 'failed', status: { code, message: text, trailers: [] } });
  const call = startCall(open, options, {
    onMessage: (received) => {
      if (answer === undefined) answer = received;
      else {
        call?.cancel();
        fail(GrpcStatus.INTERNAL, 'more than one answer to a unary call');
      }
    },
    onEnd: (status) => {
      if (status.code !== GrpcStatus.OK) onResult({ kind: 'failed', status });
      else if (answer === undefined) fail(GrpcStatus.INTERNAL, 'no answer to a unary call');
      else onResult({ kind: 'answer', message: answer });
    },
  });
  if (call === undefined) {
    fail(GrpcStatus.UNAVAILABLE, 'no connection takes a stream');
    return { cancel: () => {} };
  }
  call.send(message);
  call.end();
  return call;
}
