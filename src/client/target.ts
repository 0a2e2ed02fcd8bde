/** Where a manager's interface is. */
export type Target =
  | { readonly host: string; readonly port: number }
  | { readonly unixSocket: string };

/** As people read it in messages. */
export function describeTarget(target: Target): string {
  if ('unixSocket' in target) return `the manager at ${target.unixSocket}`;
  const host = target.host.includes(':') ? `[${target.host}]` : target.host;
  return `the manager at ${host}:${target.port}`;
}
