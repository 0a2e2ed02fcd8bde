import { childElements } from './dom-read.ts';
import { parseRoot } from './domain-root.ts';

/**
 * What Kennel itself decides of a domain. Who may run it, and on which disks it writes, must not be
 * changed behind its back.
 */
const ours = new Set([
  'name',
  'uuid',
  'metadata',
  'memory',
  'currentMemory',
  'vcpu',
  'on_poweroff',
  'on_reboot',
  'on_crash',
]);
const ourDevices = new Set(['disk', 'interface']);

/** Why this is no overlay; null = it is a `<domain>` with nothing in it that is not its to say. */
export function overlayProblem(xml: string): string | null {
  const root = parseRoot(xml);
  if (root.kind === 'invalid') return root.problems.map(({ what }) => what).join('; ');
  for (const child of childElements(root.value)) {
    const name = child.localName ?? child.tagName;
    if (ours.has(name)) return `has <${name}>, which the fields of the file say`;
    if (name !== 'devices') continue;
    const device = childElements(child).find((one) => ourDevices.has(one.localName ?? one.tagName));
    if (device !== undefined) {
      return `has <${device.tagName}>: disks and interfaces are said by the fields of the file, so that no two VMs share them`;
    }
  }
  return null;
}
