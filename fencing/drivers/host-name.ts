const dnsName =
  /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$/;
const ipv6 = /^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%[A-Za-z0-9_.-]{1,15})?$/;

/** A DNS name or an address that a program may be given: never anything that looks like an option. */
export function isHost(text: string): boolean {
  return dnsName.test(text) || (ipv6.test(text) && text.length <= 64);
}
