import { hypervisors } from '../crd/kinds.ts';
import type { KubeObject } from '../kube/kube-api.ts';
import { apiVersionOf, type Resource } from '../kube/resource.ts';
import { hypervisorLabel } from '../kube-node/kube-node.ts';
import type { Reservation } from './reservations.ts';

export const pods: Resource = {
  group: '',
  version: 'v1',
  plural: 'pods',
  kind: 'Pod',
  isNamespaced: true,
};

/** Where placeholders live, and the image that does nothing. */
export interface PlaceholderOptions {
  readonly namespace: string;
  readonly image: string;
}

const ownerLabel = 'app.kubernetes.io/managed-by';
const owner = 'kennel-operator';
/** What it was made for; the server writes amounts in words of its own. */
const reservesAnnotation = 'kennel.dev/reserves';
/** In `deploy/kustomize/placeholders.yaml`: the scheduler takes the room of a VM away for no pod. */
const priorityClass = 'kennel-placeholder';

const reserves = ({ memoryMiB, milliCpus }: Reservation): string => `${memoryMiB}Mi ${milliCpus}m`;

export const isPlaceholder = ({ metadata }: KubeObject): boolean =>
  metadata.labels?.[ownerLabel] === owner && metadata.labels[hypervisorLabel] !== undefined;

export const hypervisorOf = ({ metadata }: KubeObject): string | null =>
  metadata.labels?.[hypervisorLabel] ?? null;

/** It ended: its kubelet did not admit it, or threw it out. It reserves nothing. */
export function hasEnded({ status }: KubeObject): boolean {
  const { phase } = (status ?? {}) as { readonly phase?: string };
  return phase === 'Failed' || phase === 'Succeeded';
}

/** It stands for just that, on that Node; null = whichever it is on. */
export function standsFor(
  { metadata, spec }: KubeObject,
  reservation: Reservation,
  nodeName: string | null,
): boolean {
  const { nodeName: boundTo } = (spec ?? {}) as { readonly nodeName?: string };
  const isThere = nodeName === null || boundTo === nodeName;
  return isThere && metadata.annotations?.[reservesAnnotation] === reserves(reservation);
}

/**
 * A pod that does nothing and asks for what a VM takes. It names its Node, so no scheduler looks for a place;
 * it has a controller, so `kubectl drain` takes it for one that somebody looks after.
 */
export function placeholderPod(
  reservation: Reservation,
  options: PlaceholderOptions & { readonly nodeName: string; readonly hypervisor: KubeObject },
): object {
  const { name, vm, memoryMiB, milliCpus } = reservation;
  const { namespace, image, nodeName, hypervisor } = options;
  return {
    apiVersion: apiVersionOf(pods),
    kind: pods.kind,
    metadata: {
      name,
      namespace,
      labels: { [ownerLabel]: owner, [hypervisorLabel]: reservation.hypervisor },
      annotations: { 'kennel.dev/vm': vm, [reservesAnnotation]: reserves(reservation) },
      ownerReferences: [
        {
          apiVersion: apiVersionOf(hypervisors),
          kind: hypervisors.kind,
          name: hypervisor.metadata.name,
          uid: hypervisor.metadata.uid,
          controller: true,
        },
      ],
    },
    spec: {
      nodeName,
      priorityClassName: priorityClass,
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 0,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      tolerations: [{ operator: 'Exists' }],
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 65_534,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      containers: [
        {
          name: 'placeholder',
          image,
          resources: { requests: { memory: `${memoryMiB}Mi`, cpu: `${milliCpus}m` } },
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        },
      ],
    },
  };
}
