type StoreDamageCode =
  /** A bad record that no torn write explains, or a segment that is cut, missing or foreign. */
  | 'STORE_LOG_DAMAGED'
  /** No snapshot from which the state can be rebuilt is readable. */
  | 'STORE_SNAPSHOT_DAMAGED'
  /** The directory belongs to another cluster or node. */
  | 'STORE_WRONG_OWNER'
  /** Written by a version that this one cannot read. */
  | 'STORE_VERSION'
  /** A living process holds the directory. */
  | 'STORE_LOCKED'
  /** There is no log where one must be. */
  | 'STORE_MISSING';

/** Why a store refuses to start. Thrown by the functions that open one, never while it runs. */
export class StoreDamaged extends Error {
  readonly code: StoreDamageCode;
  readonly what: string;
  readonly because: string;
  readonly so: string;
  readonly try: string;

  constructor(
    code: StoreDamageCode,
    text: {
      readonly what: string;
      readonly because: string;
      readonly so: string;
      readonly try: string;
    },
  ) {
    super(`${text.what}: ${text.because}`);
    this.name = 'StoreDamaged';
    this.code = code;
    this.what = text.what;
    this.because = text.because;
    this.so = text.so;
    this.try = text.try;
  }
}

const notStarted = 'this manager does not start: a state with a hole could start a VM twice';
const rebuild =
  'check the disk; where other managers have a quorum, `kennel manager rebuild --manager HOST:PORT` sets the ' +
  'data aside and copies theirs; otherwise move the directory away and `kennel restore` a backup';

/** `STORE_LOG_DAMAGED`: `path` names the file, and the byte where that is known. */
export function damagedLog(path: string, because: string): StoreDamaged {
  return new StoreDamaged('STORE_LOG_DAMAGED', {
    what: `the log of the store is damaged at ${path}`,
    because,
    so: notStarted,
    try: rebuild,
  });
}

/** `STORE_SNAPSHOT_DAMAGED`: the entries that would make up for it are gone. */
export function damagedSnapshot(directory: string, because: string): StoreDamaged {
  return new StoreDamaged('STORE_SNAPSHOT_DAMAGED', {
    what: `no usable snapshot in ${directory}`,
    because,
    so: notStarted,
    try: rebuild,
  });
}

/** `STORE_WRONG_OWNER`. */
export function wrongOwner(path: string, because: string): StoreDamaged {
  return new StoreDamaged('STORE_WRONG_OWNER', {
    what: `${path} belongs to another manager`,
    because,
    so: 'this manager does not start, and the directory is left as it is',
    try: 'point this manager at its own directory, or move the foreign one away',
  });
}

/** `STORE_VERSION`. */
export function unknownVersion(path: string, because: string): StoreDamaged {
  return new StoreDamaged('STORE_VERSION', {
    what: `${path} was written by another version`,
    because,
    so: 'this manager does not start, and the directory is left as it is',
    try: 'start the version that wrote it, or a newer one',
  });
}

/** `STORE_LOCKED`: `holder` as `Disk.lock` describes it. */
export function lockedDirectory(directory: string, holder: string): StoreDamaged {
  return new StoreDamaged('STORE_LOCKED', {
    what: `another process uses the store directory ${directory}`,
    because: `it is held by ${holder}`,
    so: 'this manager does not start: two writers would destroy the log',
    try: 'stop the other process, or give this manager a directory of its own',
  });
}

/** `STORE_MISSING`: the directory does not say which member of the store it is. */
export function unknownMember(directory: string): StoreDamaged {
  return new StoreDamaged('STORE_MISSING', {
    what: `there is no store in ${directory}`,
    because: 'nothing in it says which member of the store this manager is',
    so: 'this manager does not start: a store that makes itself anew would forget who owns what',
    try:
      'name the right directory; where this manager had a store and others have a quorum, `kennel manager ' +
      'rebuild --manager HOST:PORT`; else make a cluster with `kennel init`, or join one',
  });
}

/** `STORE_MISSING`: a member that has had a log has none any more. */
export function emptyMember(directory: string, name: string): StoreDamaged {
  return new StoreDamaged('STORE_MISSING', {
    what: `the log of ${name} in ${directory} is gone`,
    because: 'it has been a member of the store, and may have voted for what is not here any more',
    so: notStarted,
    try: rebuild,
  });
}
