const factors: Readonly<Record<string, number>> = {
  '': 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** A quantity of Kubernetes, `1536Mi`, `4G`, `2e9`, `500m`, as a number; null = it is none. */
export function quantityOf(text: string): number | null {
  const match = /^\+?(\d+\.?\d*|\.\d+)(?:[eE]([+-]?\d{1,2})|([kMGTPE]i?|Ki|m)?)$/.exec(text);
  if (match === null) return null;
  const [, digits = '', exponent, suffix = ''] = match;
  const factor = exponent === undefined ? factors[suffix] : 10 ** Number(exponent);
  return factor === undefined ? null : Number(digits) * factor;
}

const mib = 2 ** 20;

/** Bytes of a quantity in MiB, rounded up; null = it is none, or nothing. */
export function mibOf(text: string): { readonly mib: number; readonly isRounded: boolean } | null {
  const bytes = quantityOf(text);
  if (bytes === null || bytes <= 0) return null;
  const whole = Math.ceil(bytes / mib);
  return { mib: whole, isRounded: whole * mib !== bytes };
}
