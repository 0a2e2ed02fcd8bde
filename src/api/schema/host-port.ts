export type HostPortResult =
  | { readonly kind: 'ok'; readonly host: string; readonly port: number }
  | { readonly kind: 'invalid'; readonly because: string };

/** Reads `host:port`, `10.0.0.1:7400` and `[fd00::1]:7400`. */
export function parseHostPort(text: string): HostPortResult {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(text);
  if (match === null) {
    const hint = /:.*:/.test(text) ? '; an IPv6 address goes into brackets, [fd00::1]:7400' : '';
    return { kind: 'invalid', because: `"${text}" is not of the form host:port${hint}` };
  }
  const port = Number(match[3]);
  if (port < 1 || port > 65_535) {
    return { kind: 'invalid', because: `port ${port} is not within 1 to 65535` };
  }
  return { kind: 'ok', host: match[1] ?? match[2] ?? '', port };
}

/** The inverse: an IPv6 address goes into brackets. */
export function formatHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
