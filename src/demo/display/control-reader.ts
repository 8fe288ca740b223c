import type { RingMember } from './picture.ts';

const TIMEOUT_MS = 900;

/** The members of a ring as control's admin page tells them, sorted by id; null while it does not answer. */
export async function readRingMembers(adminUrl: string, ring: string): Promise<readonly RingMember[] | null> {
  try {
    const response = await fetch(new URL(`/api/rings/${encodeURIComponent(ring)}`, adminUrl), { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok) return null;
    const { members } = (await response.json()) as { members: RingMember[] };
    return members.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  } catch {
    return null;
  }
}

/** Whether a process says on its admin page that it is ready. */
export async function isReady(adminUrl: string): Promise<boolean> {
  try {
    const response = await fetch(new URL('/ready', adminUrl), { signal: AbortSignal.timeout(TIMEOUT_MS) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
