import { domainRows } from './machine.ts';
import { mapped, note, refused, type Row, under, weaker } from './row.ts';

const seed = 'no seed disk is made; --volume-map names one that you made';
const fromCluster = 'its contents are made by the cluster; --volume-map names a disk that has them';
const scheduler = 'the scheduler of Kubernetes alone reads it';
const secret = { isSecret: true };

const cloudInitRows: readonly Row[] = [
  weaker('', seed, secret),
  weaker('secretRef', seed),
  weaker('networkDataSecretRef', seed),
];

const volumeRows: readonly Row[] = [
  mapped('name', 'joins a volume to its disk'),
  mapped('persistentVolumeClaim.claimName', '`disks[]`, by --pvc-map'),
  mapped('persistentVolumeClaim.readOnly', '`disks[].readOnly`'),
  note('persistentVolumeClaim.hotpluggable', 'disks are not added to a running VM'),
  mapped('dataVolume.name', '`disks[]`, by --pvc-map'),
  note('dataVolume.hotpluggable', 'disks are not added to a running VM'),
  mapped('containerDisk.image', '`disks[]`, by --image-map'),
  note('containerDisk.imagePullPolicy', 'no image is fetched'),
  note('containerDisk.imagePullSecret', 'no image is fetched'),
  note('containerDisk.path', 'no image is fetched'),
  mapped('ephemeral.persistentVolumeClaim.claimName', '`disks[]`, by --image-map'),
  note('ephemeral.persistentVolumeClaim.readOnly', 'the disk of --image-map says it'),
  mapped('hostDisk.path', '`disks[].local`: the VM cannot be restarted on another node'),
  note('hostDisk.type', 'the file has to be there'),
  note('hostDisk.capacity', 'the file has the size that it has'),
  refused('hostDisk.shared', 'two VMs never write to one disk', { harmless: [false] }),
  ...under('cloudInitNoCloud', cloudInitRows),
  ...under('cloudInitConfigDrive', cloudInitRows),
  weaker('sysprep', 'no answer disk is made; --volume-map names one that you made'),
  refused('emptyDisk', 'a disk for scratch must exist; --volume-map names one'),
  refused('configMap', fromCluster),
  refused('secret', fromCluster),
  refused('downwardAPI', fromCluster),
  refused('serviceAccount', 'the identity of a pod means nothing outside of Kubernetes'),
  refused('downwardMetrics', 'the guest would miss its device'),
  refused('containerPath', fromCluster),
  note('memoryDump', 'a place for dumps is no disk of the VM'),
];

const networkRows: readonly Row[] = [
  mapped('name', 'joins a network to its card'),
  mapped('pod', '`interfaces[]`, by --network-map pod, or the libvirt network `default`'),
  weaker('pod.vmNetworkCIDR', 'the network decides about addresses'),
  weaker('pod.vmIPv6NetworkCIDR', 'the network decides about addresses'),
  mapped('multus.networkName', '`interfaces[]`, by --network-map'),
  note('multus.default', 'the order of cards is kept'),
  refused('resourceClaim', 'a device that the cluster gives out'),
];

const antiAffinity = 'affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[]';
const nodeTerms =
  'affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[]';

const schedulingRows: readonly Row[] = [
  mapped('nodeSelector.*', '`nodes`: a host name as it is, other labels by --node-map'),
  mapped(`${nodeTerms}.matchExpressions[].key`, '`nodes`, as `nodeSelector`'),
  mapped(`${nodeTerms}.matchExpressions[].operator`, '`nodes`, for `In`'),
  mapped(`${nodeTerms}.matchExpressions[].values[]`, '`nodes`'),
  refused(`${nodeTerms}.matchFields`, 'it names a node by its object'),
  weaker(
    'affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution',
    'kennel rule add --nodes --preferred',
  ),
  mapped(`${antiAffinity}.topologyKey`, '`separateFrom`, for host names'),
  mapped(`${antiAffinity}.labelSelector.matchLabels.*`, '`separateFrom`: VMs of these files'),
  refused(`${antiAffinity}.labelSelector.matchExpressions`, 'kennel rule add --apart says it'),
  refused(`${antiAffinity}.namespaces`, 'kennel rule add --apart says it'),
  refused(`${antiAffinity}.namespaceSelector`, 'kennel rule add --apart says it'),
  refused(`${antiAffinity}.matchLabelKeys`, 'kennel rule add --apart says it'),
  refused(`${antiAffinity}.mismatchLabelKeys`, 'kennel rule add --apart says it'),
  weaker(
    'affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution',
    'kennel rule add --apart --preferred',
  ),
  refused(
    'affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution',
    'kennel rule add --together says it',
  ),
  weaker(
    'affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution',
    'kennel rule add --together --preferred',
  ),
  weaker('topologySpreadConstraints', 'kennel rule add --spread'),
  mapped('priorityClassName', '`priority`, by --priority-map'),
  note('tolerations', scheduler),
  note('schedulerName', scheduler),
  note('serviceAccountName', 'the identity of a pod means nothing outside of Kubernetes'),
  refused('resourceClaims', 'a device that the cluster gives out'),
];

const probeRows = (at: string, why: string): readonly Row[] => [
  weaker(at, why),
  weaker(`${at}.exec`, why, secret),
  weaker(`${at}.httpGet`, why, secret),
];

/** The spec of a VirtualMachineInstance, and of every template of one. */
export const instanceRows: readonly Row[] = [
  ...under('domain', domainRows),
  ...under('volumes[]', volumeRows),
  ...under('networks[]', networkRows),
  ...schedulingRows,
  refused('architecture', 'the nodes are x86-64', { harmless: ['amd64', ''] }),
  weaker('accessCredentials', 'keys and passwords are not put into a guest'),
  weaker('dnsConfig', 'the DHCP server of the network decides'),
  note('dnsPolicy', 'the DHCP server of the network decides'),
  weaker('hostname', 'the guest names itself'),
  weaker('subdomain', 'the guest is not in the DNS of a cluster'),
  note('evictionStrategy', 'who empties a node decides how its VMs leave'),
  ...probeRows('livenessProbe', 'nobody looks into the guest: one that hangs is not restarted'),
  ...probeRows('readinessProbe', 'nobody looks into the guest'),
  refused('startStrategy', 'a VM that is started runs'),
  note('terminationGracePeriodSeconds', 'kennel settings say how long a guest may shut down'),
  note('utilityVolumes', 'a place for dumps and backups is no disk of the VM'),
];
