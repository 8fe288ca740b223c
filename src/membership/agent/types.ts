/** What a live-store says of itself when it is asked for its health. */
export type HealthAnswer =
  | { readonly kind: 'serving' }
  /** It answers and says anything but SERVING. Tempo does while a module starts, and as soon as it is told to stop. */
  | { readonly kind: 'not-serving' }
  /** It answers and has no health service: it is up. */
  | { readonly kind: 'unimplemented' }
  /** Nobody listens. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** No answer in time, a lost connection, another gRPC status. */
  | { readonly kind: 'failed'; readonly reason: string };

/** Asks a live-store for its health. */
export interface LiveStoreProbe {
  /** Never rejects; ends within a second. One at a time. */
  check(): Promise<HealthAnswer>;
  close(): void;
}
