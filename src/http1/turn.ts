/** Something on a connection to be answered, when its turn comes. */
export interface Turn {
  /** The handler still has to do with it. */
  readonly isOpen: boolean;
  start(): void;
  /** The connection is gone. */
  fail(): void;
}

/** What a turn needs of its connection. */
export interface TurnOwner {
  /** The connection ends behind the present answer. */
  readonly closesNext: boolean;
  /** The request has come as a whole. */
  onRequestEnd(): void;
  /** The answer is written. */
  onServed(endsConnection: boolean): void;
  /** Runs what a peer's octets or a handler set off: a throw ends this connection. */
  guard(run: () => void): void;
  destroy(): void;
}
