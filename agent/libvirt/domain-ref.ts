import type { Carried } from './xdr.ts';
import { fixedOpaque, int32, string, struct } from './xdr.ts';

/** How libvirt names a domain: taken from a reply and passed back. `id` is -1 when inactive. */
export const domainRef = struct<{ name: string; uuid: Uint8Array; id: number }>({
  name: string,
  uuid: fixedOpaque(16),
  id: int32,
});
export type DomainRef = Carried<typeof domainRef>;

/** `00112233-4455-…` to 16 bytes, or null when it is not a UUID. */
export function uuidBytes(uuid: string): Uint8Array | null {
  const match = /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$/i.exec(
    uuid,
  );
  if (match === null) return null;
  const hex = match.slice(1).join('');
  return Uint8Array.from({ length: 16 }, (_, index) =>
    Number.parseInt(hex.slice(index * 2, index * 2 + 2), 16),
  );
}

/** 16 bytes to lower-case text with dashes. */
export function uuidText(bytes: Uint8Array): string {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-');
}
