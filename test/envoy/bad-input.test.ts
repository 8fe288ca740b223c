import t from 'tap';
import { formatProblem, readMessage } from '../../src/envoy/index.ts';
import { badBootstraps } from '../support/bad-bootstraps.ts';
import { envoySkip, validateWithEnvoy } from '../support/envoy.ts';

t.test('every error at once, with its place, path and resource', async (t) => {
  for (const { title, text, format, errors } of badBootstraps) {
    const result = readMessage('envoy.config.bootstrap.v3.Bootstrap', text, { file: 'e', format: format ?? 'yaml' });
    t.strictSame(
      result.errors.map((problem) => formatProblem(problem)),
      errors.map((line) => `e:${line}`),
      title,
    );
  }
});

t.test('real Envoy refuses the same', { skip: envoySkip }, async (t) => {
  for (const { title, text, format } of badBootstraps) {
    const { code, output } = await validateWithEnvoy(text, { extension: format ?? 'yaml' });
    t.equal(code, 1, `${title}: ${output}`);
  }
});
