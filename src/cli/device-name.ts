import { usageError } from './usage.ts';

/** The node and the device of `node-1/bmc`, as fence devices are called everywhere. */
export function splitDevice(name: string): { readonly node: string; readonly device: string } {
  const [node = '', device = '', ...rest] = name.split('/');
  if (node !== '' && device !== '' && rest.length === 0) return { node, device };
  throw usageError({
    what: `"${name}" is not the name of a fence device`,
    because: 'it is written NODE/DEVICE, the device by a name of your choice within the node',
    try: ['node-1/bmc', 'kennel fence ls'],
  });
}
