/**
 * A part that runs. Constructors do no I/O; `start` resolves when the part does its job (sockets bound); `stop` lets what is
 * under way end, or gives up when `deadlineMs` (wall time of the whole stop) is over. Both may be called twice.
 */
export interface Service {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts in order. When one fails, those already started are stopped in reverse and the failure is thrown. */
export async function startAll(services: readonly Service[]): Promise<void> {
  const started: Service[] = [];
  for (const service of services) {
    try {
      await service.start();
      started.push(service);
    } catch (error) {
      await stopAll(started);
      throw error;
    }
  }
}

/** Stops in reverse order, all of them, whatever fails; then throws the first failure. */
export async function stopAll(services: readonly Service[]): Promise<void> {
  const failures: unknown[] = [];
  for (const service of services.toReversed()) {
    try {
      await service.stop();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
