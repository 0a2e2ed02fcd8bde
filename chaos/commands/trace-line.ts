/** A line of the file that the trace specification of etcd-io/raft's TLA+ model reads. */
export function traceLine(event: object): string {
  return `${JSON.stringify({ tag: 'trace', event })}\n`;
}
