import type { Cursor } from './cursor.ts';
import { mibOf } from './quantity.ts';
import type { VmFile } from './vm-file.ts';

/** Size of the guest's memory, and the pages that hold it. */
export function memoryOf(
  domain: Cursor,
  instancetype: Cursor,
): Pick<VmFile, 'memory' | 'hugepages'> & { readonly mib: number } {
  const guestAt = domain.at('memory', 'guest');
  const guest = sizeOf(guestAt);
  const typed = sizeOf(instancetype.at('memory', 'guest'));
  const requestAt = domain.at('resources', 'requests', 'memory');
  const request = sizeOf(requestAt);
  const limit = sizeOf(domain.at('resources', 'limits', 'memory'));
  if (guest !== null && typed !== null) {
    guestAt.refuse('and an instance type cannot both say how much memory there is', {
      isFinal: true,
    });
  }
  const mib = guest ?? typed ?? request ?? limit;
  if (mib === null)
    guestAt.refuse('is missing: nothing says how much memory it has', { isFinal: true });
  if (request !== null && request !== mib) {
    requestAt.lose('note', 'Kennel counts the memory of the guest');
  }
  const pages = pagesOf(domain.at('memory', 'hugepages', 'pageSize'));
  const typedPages = pagesOf(instancetype.at('memory', 'hugepages', 'pageSize'));
  const hugepages = pages ?? typedPages;
  return {
    mib: mib ?? 0,
    memory: `${mib ?? 0}MiB`,
    ...(hugepages === null ? {} : { hugepages }),
  };
}

export function sizeOf(place: Cursor): number | null {
  const text = place.amount();
  if (text === null) return null;
  const size = mibOf(text);
  if (size === null) {
    place.refuse('is no amount of memory', { isFinal: true });
    return null;
  }
  if (size.isRounded) place.lose('note', `rounded up to ${size.mib}MiB`);
  return size.mib;
}

function pagesOf(place: Cursor): NonNullable<VmFile['hugepages']> | null {
  const text = place.text();
  switch (text) {
    case null:
      return null;
    case '2Mi':
      return '2MiB';
    case '1Gi':
      return '1GiB';
    default:
      place.refuse('pages are of 2Mi or 1Gi');
      return null;
  }
}
