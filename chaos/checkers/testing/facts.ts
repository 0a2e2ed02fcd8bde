import type {
  Checker,
  Fact,
  FactOf,
  Ground,
  Json,
  JsonObject,
  LiveDomain,
  WriteFact,
} from '../history.ts';
import { Readers } from '../readers.ts';

/** What is physically so, in the shortest form. */
export function groundOf(
  boots: Readonly<Record<string, string | null>> = {},
  live: readonly (LiveDomain & { readonly vm: string })[] = [],
): Ground {
  return {
    boots: new Map(Object.entries(boots)),
    liveOn: (vm) => live.filter((each) => each.vm === vm),
    liveAt: (node) => live.filter((each) => each.node === node),
  };
}

let revision = 0;

/** A committed write of a JSON object, or of a text; null deletes. */
export function write(key: string, value: Json, ground: Ground = groundOf()): WriteFact {
  revision += 1;
  const text = value === null ? null : typeof value === 'string' ? value : JSON.stringify(value);
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return {
    kind: 'write',
    revision,
    key,
    text,
    value: isObject ? (value as JsonObject) : null,
    ground,
  };
}

export function message(
  stage: FactOf<'message'>['stage'],
  from: string,
  to: string,
  body: JsonObject,
  sentAtMs = 0,
): FactOf<'message'> {
  return { kind: 'message', stage, from, to, sentAtMs, body };
}

/** Feeds facts that the checker asks for at their times, and returns everything that it said. */
export function judge(
  checker: Checker,
  facts: readonly (readonly [atMs: number, fact: Fact])[],
): readonly string[] {
  const readers = new Readers([checker]);
  return facts.flatMap(([atMs, fact]) =>
    readers.of(fact).flatMap((reader) => reader.take(fact, atMs)),
  );
}

export const permit = (node: string, token: number, boot = 'boot-1', nonce = 'a') => ({
  vm: 'v',
  node,
  incarnation: `${boot}.${nonce}`,
  token,
});

/** A VM's record that has this permit. */
export const vmRecord = (
  held: ReturnType<typeof permit> | null,
  more: JsonObject = {},
): JsonObject => ({
  kind: 'vm',
  desired: 'running',
  phase: 'running',
  permit: held,
  lastToken: held?.token ?? 0,
  operation: null,
  ...more,
});
