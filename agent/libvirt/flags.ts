/** Optional behaviour that a connection is asked for. Feature 10 starts the server's own pings. */
export const feature = { keepalive: 10 } as const;

/** Which half of a domain a change touches: the running one, the stored one. */
export const affect = { live: 1, config: 2 } as const;

/** Metadata as an XML element of a namespace (others: title, description). */
export const metadataElement = 2;

/** Boot afresh even when a saved state exists. */
export const createForceBoot = 8;

/** Check the XML against libvirt's schema. */
export const defineValidate = 1;

export const listTransient = 8;

/** The statistics group that needs no word from QEMU. */
export const statsState = 1;

/** With secrets and the stored definition: without secrets a copied VM would lose its passwords. */
export const xmlSecureInactive = 1 | 2;

/**
 * Managed save, snapshot and checkpoint metadata go with the definition; NVRAM and TPM state stay,
 * because they may lie on shared storage that a new owner already uses.
 */
export const undefineFlags = 1 | 2 | 8 | 16 | 64;
