// What everything stands on: time, randomness, errors, lifecycles, small values. Knows nothing of rings or proxies.
export { formatHostPort, type HostPort, isLoopback, matchHostPort, parseHostPort, urlHost } from './address.ts';
export { Backoff, type BackoffOptions } from './backoff.ts';
export { civilFromDays, daysFromCivil } from './calendar.ts';
export { type Clock, httpDate, isoTime, sleep, systemClock, type Timer } from './clock.ts';
export { editDistance } from './edit-distance.ts';
export { codeOf, messageOf, RingwayError } from './errors.ts';
export { startFairTimer } from './fair-timer.ts';
export { follow } from './follow.ts';
export { GrowingBytes } from './growing-bytes.ts';
export { type Service, startAll, stopAll } from './lifecycle.ts';
export { listenProblem } from './listen-problem.ts';
export { nearestName } from './nearest-name.ts';
export { Observable, type ReadonlyObservable } from './observable.ts';
export { type Random, seededRandom, systemRandom } from './random.ts';
export { sharedTimers } from './shared-timers.ts';
export { shellWord } from './shell-word.ts';
export { allAtOnce, inSlices, type TimeSlices, timeSlices } from './time-slices.ts';
export { turnClock } from './turn-clock.ts';
