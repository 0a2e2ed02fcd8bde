import { expect, test } from 'vitest';
import { parseHostPort } from './host-port.ts';

test.each([
  ['10.0.0.10:7400', '10.0.0.10', 7400],
  ['manager-1.example:1', 'manager-1.example', 1],
  ['[fd00::1]:65535', 'fd00::1', 65_535],
])('%s is a host and a port', (text, host, port) => {
  expect(parseHostPort(text)).toEqual({ kind: 'ok', host, port });
});

test.each([
  ['10.0.0.10', 'host:port'],
  ['fd00::1:7400', '[fd00::1]:7400'],
  ['host:0', 'port 0'],
  ['host:70000', 'port 70000'],
  ['https://host:1', 'host:port'],
  [':7400', 'host:port'],
])('%s is refused: %s', (text, because) => {
  const parsed = parseHostPort(text);
  expect(parsed.kind === 'invalid' && parsed.because).toContain(because);
});
