import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runTranscript } from './transcript.ts';

const folder = fileURLToPath(new URL('transcripts', import.meta.url));
const files = readdirSync(folder).filter((file) => file.endsWith('.txt'));

describe('the consensus core', () => {
  it.each(files)('prints what transcript %s says', (file) => {
    const { commands, differences } = runTranscript(readFileSync(join(folder, file), 'utf8'));
    expect(commands).toBeGreaterThan(3);
    expect(differences).toEqual([]);
  });
});

describe('the transcript runner', () => {
  it('tells what differs, where, and goes on', () => {
    const text = 'raft-state\n----\nnothing\n\nno-such-verb 1\n----\nok\n\ncampaign 9\n----\nok\n';
    const { commands, differences } = runTranscript(text);
    expect(commands).toBe(3);
    expect(differences).toEqual([
      { line: 1, command: 'raft-state', expected: 'nothing', actual: 'ok' },
      { line: 5, command: 'no-such-verb 1', expected: 'ok', actual: 'unknown command' },
      { line: 9, command: 'campaign 9', expected: 'ok', actual: 'there is no node 9' },
    ]);
  });

  it('leaves log lines out on both sides', () => {
    const text =
      'add-nodes 1 voters=(1) index=2\n----\nINFO whatever\n  DEBUG this is\n\ncampaign 1\n----\nok\n';
    expect(runTranscript(text).differences).toEqual([]);
  });

  it('takes what older suites say of output that was kept back for ok', () => {
    const text = 'log-level none\n----\nok\n\n_breakpoint\n----\nok (quiet)\n';
    expect(runTranscript(text).differences).toEqual([]);
  });

  it('reads output with blank lines between doubled separators', () => {
    const text = 'raft-state\n----\n----\nok\n\nmore\n----\n----\n\nraft-state\n----\nok\n';
    const { commands, differences } = runTranscript(text);
    expect(commands).toBe(2);
    expect(differences.map((one) => one.expected)).toEqual(['ok\n\nmore']);
  });

  it('takes further lines of a block for further commands', () => {
    const text =
      'log-level none\nadd-nodes 2 voters=(1,2) index=2\n----\nok\n\nstatus 3\n----\nthere is no node 3\n';
    expect(runTranscript(text).differences).toEqual([]);
  });
});
