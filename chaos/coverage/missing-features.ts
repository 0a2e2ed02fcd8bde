/**
 * What the product does not do yet, and the rows whose outcome needs it. Such a row is not covered,
 * whatever is claimed: tests show at most the part that is there. Take a row out when its feature
 * comes, in the same change.
 */
export const missingFeatures: Readonly<Record<string, readonly string[]>> = {
  'peer hold': ['W6', 'W15', 'W18', 'W19', 'W20', 'M4'],
  'watchdogs of nodes on the lab': ['N13', 'O9', 'U2', 'U8'],
  'kdump proof': ['N4'],
  'preflight of a node': ['N13', 'W14'],
  'restart of libvirtd by the agent': ['N11'],
  'failures of VMs counted against their node': ['N12'],
  'self-fencing of a node that wakes': ['N27'],
  'warning of a starved or poor channel': ['N15', 'W9', 'W10'],
  'watching the VM network': ['W12'],
  'membership of managers': ['W5', 'W16', 'M5', 'M10', 'O13'],
  'changing the settings of a cluster': ['M9', 'O8'],
  'etcd driver and Kubernetes operator': ['M11'],
  'trust in a BMC that contradicts itself': ['B6'],
  'watching datastores': ['S1', 'S3', 'S8'],
  'storageCut proof': ['S4', 'S9'],
  'disk locks under a proof': ['S5', 'O10'],
  'findings for VMs paused by their storage': ['S7'],
  'margins for writes in flight': ['S10'],
  'replicated disks': ['S11'],
  'certificate expiry and revocation': ['M14'],
  'health checks that ask whether the disks of a guest are idle': ['V3'],
  'priorities, tiers and preemption': ['N19', 'V7', 'V17'],
  'post-copy migration': ['V14'],
  'checks of versions before a migration': ['U7'],
  'alarm for a VM started by hand': ['V15'],
  'disarm and arm': ['O4'],
  'start without a known owner': ['O11'],
  'rolling upgrades': ['U1', 'U3', 'U4'],
  'moving a node or BMC to a new address': ['U9'],
  'rebuilding managers from their nodes': ['U10'],
};

/** What a row waits for; empty for most. */
export function missingFor(id: string): readonly string[] {
  return Object.entries(missingFeatures)
    .filter(([, rows]) => rows.includes(id))
    .map(([feature]) => feature);
}
