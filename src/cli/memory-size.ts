export type MemorySizeResult =
  | { readonly kind: 'ok'; readonly mib: number }
  | { readonly kind: 'invalid'; readonly because: string };

const unitMib = { MiB: 1, GiB: 1024, TiB: 1024 * 1024 } as const;
const largestMib = 64 * unitMib.TiB;

/**
 * Reads `512MiB`, `4GiB`, `1.5TiB`: powers of two only, and only with a unit. `MB` is refused and
 * not guessed, because it means 10^6 to some tools and 2^20 to others.
 */
export function parseMemorySize(text: string): MemorySizeResult {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text);
  if (match === null) {
    return invalid(`"${text}" is no amount of memory; write for example 512MiB or 4GiB`);
  }
  const [, amount = '', unit = ''] = match;
  if (unit === '') return invalid(`${amount} has no unit; write ${amount}MiB or ${amount}GiB`);
  if (!Object.hasOwn(unitMib, unit)) return invalid(wrongUnit(amount, unit));
  const mib = Number(amount) * unitMib[unit as keyof typeof unitMib];
  if (!Number.isInteger(mib)) return invalid(`${text.trim()} is not a whole number of MiB`);
  if (mib < 1) return invalid('it must be at least 1MiB');
  if (mib > largestMib) return invalid(`${text.trim()} is more than 64TiB`);
  return { kind: 'ok', mib };
}

function wrongUnit(amount: string, unit: string): string {
  const prefix = unit.slice(0, 1).toUpperCase();
  const meant = `${prefix}iB`;
  if (Object.hasOwn(unitMib, meant)) {
    return `"${unit}" is not a unit here; write ${amount}${meant} (powers of 1024)`;
  }
  return `"${unit}" is not a unit here; use MiB, GiB or TiB`;
}

function invalid(because: string): MemorySizeResult {
  return { kind: 'invalid', because };
}

/** `512MiB`, `4GiB`: the largest unit that stays whole. */
export function formatMemory(mib: number): string {
  if (mib !== 0 && mib % unitMib.TiB === 0) return `${mib / unitMib.TiB}TiB`;
  if (mib !== 0 && mib % unitMib.GiB === 0) return `${mib / unitMib.GiB}GiB`;
  return `${mib}MiB`;
}
