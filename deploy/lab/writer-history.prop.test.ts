import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Heartbeat } from './heartbeat.ts';
import { addReading, noWriters, sawNewWriter } from './writer-history.ts';

const slotCount = 4;

/** A disk in memory with guests that write to it as guest/heartbeat.S does. */
class ModelDisk {
  readonly sectors: (Heartbeat | null)[] = Array.from({ length: 1 + slotCount }, () => null);
  readonly guests: Heartbeat[] = [];
  history = noWriters;

  boot(): void {
    const boots = (this.sectors[0]?.boots ?? 0) + 1;
    this.guests.push({ boots, tag: 1000 + this.guests.length, beat: 0 });
    this.beat(this.guests.length - 1);
  }

  beat(index: number): void {
    const guest = this.guests[index];
    if (guest === undefined) return;
    const next = { ...guest, beat: guest.beat + 1 };
    this.guests[index] = next;
    this.sectors[0] = next;
    this.sectors[1 + (next.boots % slotCount)] = next;
  }

  look(): void {
    this.history = addReading(this.history, [...this.sectors], this.history.readings);
    if (sawNewWriter(this.history)) {
      this.history = addReading(this.history, [...this.sectors], this.history.readings);
    }
  }
}

const pause = fc.constantFrom<'beat' | 'look'>('beat', 'look');

test('guests that run one after the other never overlap', () => {
  fc.assert(
    fc.property(fc.array(fc.array(pause, { maxLength: 12 }), { maxLength: 8 }), (runs) => {
      const disk = new ModelDisk();
      for (const [guest, steps] of runs.entries()) {
        disk.boot();
        for (const step of steps) {
          if (step === 'beat') disk.beat(guest);
          else disk.look();
        }
      }
      disk.look();
      expect(disk.history.overlaps).toEqual([]);
    }),
  );
});

test('one write of an old guest is seen, whatever came before, once the new one has been seen', () => {
  fc.assert(
    fc.property(fc.array(pause, { maxLength: 12 }), fc.array(pause, { maxLength: 6 }), (a, b) => {
      const disk = new ModelDisk();
      disk.boot();
      disk.look();
      for (const step of a) {
        if (step === 'beat') disk.beat(0);
        else disk.look();
      }
      disk.look();
      disk.boot();
      disk.look();
      for (const step of b) {
        if (step === 'beat') disk.beat(1);
        else disk.look();
      }
      disk.beat(0);
      disk.look();
      expect(disk.history.overlaps).toMatchObject([{ older: { tag: 1000 }, newer: { tag: 1001 } }]);
    }),
  );
});
