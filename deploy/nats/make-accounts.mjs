#!/usr/bin/env node
// Logins for NATS in which each member may write its own key and nothing else. Any Node 20 or newer, no packages.
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { accountsConf, clusterConf, routePassword } from './accounts.mjs';
import { newKeyPair, readKeyPair } from './nkey.mjs';

const HELP = `Makes an NKey for control and for each member, and the accounts that say what each may do (docs/guide/nats-accounts.md).

usage: make-accounts.mjs [options] MEMBER ...        prints three Secrets for kubectl apply
       make-accounts.mjs --out DIR [options] MEMBER ...    writes accounts.conf, control.nk and MEMBER.nk

      --keep FILE    keys that are there stay, without it all are new: what kubectl get secret … -o json prints (- reads it from
                     stdin), which is nothing where there are none yet; with --out, those in DIR stay by themselves
      --ring NAME    the ring (default live-store)
      --bucket NAME  the key-value bucket (default ringway)
      --servers N    servers of the cluster on Kubernetes (default 3)

examples:
  kubectl -n tempo get secret ringway-nats-server ringway-nats-control ringway-nats-members --ignore-not-found -o json |
    node deploy/nats/make-accounts.mjs --keep - tempo-live-store-zone-{a,b}-{0..2} | kubectl -n tempo apply --server-side -f -
  node deploy/nats/make-accounts.mjs --out /etc/ringway/nats live-store-zone-a-0 live-store-zone-b-0
`;

/** What may stand in a subject, a file name and a key of a Secret alike. */
const NAME = /^[A-Za-z0-9_-]{1,128}$/;
const ACCOUNTS = 'accounts.conf';
const CLUSTER = 'cluster.conf';
const CONTROL = 'control.nk';

function main(words) {
  const { values, positionals } = parseArgs({
    args: words,
    allowPositionals: true,
    options: {
      out: { type: 'string' },
      keep: { type: 'string' },
      ring: { type: 'string', default: 'live-store' },
      bucket: { type: 'string', default: 'ringway' },
      servers: { type: 'string', default: '3' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const members = [...new Set(positionals)];
  if (members.length === 0) throw new Error('no member given; their ids are the names of the live-store pods (--help)');
  for (const name of [values.ring, values.bucket, ...members]) {
    if (!NAME.test(name)) throw new Error(`"${name}" is not a name: letters, digits, "_" and "-" are allowed`);
  }
  if (members.includes('control')) throw new Error('no member may be called control');
  const servers = Number(values.servers);
  if (!Number.isInteger(servers) || servers < 1 || servers > 9) throw new Error(`--servers: "${values.servers}" is not 1 to 9`);
  if (values.out !== undefined && values.keep !== undefined) throw new Error('--keep goes with Secrets; files in --out stay by themselves');

  const { ring, bucket, out } = values;
  const kept = out === undefined ? keptSecrets(values.keep) : keptFiles(out);
  const seed = (file) => keyPairOf(file, kept(file));
  const control = seed(CONTROL);
  const seeds = new Map(members.map((member) => [member, seed(`${member}.nk`)]));
  const accounts = accountsConf({ ring, bucket, control, seeds });
  if (out !== undefined) writeFiles(out, { [ACCOUNTS]: accounts, [CONTROL]: control.seed, ...seedFiles(seeds) });
  else {
    const cluster = clusterConf(servers, routePassword(kept(CLUSTER) ?? '') ?? randomBytes(24).toString('base64url'));
    const secrets = {
      server: { [ACCOUNTS]: accounts, [CLUSTER]: cluster },
      control: { [CONTROL]: control.seed },
      members: seedFiles(seeds),
    };
    process.stdout.write(
      Object.entries(secrets)
        .map(([name, files]) => secretYaml(`ringway-nats-${name}`, files))
        .join('---\n'),
    );
  }
}

function keyPairOf(file, kept) {
  if (kept === undefined) return newKeyPair();
  const pair = readKeyPair(kept.trim());
  if (pair === undefined) throw new Error(`${file}: not the seed of a user NKey (SU…); remove it and a new one is made`);
  return pair;
}

function seedFiles(seeds) {
  return Object.fromEntries([...seeds].map(([member, { seed }]) => [`${member}.nk`, seed]));
}

/** In `data`: what is gone from it is gone from the cluster, too, after the next apply. */
function secretYaml(name, files) {
  const data = Object.entries(files).map(([file, text]) => `  ${file}: ${Buffer.from(`${text.trimEnd()}\n`).toString('base64')}\n`);
  return `apiVersion: v1\nkind: Secret\nmetadata:\n  name: ${name}\n  labels: { app.kubernetes.io/name: ringway }\ndata:\n${data.join('')}`;
}

function writeFiles(folder, files) {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), `${text.trimEnd()}\n`, { mode: 0o600 });
}

function keptFiles(folder) {
  return (file) => {
    try {
      return readFileSync(join(folder, file), 'utf8');
    } catch (error) {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    }
  };
}

function keptSecrets(file) {
  if (file === undefined) return () => undefined;
  let given;
  try {
    const text = readFileSync(file === '-' ? 0 : file, 'utf8');
    given = text.trim() === '' ? {} : JSON.parse(text);
  } catch (error) {
    throw new Error(`--keep ${file}: ${error.message}; allowed: what kubectl get secret … -o json prints`);
  }
  const data = Object.assign({}, ...(given.items ?? [given]).map((secret) => secret.data ?? {}));
  return (name) => (data[name] === undefined ? undefined : Buffer.from(data[name], 'base64').toString());
}

try {
  main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`make-accounts: ${error.message}\n`);
  process.exitCode = 64;
}
