import { isDeepStrictEqual } from 'node:util';

type Json = Record<string, unknown>;

const isMap = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The second laid over the first; whether they disagree about a field. Lists are one field. */
export function merged(
  base: Json,
  over: Json,
): { readonly value: Json; readonly conflicts: boolean } {
  const value: Json = { ...base };
  let conflicts = false;
  for (const [name, wanted] of Object.entries(over)) {
    if (wanted === undefined) continue;
    const there = base[name];
    if (isMap(there) && isMap(wanted)) {
      const inner = merged(there, wanted);
      value[name] = inner.value;
      conflicts ||= inner.conflicts;
    } else {
      conflicts ||= there !== undefined && !isDeepStrictEqual(there, wanted);
      value[name] = wanted;
    }
  }
  return { value, conflicts };
}

/** What is left of the fields when a manager that owned `before` applies `now`. */
export function without(fields: Json, before: Json, now: Json): Json {
  const value: Json = { ...fields };
  for (const [name, owned] of Object.entries(before)) {
    const kept = now[name];
    const there = value[name];
    if (isMap(owned) && isMap(there)) {
      value[name] = without(there, owned, isMap(kept) ? kept : {});
    } else if (kept === undefined) delete value[name];
  }
  return value;
}
