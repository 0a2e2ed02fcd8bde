/** What a preference calls a field of a VM: `hyperv` is `preferredHyperv`. */
export function preferredName(name: string): string {
  return `preferred${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;
}
