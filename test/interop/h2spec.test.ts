// h2spec against a sidecar: which of its cases fail, and why each of these may.
import t from 'tap';
import { goProgram } from '../support/go.ts';
import { startEchoServer } from '../support/http2-echo.ts';
import { FAILING_H2SPEC, runH2spec } from './h2spec.ts';
import { sidecarProgram, startInbound } from './installation.ts';

t.setTimeout(300_000); // of it two minutes for the first compilation

t.test('a sidecar keeps to HTTP/2 as h2spec reads it', async (t) => {
  const [h2spec, program] = [await goProgram(t, 'h2spec'), sidecarProgram(t, 'ringway')];
  if (h2spec === undefined || program === undefined) return;
  const server = await startEchoServer();
  t.teardown(() => server.close());
  const { address } = await startInbound(t, program, { host: '127.0.0.1', port: server.port });
  const { results, said } = await runH2spec(t, h2spec, address);
  t.equal(results.size, 145);
  const failing = [...results].flatMap(([id, isPassed]) => (isPassed ? [] : [id]));
  if (!t.same(failing, Object.keys(FAILING_H2SPEC))) t.comment(said.slice(said.indexOf('Failures:')));
});
