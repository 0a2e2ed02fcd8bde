import type { Problem } from '../core/problem.ts';

/** Why a manager answers nothing: its word would not be the leader's. */
export function notLeading(): Problem {
  return {
    code: 'E_NOT_LEADER',
    what: 'this manager cannot answer',
    because: 'it does not lead, or cannot reach a quorum to confirm that it does',
    so: 'nothing was done',
    try: ['ask another manager', 'run the command again in a few seconds'],
  };
}

/** A read of something that only what is committed now can answer. */
export function onlyOldKnown(ageMs: number | null): Problem {
  const old = ageMs === null ? 'nothing' : `only what was committed ${ageMs} ms ago or before`;
  return {
    code: 'E_UNAVAILABLE',
    what: 'the state of the cluster cannot be read',
    because: `the store does not answer, and this manager knows ${old}`,
    so: 'nothing was answered, rather than something old',
    try: ['kennel status, which shows what is known and how old it is', 'kennel manager ls'],
  };
}

const notMade = 'the change was not made';

/** Leadership ended before the change was sent, or the store refused it for that reason. */
export function stoppedLeading(): Problem {
  return {
    code: 'E_NOT_LEADER',
    what: notMade,
    because: 'this manager stopped leading',
    so: 'nothing was changed',
    try: ['kennel status', 'run the command again'],
  };
}

/** The change was sent, and leadership ended before its outcome could be read. */
export function unknownOutcome(): Problem {
  return {
    code: 'E_AMBIGUOUS',
    what: 'the change may have been made, and may not',
    because: 'the store did not answer, and this manager stopped leading',
    so: 'the next leader goes on from whatever was written',
    try: ['kennel status', 'read the state of what was to be changed, then decide'],
  };
}

/** Each time the change was written, something else had come before it. */
export function neverAtRest(): Problem {
  return {
    code: 'E_CONFLICT',
    what: notMade,
    because: 'the records changed each time while it was being written',
    so: 'nothing was changed',
    try: ['kennel status', 'run the command again'],
  };
}

/** The store takes no writes but those of failover, for example because its disk is full. */
export function storeReadOnly(because: string): Problem {
  return {
    code: 'E_STORE_READ_ONLY',
    what: notMade,
    because,
    so: 'VMs that run and failover go on; nothing else can be changed',
    try: ['free space on the disk of the data directory', 'kennel status'],
  };
}

/** The store did not take this write; `because` is its own word. */
export function storeRefused(because: string): Problem {
  return {
    code: 'E_UNAVAILABLE',
    what: notMade,
    because: `the store did not take it: ${because}`,
    so: 'nothing was changed',
    try: ['kennel status'],
  };
}

/** A read that had no answer. */
export function storeSilent(because: string): Problem {
  return {
    code: 'E_UNAVAILABLE',
    what: 'the store does not answer',
    because,
    so: 'nothing is known to have changed',
    try: ['kennel status'],
  };
}

export function unknownNode(name: string): Problem {
  return {
    code: 'E_NOT_FOUND',
    what: `there is no node ${name}`,
    because: 'no node of that name has joined',
    so: 'nothing was done',
    try: ['kennel node ls'],
  };
}

export function unknownVm(name: string): Problem {
  return {
    code: 'E_NOT_FOUND',
    what: `there is no VM ${name}`,
    because: 'no VM has that name or UUID',
    so: 'nothing was done',
    try: ['kennel vm ls'],
  };
}
