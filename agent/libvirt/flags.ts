/** Optional behaviour that a connection is asked for. Feature 10 starts the server's own pings. */
export const feature = { keepalive: 10 } as const;

/** Which half of a domain a change touches: the running one, the stored one. */
export const affect = { live: 1, config: 2 } as const;

/** Metadata as an XML element of a namespace (others: title, description). */
export const metadataElement = 2;

/** Boot afresh even when a saved state exists. */
export const createForceBoot = 8;

/** Whoever has the console open loses it. Without it a second one is refused. */
export const consoleForce = 1;

/** Check the XML against libvirt's schema. */
export const defineValidate = 1;

export const listTransient = 8;

/** The statistics group that needs no word from QEMU. */
export const statsState = 1;

/** CPU time and the balloon's figures, of active domains. */
export const statsUsage = 2 | 4;

/** A domain that somebody else works on is told without what would have to wait. */
export const statsActiveNoWait = 1 | 0x2000_0000;

/** With secrets and the stored definition: without secrets a copied VM would lose its passwords. */
export const xmlSecureInactive = 1 | 2;

/**
 * Managed save, snapshot and checkpoint metadata go with the definition; NVRAM and TPM state stay,
 * because they may lie on shared storage that a new owner already uses.
 */
export const undefineFlags = 1 | 2 | 8 | 16 | 64;

/** Of a snapshot's creation: libvirt takes over one that is in the disks; it remembers nothing of it. */
export const snapshotRedefine = 1;
export const snapshotNoMetadata = 4;
/** The guest runs afterwards, whatever it did when the snapshot was made. */
export const revertRunning = 1;
/** libvirt forgets it; the disks keep it. */
export const snapshotMetadataOnly = 2;

/** XML that another host can take a running domain by, with secrets; `inactive` for the stored half. */
export const xmlMigratable = { live: 1 | 8, inactive: 1 | 2 | 8 } as const;

/**
 * Live, from daemon to daemon, defined at the destination and left standing there, no change of the
 * definition meanwhile. Storage that libvirt cannot see to be shared is taken for it: Kennel moves no VM
 * that has a disk of its own node. An I/O error ends it.
 */
export const migrateFlags = 1 | 2 | 8 | 32 | 256 | 512 | 4096;
export const migrateAutoConverge = 8192;

/** Kinds of a domain's job: these two are under way. */
export const jobUnderWay: ReadonlySet<number> = new Set([1, 2]);
