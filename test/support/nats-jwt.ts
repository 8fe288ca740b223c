import { nkeys } from '@nats-io/transport-node';

/** What a nats-server in operator mode and one user of it need. */
export interface OperatorMode {
  /** For its configuration. */
  readonly config: string;
  /** The text of a `.creds` file. */
  readonly credentials: string;
  /** The user's seed, which must never be shown. */
  readonly seed: string;
}

type KeyPair = ReturnType<typeof nkeys.createUser>;

const UNLIMITED = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
const JETSTREAM = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };

/** An operator, one account with JetStream, and a user, with keys of their own (JWTs of NATS, version 2). */
export function operatorMode(): OperatorMode {
  const [operator, system, account, user] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createAccount(), nkeys.createUser()];
  const operatorJwt = jwt(operator, operator, { type: 'operator', system_account: system.getPublicKey() });
  const systemJwt = jwt(operator, system, { type: 'account', limits: UNLIMITED });
  const accountJwt = jwt(operator, account, { type: 'account', limits: { ...UNLIMITED, ...JETSTREAM } });
  const userJwt = jwt(account, user, { type: 'user', subs: -1, data: -1, payload: -1 });
  const seed = Buffer.from(user.getSeed()).toString();
  return {
    config: `operator: ${operatorJwt}
resolver: MEMORY
resolver_preload: { ${system.getPublicKey()}: ${systemJwt}, ${account.getPublicKey()}: ${accountJwt} }`,
    credentials: `-----BEGIN NATS USER JWT-----\n${userJwt}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`,
    seed,
  };
}

function jwt(issuer: KeyPair, subject: KeyPair, claims: Readonly<Record<string, unknown>>): string {
  const issuedAt = Math.floor(Date.now() / 1000);
  const body = {
    jti: `${issuedAt}`,
    iat: issuedAt,
    iss: issuer.getPublicKey(),
    name: 'test',
    sub: subject.getPublicKey(),
    nats: { ...claims, version: 2 },
  };
  const text = `${encoded({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encoded(body)}`;
  return `${text}.${Buffer.from(issuer.sign(Buffer.from(text))).toString('base64url')}`;
}

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
