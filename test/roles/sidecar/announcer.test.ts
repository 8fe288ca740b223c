import t from 'tap';
import { Observable, systemClock, systemRandom } from '../../../src/core/index.ts';
import { parseAnnounce } from '../../../src/proxy/bootstrap/index.ts';
import type { Phase } from '../../../src/proxy/runtime/index.ts';
import { Announcer } from '../../../src/roles/sidecar/announcer.ts';
import { MetricRegistry } from '../../../src/telemetry/index.ts';
import { freePort } from '../../support/ports.ts';
import { LogRecorder } from '../../support/recording-logger.ts';

const nobody = { host: '127.0.0.1', port: await freePort() };

t.test('NATS on another machine without TLS: one warning; on this one, or with TLS: none', async (t) => {
  for (const [texts, warned] of [
    [{ nats: ['nats://192.0.2.1:4222'] }, 'nats://192.0.2.1:4222'],
    [{ nats: ['tls://192.0.2.1:4222', 'nats://nats.example:4222'] }, 'nats://nats.example:4222'],
    [{ nats: ['tls://192.0.2.1:4222'] }, null],
    [{ nats: ['nats://192.0.2.1:4222'], nats_ca: '/no/such/ca.crt' }, null],
    [{ nats: [`nats://127.0.0.1:${nobody.port}`, `nats://[::1]:${nobody.port}`, `nats://localhost:${nobody.port}`] }, null],
  ] as const) {
    const log = new LogRecorder();
    const settings = parseAnnounce({ ...texts, advertise: '10.0.0.7:9096' }, (key) => key);
    if (settings === null) throw new Error('nothing to announce');
    const plan = {
      settings,
      ring: 'live-store',
      member: 'a-0',
      zone: '',
      partition: 0,
      listener: 'inbound',
      listen: nobody,
      local: nobody,
    };
    const announcer = new Announcer(plan, {
      ...{ clock: systemClock, random: systemRandom, logger: log.logger, metrics: new MetricRegistry(), environment: {} },
      ...{ phase: new Observable<Phase>('live'), boundAddress: () => undefined, drainTimeMs: 0 },
    });
    await announcer.announcing.start();
    await log.first('agent.health');
    await announcer.announcing.stop();
    await announcer.leaving.stop();
    const lines = log.of('agent.insecure').map(({ level, fields }) => ({ level, fields }));
    t.strictSame(lines, warned === null ? [] : [{ level: 'warn', fields: { member: 'a-0', server: warned } }], texts.nats.join());
  }
});
