// Parts of nats-server's configuration.

/** Who may do what, for nats-server: control reads and writes all keys of the bucket, each member its own. */
export function accountsConf({ ring, bucket, control, seeds }) {
  const users = [...seeds].map(([member, { publicKey }]) => {
    const key = `$KV.${bucket}.${ring}.${member}`;
    return `      { nkey: ${publicKey}, permissions: { # ${member}
          publish: [ "${key}", "$JS.API.DIRECT.GET.KV_${bucket}.${key}", "ringway.${ring}.${member}.*" ]
          subscribe: [ "_INBOX_${member}.>" ] } }
`;
  });
  const shared = [`$KV.${bucket}.>`, `$JS.API.DIRECT.GET.KV_${bucket}.$KV.${bucket}.>`, 'ringway.>'];
  return `# Made by deploy/nats/make-accounts.mjs. Public keys only; the reasons are in docs/guide/nats-accounts.md.
accounts {
  RINGWAY {
    jetstream: enabled
    users: [
      { nkey: ${control.publicKey}, permissions: { # control
          publish: [
            "$JS.API.STREAM.INFO.KV_${bucket}", "$JS.API.STREAM.CREATE.KV_${bucket}",
            "$JS.API.CONSUMER.CREATE.KV_${bucket}.>", "$JS.FC.KV_${bucket}.>",
            "$KV.${bucket}.>", "ringway.>" ]
          subscribe: [ "_INBOX.>" ] } }
    ]
    exports: [
${shared.map((subject) => `      { service: "${subject}", accounts: [MEMBERS] }\n`).join('')}    ]
  }
  MEMBERS {
    users: [
${users.join('')}    ]
    imports: [
${shared.map((subject) => `      { service: { account: RINGWAY, subject: "${subject}" } }\n`).join('')}    ]
  }
}
`;
}

/** The password of the routes in what clusterConf has made; undefined where there is none. */
export function routePassword(conf) {
  return /^ {2}authorization \{ user: route, password: "([\w-]+)" \}$/m.exec(conf)?.[1];
}

/** A server that anybody may join as a route obeys no account: routes have a password. */
export function clusterConf(servers, password) {
  const routes = Array.from({ length: servers }, (_, index) => `    "nats://route:${password}@ringway-nats-${index}.ringway-nats:6222"\n`);
  return `cluster {
  name: ringway
  listen: 0.0.0.0:6222
  authorization { user: route, password: "${password}" }
  routes: [
${routes.join('')}  ]
}
`;
}
