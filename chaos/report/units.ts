/** Times as people say them: `850 ms`, `3.4 s`, `2 min 5 s`. */
export function duration(ms: number): string {
  if (ms === 0) return '0';
  if (ms < 995) return `${Math.round(ms)} ms`;
  if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 119_500 && ms % 60_000 !== 0) return `${Math.round(ms / 1000)} s`;
  const seconds = Math.round(ms / 1000);
  const rest = seconds % 60;
  return `${Math.floor(seconds / 60)} min${rest === 0 ? '' : ` ${rest} s`}`;
}

/** A number with thin blanks between thousands. */
export function grouped(value: number): string {
  const [whole = '', fraction] = String(Math.round(value * 100) / 100).split('.');
  const spaced = whole.replaceAll(/\B(?=(?:\d{3})+$)/g, '\u202F');
  return fraction === undefined ? spaced : `${spaced}.${fraction}`;
}

/** `1 node`, `2 nodes`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${grouped(value)} ${value === 1 ? one : many}`;
}
