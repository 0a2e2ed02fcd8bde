import { describe, expect, it } from 'vitest';
import { fenceError, redact } from './fence-error.ts';

describe('fenceError', () => {
  it('a command with an ambiguous end may have acted, a reading never has', () => {
    expect(fenceError('TIMEOUT', '', 'command').mayHaveActed).toBe(true);
    expect(fenceError('TIMEOUT', '', 'reading').mayHaveActed).toBe(false);
    expect(fenceError('AUTH_USER', '', 'command').mayHaveActed).toBe(false);
  });

  it('keeps 4 KiB of the text', () => {
    expect(fenceError('UNKNOWN', 'x'.repeat(10_000), 'command').detail).toHaveLength(4096);
  });
});

describe('redact', () => {
  it('removes every secret, the longer ones first', () => {
    expect(redact('a secret and a secrets', { a: 'secret', b: 'secrets', c: '' })).toBe(
      'a *** and a ***',
    );
  });
});
