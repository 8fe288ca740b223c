import type { Picture } from './picture.ts';
import { summaryLine } from './summary-line.ts';
import { tableLines } from './table.ts';

/** Where the display writes. */
export interface Screen {
  readonly isTTY: boolean;
  readonly columns: number | undefined;
  write(text: string): void;
}

/** Shows pictures as they come: a table that is drawn over itself on a terminal, lines elsewhere. */
export interface Display {
  show(picture: Picture): void;
  /** Leaves the screen as it is, cursor below. */
  end(): void;
}

export function createDisplay(screen: Screen): Display {
  return screen.isTTY ? new LiveTable(screen) : new LineLog(screen);
}

const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
const CLEAR_BELOW = '\x1b[J';

class LiveTable implements Display {
  readonly #screen: Screen;
  #drawn = 0;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  show(picture: Picture): void {
    const lines = tableLines(picture, this.#screen.columns ?? 120);
    const back = this.#drawn === 0 ? HIDE_CURSOR : `\x1b[${this.#drawn}A`;
    this.#screen.write(`${back}\r${CLEAR_BELOW}${lines.join('\n')}\n`);
    this.#drawn = lines.length;
  }

  end(): void {
    if (this.#drawn > 0) this.#screen.write(SHOW_CURSOR);
  }
}

class LineLog implements Display {
  readonly #screen: Screen;
  #wasReady = false;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  show(picture: Picture): void {
    if (picture.isReady && !this.#wasReady) this.#screen.write('ready\n');
    this.#wasReady ||= picture.isReady;
    this.#screen.write(`${summaryLine(picture)}\n`);
  }

  end(): void {}
}
