/**
 * What the product does not do yet, and the rows whose outcome needs it. Such a row is not covered,
 * whatever is claimed: tests show at most the part that is there. Take a row out when its feature
 * comes, in the same change.
 */
export const missingFeatures: Readonly<Record<string, readonly string[]>> = {
  'peer hold of two nodes': ['W15'],
  'watchdogs of nodes on the lab': ['N13', 'O9', 'U2', 'U8'],
  'kdump proof': ['N4'],
  'preflight of a node': ['N13', 'W14'],
  'failures of VMs counted against their node': ['N12'],
  'telling a sleep state from Off': ['N27'],
  'measuring the clock rates of nodes': ['C3'],
  'warning of a starved or poor channel': ['N15', 'W9', 'W10'],
  'watching the VM network': ['W12'],
  'alarm for a slow disk of a store': ['M5'],
  'managers that run as VMs of their own cluster': ['M10'],
  'changing the settings of a cluster': ['M9', 'O8'],
  'trust in a BMC that contradicts itself': ['B6'],
  'watching datastores': ['S1', 'S3', 'S8'],
  'storageCut proof': ['S4', 'S9'],
  'disk locks under a proof': ['S5', 'O10', 'V15'],
  'margins for writes in flight': ['S10'],
  'replicated disks': ['S11'],
  'certificate expiry and revocation': ['M14'],
  'health checks that ask whether the disks of a guest are idle': ['V3'],
  'preemption of VMs of lower tiers': ['V7'],
  'post-copy migration': ['V14'],
  'checks of versions before a migration': ['U7'],
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
