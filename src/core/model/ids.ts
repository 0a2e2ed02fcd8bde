declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** Identity of one cluster: a random UUID made by `kennel init`. */
export type ClusterId = Brand<string, 'ClusterId'>;
/** Name of a node; also its identity. Lower-case DNS label. */
export type NodeId = Brand<string, 'NodeId'>;
/** Name of a manager; also its identity. Lower-case DNS label. */
export type ManagerId = Brand<string, 'ManagerId'>;
/** Identity of a VM: its libvirt domain UUID, lower-case with dashes. */
export type VmId = Brand<string, 'VmId'>;
/** Identity of one boot of a node's kernel (`/proc/sys/kernel/random/boot_id`). */
export type BootId = Brand<string, 'BootId'>;
/** Identity of one agent start: `<boot id>.<nonce>`. */
export type IncarnationId = Brand<string, 'IncarnationId'>;
/** Identity of one intended effect; makes commands idempotent and writes traceable. */
export type OperationId = Brand<string, 'OperationId'>;
/** Identity of one fence operation, `F-<n>`. */
export type FenceId = Brand<string, 'FenceId'>;
/** Identity of one failover record, `FO-<n>`. */
export type FailoverId = Brand<string, 'FailoverId'>;
/** Number of a leadership; strictly grows. */
export type Epoch = Brand<number, 'Epoch'>;
/** Grows with every change of owner of one VM. */
export type Token = Brand<number, 'Token'>;
/** Store version; grows with every write. */
export type Revision = Brand<number, 'Revision'>;

/** The form of a node's, a manager's and a VM's name: a DNS label. */
export const namePattern = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

export const clusterId = (text: string): ClusterId => text as ClusterId;
export const nodeId = (text: string): NodeId => text as NodeId;
export const managerId = (text: string): ManagerId => text as ManagerId;
export const vmId = (text: string): VmId => text as VmId;
export const bootId = (text: string): BootId => text as BootId;
export const incarnationId = (text: string): IncarnationId => text as IncarnationId;
export const operationId = (text: string): OperationId => text as OperationId;
export const fenceId = (text: string): FenceId => text as FenceId;
export const failoverId = (text: string): FailoverId => text as FailoverId;
export const epoch = (value: number): Epoch => value as Epoch;
export const token = (value: number): Token => value as Token;
export const revision = (value: number): Revision => value as Revision;
