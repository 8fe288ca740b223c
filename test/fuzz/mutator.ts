import type { Dice } from './dice.ts';

/** How much is wrong with what a peer says: one frame in so many. */
export const HARM = { none: 0, rare: 60, some: 15, much: 3 } as const;
export type Harm = keyof typeof HARM;

type Change = (frame: Buffer, dice: Dice) => readonly Buffer[];

/** Every way in which a frame comes out wrong. */
const CHANGES: readonly Change[] = [
  flip,
  flip,
  () => [],
  (frame) => [frame, frame],
  (frame, dice) => [frame, garbageFrame(dice)],
  (frame, dice) => [garbageFrame(dice), frame],
  (frame, dice) => [frame, dice.octets(dice.between(1, 12))],
  (frame, dice) => [frame.subarray(0, dice.below(frame.length))],
  cutPayload,
  (frame, dice) => [edited(frame, 2, dice.below(256))],
  (frame, dice) => [edited(frame, dice.below(2), dice.below(4))],
  (frame, dice) => [edited(frame, 3, dice.below(11))],
  (frame, dice) => [edited(frame, 4, dice.below(256))],
  (frame, dice) => [edited(frame, 8, dice.below(24))],
  (frame, dice) => [edited(frame, 5, dice.one([0x7f, 0x80, 0xff]))],
];

/** Does harm to one side's frames on their way. A frame kept back comes behind the next. */
export class Mutator {
  readonly #dice: Dice;
  readonly #oneIn: number;
  #keptBack: Buffer | undefined;

  constructor(dice: Dice, harm: Harm) {
    this.#dice = dice;
    this.#oneIn = HARM[harm];
  }

  /** What goes out in the frame's place. */
  pass(frame: Buffer): Buffer[] {
    const kept = this.#keptBack;
    this.#keptBack = undefined;
    const out = this.#changed(frame);
    return kept === undefined ? [...out] : [...out, kept];
  }

  #changed(frame: Buffer): readonly Buffer[] {
    const dice = this.#dice;
    if (this.#oneIn === 0 || !dice.oneIn(this.#oneIn)) return [frame];
    if (dice.oneIn(10)) {
      this.#keptBack = frame;
      return [];
    }
    return dice.one(CHANGES)(Buffer.from(frame), dice);
  }
}

function flip(frame: Buffer, dice: Dice): readonly Buffer[] {
  for (let left = dice.between(1, 3); left > 0; left -= 1) {
    const at = dice.below(frame.length);
    frame[at] = frame[at]! ^ (1 << dice.below(8));
  }
  return [frame];
}

/** A payload that is shorter than it should be, by a length that says so. */
function cutPayload(frame: Buffer, dice: Dice): readonly Buffer[] {
  if (frame.length === 9) return [frame];
  const length = dice.below(frame.length - 9);
  frame.writeUIntBE(length, 0, 3);
  return [frame.subarray(0, 9 + length)];
}

function edited(frame: Buffer, at: number, value: number): Buffer {
  if (at < frame.length) frame[at] = value;
  return frame;
}

/** A frame of any type with anything in it, its length right. */
function garbageFrame(dice: Dice): Buffer {
  const length = dice.one([0, 1, 4, 5, 6, 8, 9, 12, 30]);
  const frame = dice.octets(9 + length);
  frame.writeUIntBE(length, 0, 3);
  frame[3] = dice.below(11);
  frame.writeUInt32BE(dice.one([0, 1, 2, 3, 5, 7, 0x7fff_ffff]), 5);
  return frame;
}
