import { createHash } from 'node:crypto';

/**
 * The MAC address of a card for which none is given: the same for the same VM and position, so
 * that creating a VM again gives it its old addresses. 52:54:00 is the prefix QEMU uses.
 */
export function derivedMac(identity: string, index: number): string {
  const hash = createHash('sha256').update(`kennel mac\0${identity}\0${index}`).digest();
  const tail = [...hash.subarray(0, 3)].map((byte) => byte.toString(16).padStart(2, '0'));
  return ['52', '54', '00', ...tail].join(':');
}
