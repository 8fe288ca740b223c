import { existsSync } from 'node:fs';
import type { Test } from 'tap';
import { Fleet, fourMembers, type MemberPlan, RingFollower, type SidecarKind } from './fleet.ts';
import { describeReport, Load, type LoadOptions, type LoadReport } from './load.ts';
import { peer } from './peers.ts';

/** Both sidecars must hold the same: each test runs once with each. */
export const SIDECAR_KINDS: readonly SidecarKind[] = ['envoy', 'ringway'];

/** A fleet that ends with the test; undefined when its sidecar cannot be had and the test was skipped. Starts nothing. */
export async function createFleet(t: Test, kind: SidecarKind): Promise<Fleet | undefined> {
  if (!existsSync('dist/bin/ringway.js')) throw new Error('no dist/bin/ringway.js: run `npm run build`');
  const envoy = kind === 'envoy' ? peer(t, 'envoy') : '';
  if (envoy === undefined) return undefined;
  const fleet = await Fleet.create(kind, envoy);
  t.teardown(() => fleet.stop());
  return fleet;
}

/** A fleet that serves. */
export async function startFleet(t: Test, kind: SidecarKind, plans: readonly MemberPlan[] = fourMembers()): Promise<Fleet | undefined> {
  const fleet = await createFleet(t, kind);
  await fleet?.startAll(plans);
  return fleet;
}

/** Load on a fleet, from a client that knows the ring as a querier does. */
export class FleetLoad {
  readonly #load: Load;
  readonly #follower: RingFollower;
  readonly #fleet: Fleet;

  private constructor(fleet: Fleet, follower: RingFollower, load: Load) {
    this.#fleet = fleet;
    this.#follower = follower;
    this.#load = load;
  }

  /** Starts when the client knows as many members as there are. */
  static async start(fleet: Fleet, options: Pick<LoadOptions, 'ratePerSecond' | 'ask' | 'metadata'>): Promise<FleetLoad> {
    const follower = new RingFollower(fleet);
    await until(() => follower.targets().length === fleet.members.size, 'the client knows every member');
    return new FleetLoad(fleet, follower, new Load({ ...options, egress: fleet.egress, targets: follower.targets }));
  }

  get ended(): number {
    return this.#load.ended;
  }

  /** Resolves when `more` calls have ended: time passes in calls. */
  async passes(more: number): Promise<void> {
    const goal = this.#load.ended + more;
    await until(() => this.#load.ended >= goal, `${more} more calls`);
  }

  /** Whether news of the ring reach the client from now on: who joins is asked only when the sidecars can know it, who left is asked on. */
  hearNews(does: boolean): void {
    this.#follower.hearNews(does);
  }

  /** Resolves when the client knows this address, or knows it no more. */
  async knows(authority: string, isThere: boolean): Promise<void> {
    const has = (): boolean => this.#follower.targets().some((target) => target.authority === authority);
    await until(() => has() === isThere, `the client ${isThere ? 'knows' : 'forgot'} ${authority}`);
  }

  async stop(): Promise<LoadReport> {
    this.#follower.stop();
    return this.#load.stop();
  }

  /** Stops and asserts that no call failed; says what failed otherwise. */
  async stopsClean(t: Test): Promise<LoadReport> {
    const report = await this.stop();
    const details = report.failed > 0 ? { load: describeReport(report).split('\n'), logs: this.#fleet.logs().split('\n') } : {};
    t.equal(report.failed, 0, `0 of ${report.sent} calls failed`, details);
    return report;
  }
}

/** Polls what has no event to wait for: other processes. Throws after `timeoutMs`. */
export async function until(test: () => boolean | Promise<boolean>, what: string, timeoutMs: number = 30_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await test())) {
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
