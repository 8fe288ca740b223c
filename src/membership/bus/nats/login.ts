import { readFile } from 'node:fs/promises';
import { credsAuthenticator, type NodeConnectionOptions, nkeyAuthenticator } from '@nats-io/transport-node';
import type { NatsLogin, SecretReader } from '../../../config/index.ts';
import { RingwayError } from '../../../core/index.ts';

type LoginOptions = Pick<NodeConnectionOptions, 'authenticator' | 'user' | 'pass' | 'token'>;

/** Reads what is needed to log in, anew each time, so that it can be replaced. Rejects with RingwayError `SECRET`; never tells the secret. */
export async function readLogin(login: NatsLogin | null, readSecret: SecretReader): Promise<LoginOptions> {
  switch (login?.kind) {
    case undefined:
      return {};
    case 'password':
      return { user: login.user, pass: await readSecret(login.password) };
    case 'token':
      return { token: await readSecret(login.token) };
    case 'nkey':
      return proved(login.file, 'the seed of an NKey', nkeyAuthenticator(Buffer.from(await readSecret(fileOf(login.file)))));
    case 'credentials':
      return proved(login.file, 'a credentials file (JWT and seed)', credsAuthenticator(await readBytes(login.file, readSecret)));
  }
}

/** The client would fail in the middle of connecting, without saying which file is wrong. */
function proved(file: string, what: string, authenticator: NonNullable<LoginOptions['authenticator']>): LoginOptions {
  try {
    for (const sign of [authenticator].flat()) sign('probe');
  } catch {
    throw new RingwayError(`${file}: is not ${what}`, { code: 'SECRET' });
  }
  return { authenticator };
}

function fileOf(file: string): { readonly kind: 'file'; readonly file: string } {
  return { kind: 'file', file };
}

/** The reader of secrets says what is wrong with a file; credentials keep their line ends. */
async function readBytes(file: string, readSecret: SecretReader): Promise<Uint8Array> {
  await readSecret(fileOf(file));
  return readFile(file);
}
