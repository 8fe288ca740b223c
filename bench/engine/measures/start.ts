import { type Spread, spreadOf } from '../spread.ts';
import type { Finding, Lab } from './finding.ts';

const STARTS = 9;

/** From exec until /ready says LIVE. */
export async function measureStart(lab: Lab): Promise<readonly Finding[]> {
  const values: Record<string, Spread> = {};
  for (const kind of lab.kinds) {
    const all: number[] = [];
    for (let index = 0; index < STARTS; index += 1) {
      const { proxy } = await lab.start(kind);
      all.push(proxy.readyMs);
      await proxy.stop();
    }
    values[kind.name] = spreadOf(all);
    lab.say(`start: ${kind.name} ${all.map(Math.round).join(' ')} ms`);
  }
  return [{ name: 'exec until LIVE', unit: 'ms', values, bound: 250 }];
}
