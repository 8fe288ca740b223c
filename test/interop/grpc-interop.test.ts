// gRPC's own interop client and server, of grpc-go, with a sidecar between: all its cases, in the clear and with TLS on both sides.
import t from 'tap';
import { goProgram } from '../support/go.ts';
import { GRPC_CASES, runGrpcCase, type Security, startGrpcInstallation } from './grpc-cases.ts';
import { type SidecarKind, sidecarProgram } from './installation.ts';

const KINDS: readonly SidecarKind[] = ['envoy', 'ringway'];
const SECURITIES: readonly Security[] = ['plaintext', 'tls'];

t.setTimeout(400_000); // of it three minutes for the first compilation

for (const kind of KINDS)
  t.test(`${kind}: the cases of the interop client`, async (t) => {
    const [client, server, program] = [await goProgram(t, 'grpc-client'), await goProgram(t, 'grpc-server'), sidecarProgram(t, kind)];
    if (client === undefined || server === undefined || program === undefined) return;
    for (const security of SECURITIES) {
      const installation = await startGrpcInstallation(t, server, program, security);
      for (const name of GRPC_CASES) t.equal(await runGrpcCase(client, name, installation), undefined, `${security}: ${name}`);
    }
  });
