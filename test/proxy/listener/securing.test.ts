// A connection that shakes hands while its listener drains: it is told to go as soon as it can be told, and cut when the time is over.
import { TLSSocket } from 'node:tls';
import t from 'tap';
import { SecuringConnection } from '../../../src/proxy/listener/securing.ts';
import { TlsError } from '../../../src/transport/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';

type HandshakeEvents = Parameters<ConstructorParameters<typeof SecuringConnection>[2]>[0];

/** One in its handshake, and all that is done to it and by it. */
function bench() {
  const clock = new FakeClock();
  const log: string[] = [];
  let handshake: HandshakeEvents | undefined;
  const connection = new SecuringConnection(
    clock,
    {
      onSecured: () => {
        log.push('secured');
        return { drain: (deadlineMs) => void log.push(`drain ${deadlineMs}`), close: () => void log.push('close') };
      },
      onFailed: ({ code }) => void log.push(code),
      onCut: () => void log.push('cut'),
    },
    (events) => {
      handshake = events;
      return { cancel: () => void log.push('cancel') };
    },
  );
  const secure = (): void => handshake?.onSecured(Object.create(TLSSocket.prototype) as TLSSocket);
  const fail = (): void => handshake?.onFailed(new TlsError('TLS_UNTRUSTED', 'x'));
  return { clock, log, connection, secure, fail };
}

t.test('a handshake that is not over when the drain time is, is cut', async (t) => {
  const { clock, log, connection } = bench();
  connection.drain(5000);
  await clock.advance(4999);
  t.strictSame(log, []);
  await clock.advance(1);
  t.strictSame(log, ['cancel', 'cut']);
  connection.close();
  t.strictSame(log, ['cancel', 'cut'], 'once');
});

t.test('one that comes through drains for what is left of the time', async (t) => {
  const { clock, log, connection, secure } = bench();
  connection.drain(5000);
  await clock.advance(2000);
  secure();
  t.strictSame(log, ['secured', 'drain 3000']);
  await clock.advance(10_000);
  t.strictSame(log, ['secured', 'drain 3000'], 'its filter sees to the rest');
  connection.drain(1000);
  t.equal(log.at(-1), 'drain 1000');
  t.equal(clock.pending, 0);
});

t.test('the sooner of two drain times counts', async (t) => {
  const { clock, log, connection } = bench();
  connection.drain(600_000);
  connection.drain(1000);
  connection.drain(5000);
  t.equal(clock.pending, 1);
  await clock.advance(1000);
  t.strictSame(log, ['cancel', 'cut']);
});

t.test('a handshake that fails while it drains is over', async (t) => {
  const { clock, log, connection, fail } = bench();
  connection.drain(5000);
  fail();
  await clock.advance(5000);
  t.strictSame(log, ['TLS_UNTRUSTED']);
  t.equal(clock.pending, 0);
});
