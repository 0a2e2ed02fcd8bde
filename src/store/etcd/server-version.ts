/** Why a server cannot be used, or what to say about it; null = it is fine. */
export interface VersionRemark {
  readonly isRefusal: boolean;
  readonly text: string;
}

/**
 * Kennel runs on etcd 3.4 and newer. Below 3.5 a leader of etcd that is stuck on its disk may revoke
 * leases that it no longer governs, which costs a leadership its key although it was renewed: safe,
 * because writes are guarded, but a change of leader that nobody needed.
 */
export function versionRemark(version: string): VersionRemark | null {
  const match = /^(\d+)\.(\d+)\./.exec(version);
  const [major, minor] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || major !== 3 || minor < 4) {
    return {
      isRefusal: true,
      text: `etcd ${version} is not supported: 3.4 or a later 3.x is needed`,
    };
  }
  if (minor > 4) return null;
  return { isRefusal: false, text: `etcd ${version} works, 3.5 or later is advised` };
}
