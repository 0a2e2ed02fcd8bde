import { incarnationId } from '../src/core/model/ids.ts';
import type { BootId, IncarnationId } from '../src/core/model/ids.ts';
import type { Random } from '../src/env/env.ts';

/**
 * A new incarnation id, `<boot id>.<12 hex digits>`: one per agent start.
 *
 * Much rests on its being new: a command names the incarnation it is for, so whatever was sent to
 * an earlier start of this agent can do nothing to this one. `previous` is the one on disk, if any.
 */
export function newIncarnationId(
  boot: BootId,
  random: Random,
  previous: string | null,
): IncarnationId {
  for (;;) {
    const nonce = random.uuid().replaceAll('-', '').slice(0, 12);
    const id = incarnationId(`${boot}.${nonce}`);
    if (id !== previous) return id;
  }
}

/** True for an incarnation of this very boot, whatever its nonce. */
export function isOfBoot(incarnation: string, boot: string): boolean {
  return incarnation.startsWith(`${boot}.`);
}
