import { command, type Noun } from '../command.ts';
import { repeatedText } from '../option.ts';

const file = { completes: { kind: 'file' } } as const;

const kubevirt = command({
  name: 'kubevirt',
  summary: 'make VM files from manifests of KubeVirt',
  description: [
    'Prints a file for kennel vm create -f, and on standard error every field whose meaning is not in it. With -o json: { objects, losses, refused }. No cluster is asked, and nothing is created.',
    'A field that cannot be lost safely is refused, and then no file is printed (exit code 1); with -o json the VMs in which nothing is refused are. docs/kubevirt.md has every field.',
    'Where the bytes of disks are only the site knows: --pvc-map for claims and data volumes, --image-map for images of container disks, --volume-map for any other volume. DISK is sharedFile:/PATH, local:/PATH, rbd:POOL/IMAGE, nbd://HOST:PORT/EXPORT or iscsi://PORTAL/TARGET/LUN, then perhaps ,qcow2 and ,readOnly; {vm} in it is the name of the VM. Each of the options takes a file with one entry on a line, too.',
    'Contents of cloud-init, annotations and secrets are never printed.',
  ],
  arguments: {
    files: { summary: 'YAML or JSON; - reads standard input', isVariadic: true, ...file },
  },
  options: {
    pvcMap: repeatedText('--pvc-map <claim=disk>', 'where a claim or data volume is', file),
    imageMap: repeatedText('--image-map <image=disk>', 'a disk that holds an image', file),
    volumeMap: repeatedText(
      '--volume-map <vm/volume=disk>',
      'a disk in the place of any volume of a VM',
      file,
    ),
    networkMap: repeatedText(
      '--network-map <name=attachment>',
      'bridge:NAME or network:NAME for a network of multus, or for pod (without it network:default)',
      file,
    ),
    nodeMap: repeatedText(
      '--node-map <label=value=nodes>',
      'nodes that have a label, parted by commas',
      file,
    ),
    priorityMap: repeatedText(
      '--priority-map <class=priority>',
      'high, medium or low for a priority class',
      file,
    ),
    lose: repeatedText(
      '--lose <field>',
      'give a field up that would be refused: devices.gpus, template.spec.volumes[1]',
    ),
  },
  examples: [
    'kubectl get vm -o yaml | kennel import kubevirt - --pvc-map @claims.txt > vms.yaml',
    'kennel import kubevirt db.yaml --pvc-map db-data=rbd:vms/db --network-map vlan7=bridge:br7 -o json',
  ],
  run: async (call) =>
    (await import('../actions/import-kubevirt.ts')).importKubevirt(
      call,
      call.arguments.files,
      call.options,
    ),
});

export const importNoun: Noun = {
  kind: 'noun',
  name: 'import',
  summary: 'make VM files from what other systems have',
  verbs: [kubevirt],
};
