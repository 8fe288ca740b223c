// Which failures and which responses are worth another try, word by word of retry_on.
import t from 'tap';
import { RetryPolicy as Message } from '../../../src/gen/envoy/config/route/v3/route_components.ts';
import { headerBlock } from '../../../src/http2/index.ts';
import { compileRetry } from '../../../src/proxy/route/compile/retry.ts';
import { failureOf, failureText, type TryFailure } from '../../../src/proxy/upstream/failure.ts';
import { retriesFailure, retriesResponse, retryAfterMs } from '../../../src/proxy/upstream/retry-rules.ts';
import { message } from '../../support/message.ts';

function policy(retryOn: string) {
  const compiled = compileRetry('', message(Message, { retryOn, retriableStatusCodes: [418] }), undefined);
  if (!compiled) throw new Error('no policy');
  return compiled;
}

const FAILURES: readonly TryFailure[] = [
  'remote connection failure',
  'connection timeout',
  'overflow',
  'connection termination',
  'remote reset',
  'remote refused stream reset',
  'protocol error',
  'local reset',
];

t.test('failures', (t) => {
  const cases: Readonly<Record<string, readonly TryFailure[]>> = {
    'connect-failure': ['remote connection failure', 'connection timeout'],
    'refused-stream': ['remote refused stream reset'],
    reset: FAILURES.filter((failure) => failure !== 'overflow'),
    '5xx': FAILURES.filter((failure) => failure !== 'overflow'),
    'gateway-error': FAILURES.filter((failure) => failure !== 'overflow'),
    unavailable: [],
    '': [],
  };
  for (const [words, expected] of Object.entries(cases)) {
    t.same(
      FAILURES.filter((failure) => retriesFailure(policy(words), failure, true)),
      expected,
      words,
    );
  }
  t.ok(retriesFailure(policy('reset-before-request'), 'connection termination', false));
  t.notOk(retriesFailure(policy('reset-before-request'), 'connection termination', true));
  t.end();
});

t.test('responses', (t) => {
  const response = (status: number, grpcStatus?: number) => ({ status, grpcStatus });
  const cases: readonly (readonly [string, ReturnType<typeof response>, boolean])[] = [
    ['unavailable', response(200, 14), true],
    ['unavailable', response(200, 2), false],
    ['unavailable', response(503), false],
    ['cancelled', response(200, 1), true],
    ['deadline-exceeded', response(200, 4), true],
    ['resource-exhausted', response(200, 8), true],
    ['internal', response(200, 13), true],
    ['5xx', response(500), true],
    ['5xx', response(499), false],
    ['gateway-error', response(502), true],
    ['gateway-error', response(500), false],
    ['retriable-4xx', response(409), true],
    ['retriable-status-codes', response(418), true],
    ['retriable-status-codes', response(419), false],
    ['connect-failure,refused-stream,reset,unavailable', response(200, 2), false],
  ];
  for (const [words, facts, expected] of cases)
    t.equal(retriesResponse(policy(words), facts, []), expected, `${words} ${JSON.stringify(facts)}`);
  const again = headerBlock([['x-envoy-ratelimited', 'true']]);
  t.notOk(retriesResponse(policy('5xx,retriable-status-codes'), response(503), again), 'who limits rates is left alone');
  t.ok(retriesResponse(policy('envoy-ratelimited'), response(429), again));
  t.end();
});

t.test('resets in words', (t) => {
  const cases: readonly (readonly [Parameters<typeof failureOf>[0], TryFailure])[] = [
    [{ code: 0, origin: 'peer' }, 'remote reset'],
    [{ code: 2, origin: 'peer' }, 'remote reset'],
    [{ code: 8, origin: 'peer' }, 'remote reset'],
    [{ code: 11, origin: 'peer' }, 'remote reset'],
    [{ code: 1, origin: 'peer' }, 'protocol error'],
    [{ code: 7, origin: 'refused' }, 'remote refused stream reset'],
    [{ code: 8, origin: 'connection' }, 'connection termination'],
    [{ code: 1, origin: 'local' }, 'protocol error'],
  ];
  for (const [reset, failure] of cases) t.equal(failureOf(reset), failure, JSON.stringify(reset));
  t.equal(
    failureText('remote reset', true),
    'upstream connect error or disconnect/reset before headers. retried and the latest reset reason: remote reset',
  );
  t.end();
});

t.test('when an upstream that limits rates wants to be asked again', (t) => {
  const limited = {
    headers: [
      { name: 'retry-after', format: 'SECONDS' },
      { name: 'x-reset', format: 'UNIX_TIMESTAMP' },
    ],
    maxMs: 60_000,
  } as const;
  const cases: readonly (readonly [readonly (readonly [string, string])[], number | undefined])[] = [
    [[['retry-after', '30']], 30_000],
    [[['retry-after', '61']], undefined],
    [[['retry-after', 'soon']], undefined],
    [[['retry-after', '-1']], undefined],
    [[['x-reset', '1010']], 10_000],
    [[['x-reset', '999']], undefined],
    [
      [
        ['x-reset', '1010'],
        ['retry-after', '100'],
      ],
      10_000,
    ],
    [[], undefined],
  ];
  for (const [fields, expected] of cases) t.equal(retryAfterMs(limited, headerBlock(fields), 1_000_900), expected, JSON.stringify(fields));
  t.end();
});
