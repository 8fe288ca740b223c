import type { Dice } from './dice.ts';
import { anyHarm, ended, type Outcome } from './engine-case.ts';
import { Link } from './link.ts';
import { memoryPair, turn } from './memory-socket.ts';
import { type Path, TameCaller } from './path.ts';
import { AnsweringPeer, CallingPeer } from './peers.ts';

const BODY = Buffer.alloc(30_000, 'tame');

/**
 * The whole data path: callers and upstreams that misbehave on both sides at once, and one caller who does not. Some of the wild callers'
 * requests share the good one's upstream connection.
 */
export async function runPathCase(dice: Dice, path: Path, keepsChunks: boolean): Promise<Outcome> {
  const links: Link[] = [];
  const upstreamHarm = anyHarm(dice);
  path.random = dice.random;
  path.onWild = () => {
    const link = new Link(dice, new AnsweringPeer(dice), { engine: 'client', harm: upstreamHarm, keepsChunks });
    links.push(link);
    return link.socket;
  };
  const callers = dice.between(1, 2);
  for (let caller = 0; caller < callers; caller += 1) {
    const speaker = new CallingPeer(dice, dice.oneIn(3) ? '/shared' : '/fuzz');
    const link = new Link(dice, speaker, { engine: 'server', harm: anyHarm(dice), keepsChunks });
    links.push(link);
    path.accept(link.socket);
  }
  const tame = new TameCaller(path);
  for (let steps = dice.between(5, 80); steps > 0; steps -= 1) {
    const open = links.filter(({ isOver }) => !isOver);
    if (open.length === 0) break;
    for (let left = dice.between(1, 4); left > 0; left -= 1) dice.one(open).pump(dice.between(1, 16));
    if (dice.oneIn(12)) tame.call(BODY.subarray(0, dice.between(1, BODY.length)));
    if (dice.oneIn(2)) await turn();
    if (dice.oneIn(60)) await path.clock.advance(dice.between(1, 3000));
  }
  for (let turns = 0; turns < 12; turns += 1) await turn();
  const faults = tame.faults();
  tame.leave();
  await end(links, path);
  return {
    frames: links.reduce((sum, { frames }) => sum + frames, 0),
    faults: [...faults, ...links.flatMap((link) => link.faults), ...path.faults()],
    connections: links,
  };
}

/** Everybody goes; connections that are made meanwhile find nobody. */
async function end(links: readonly Link[], path: Path): Promise<void> {
  path.onWild = () => {
    const [near, far] = memoryPair();
    process.nextTick(() => far.destroy());
    return near;
  };
  for (const link of [...links]) link.leave();
  path.endTame();
  for (const link of links) await ended(link, path.clock);
  await path.clock.advance(3000);
}
