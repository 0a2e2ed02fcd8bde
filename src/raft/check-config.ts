import { isLocalTarget, noOne, type Config } from './types.ts';

export type ConfigFault =
  | 'noId'
  | 'localTargetAsId'
  | 'heartbeatTick'
  | 'electionTick'
  | 'noStorage'
  | 'maxInflightMsgs'
  | 'maxInflightBytes'
  | 'leaseReadsWithoutCheckQuorum';

/** A Config that no node can run with. */
export class BadConfig extends Error {
  override readonly name = 'BadConfig';
  readonly fault: ConfigFault;
  constructor(fault: ConfigFault) {
    super(`bad raft configuration: ${fault}`);
    this.fault = fault;
  }
}

/** Throws BadConfig. */
export function checkConfig(config: Config): void {
  const fault = faultOf(config);
  if (fault !== undefined) throw new BadConfig(fault);
}

function faultOf(config: Config): ConfigFault | undefined {
  if (config.id === noOne) return 'noId';
  if (isLocalTarget(config.id)) return 'localTargetAsId';
  if (config.heartbeatTick <= 0) return 'heartbeatTick';
  if (config.electionTick <= config.heartbeatTick) return 'electionTick';
  if ((config.storage as unknown) === undefined || (config.storage as unknown) === null) {
    return 'noStorage';
  }
  if (config.maxInflightMsgs <= 0) return 'maxInflightMsgs';
  const bytes = config.maxInflightBytes ?? 0;
  if (bytes !== 0 && bytes < config.maxSizePerMsg) return 'maxInflightBytes';
  // Without it a leader that was cut off would never learn that its lease is gone.
  if (config.readOnly === 'lease-based' && config.checkQuorum !== true) {
    return 'leaseReadsWithoutCheckQuorum';
  }
  return undefined;
}
