import { describe, expect, it } from 'vitest';
import { Inflights } from './inflights.ts';
import { Progress } from './progress.ts';

function progress(match: number, next: number, inflights = new Inflights(2, 100)): Progress {
  return new Progress({ match, next, isLearner: false, recentActive: true, inflights });
}

describe('progress', () => {
  it('pauses a probe after one append with entries', () => {
    const peer = progress(0, 5);
    peer.sentEntries(0, 0);
    expect(peer.paused).toBe(false);
    peer.sentEntries(3, 30);
    expect(peer.paused).toBe(true);
    expect(peer.next).toBe(5);
  });

  it('runs ahead while it replicates, until the window is full', () => {
    const peer = progress(4, 5);
    peer.becomeReplicate();
    peer.sentEntries(2, 10);
    expect([peer.next, peer.paused]).toEqual([7, false]);
    peer.sentEntries(1, 10);
    expect([peer.next, peer.paused]).toEqual([8, true]);
    peer.inflights.freeUpTo(6);
    expect(peer.advanceTo(6)).toBe(true);
    expect([peer.match, peer.next, peer.paused]).toEqual([6, 8, false]);
  });

  it('goes back to what is known when an append that ran ahead is refused', () => {
    const peer = progress(4, 5);
    peer.becomeReplicate();
    peer.sentEntries(5, 10);
    expect(peer.retreatFrom(4, 2)).toBe(false);
    expect(peer.retreatFrom(9, 2)).toBe(true);
    expect([peer.match, peer.next]).toEqual([4, 5]);
  });

  it('goes back to the hint when a probe is refused, and ignores an older refusal', () => {
    const peer = progress(0, 9);
    expect(peer.retreatFrom(5, 3)).toBe(false);
    expect(peer.retreatFrom(8, 3)).toBe(true);
    expect(peer.next).toBe(4);
  });

  it('goes on after the snapshot that was pending, or after what the peer told if that is more', () => {
    const peer = progress(2, 3);
    peer.becomeSnapshot(20);
    expect([peer.paused, peer.next]).toEqual([true, 21]);
    peer.becomeProbe();
    expect([peer.paused, peer.next, peer.pendingSnapshot]).toEqual([false, 21, 0]);
    peer.becomeSnapshot(20);
    peer.advanceTo(30);
    peer.becomeProbe();
    expect(peer.next).toBe(31);
  });

  it('tells a commit index again only where the peer could follow it further', () => {
    const peer = progress(4, 5);
    peer.becomeReplicate();
    peer.sentEntries(3, 3);
    peer.sentCommit(4);
    expect(peer.canBumpCommit(4)).toBe(false);
    expect(peer.canBumpCommit(6)).toBe(true);
    peer.sentCommit(7);
    expect(peer.canBumpCommit(9)).toBe(false);
  });
});

describe('the window of appends on their way', () => {
  it('is full by number or by bytes, and lets the message that crosses the bytes out', () => {
    const window = new Inflights(3, 10);
    window.add(1, 9);
    expect(window.full).toBe(false);
    window.add(2, 9);
    expect([window.full, window.count]).toEqual([true, 2]);
    window.freeUpTo(1);
    expect([window.full, window.count]).toEqual([false, 1]);
    window.add(3, 0);
    window.add(4, 0);
    expect(window.full).toBe(true);
    window.reset();
    expect([window.full, window.count]).toEqual([false, 0]);
  });

  it('keeps its count over many rounds', () => {
    const window = new Inflights(300, Number.POSITIVE_INFINITY);
    for (let index = 1; index <= 2000; index++) {
      window.add(index, 1);
      if (index > 200) window.freeUpTo(index - 200);
      expect(window.count).toBe(Math.min(index, 200));
    }
    expect(window.clone().count).toBe(200);
  });
});
