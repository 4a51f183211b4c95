// When updates are refused because the disk is nearly full, and when no longer.
import { describe, expect, it } from 'vitest';
import { type DiskNeeds, DiskWatch, diskReserve } from '#sluice/services/disk-watch.js';
import { settle, VirtualClock } from './support/virtual-clock.js';

const RESERVE = 800;

/** A watch on a disk that a test fills and empties; tells what its owner is told. */
class World {
  readonly clock = new VirtualClock(1_000_000);
  readonly told: string[] = [];
  readonly seen: number[] = [];
  free: number | Error = 10_000;
  looks = 0;
  readonly watch = new DiskWatch({
    freeBytes: async () => {
      this.looks += 1;
      if (this.free instanceof Error) throw this.free;
      return this.free;
    },
    reserve: () => RESERVE,
    clock: this.clock,
    hooks: {
      onRefused: () => this.told.push('refused'),
      onRecovered: () => this.told.push('recovered'),
      onLook: (free) => this.seen.push(free),
      onUnknown: () => this.told.push('unknown'),
    },
  });

  /** What becomes of an update of so many bytes. */
  async update(bytes: number, frees = false): Promise<unknown> {
    try {
      this.watch.admit(bytes, frees);
      return 'accepted';
    } catch (error) {
      return error;
    } finally {
      await settle();
    }
  }
}

async function openWorld(free: number | Error = 10_000): Promise<World> {
  const world = new World();
  world.free = free;
  await world.watch.open();
  return world;
}

const refusal = { code: 'SLUICE_NOT_ENOUGH_SPACE', kind: 'declined' };

describe('the reserve', () => {
  const none = { free: 1000, margin: 0, queued: 0, dirty: 0, stored: 0, largest: 0 };
  const of = (needs: Partial<DiskNeeds>) => diskReserve({ ...none, ...needs });

  it('covers margin, what is queued four times, and what is not committed twice', () => {
    expect(of({ margin: 7 })).toBe(7);
    expect(of({ queued: 10 })).toBe(40);
    expect(of({ dirty: 10 })).toBe(20);
  });

  it('covers a rewriting of the largest segment, up to a quarter of what there could be', () => {
    expect(of({ stored: 100, largest: 60 })).toBe(100 + 120);
    expect(of({ stored: 200, largest: 200 })).toBe(200 + 300);
  });

  it('covers what has begun to be written, if that is more', () => {
    expect(of({ stored: 100, largest: 60, underway: 100 })).toBe(100 + 120);
    expect(of({ stored: 100, largest: 60, underway: 700 })).toBe(100 + 700);
  });

  it('covers what the databases compact at once, which is limited', () => {
    const stored = 2 ** 40;
    expect(of({ stored })).toBe(64 * 1024 * 1024);
  });
});

describe('an update', () => {
  it('is accepted as long as four times its bytes are free beside the reserve', async () => {
    const world = await openWorld(RESERVE + 400);
    expect(await world.update(101)).toMatchObject(refusal);
    expect(await world.update(100)).toBe('accepted');
  });

  it('counts what was accepted since the last look, and a look corrects that', async () => {
    const world = await openWorld(RESERVE + 400);
    expect(await world.update(60)).toBe('accepted');
    expect(await world.update(60)).toMatchObject(refusal);
    await world.clock.advance(100);
    // Only half of it was really taken.
    world.free = RESERVE + 400 - 120 + 100;
    expect(await world.update(60)).toMatchObject(refusal);
    expect(await world.update(60)).toBe('accepted');
    expect(world.told).toContain('recovered');
  });

  it('that frees space is always accepted', async () => {
    const world = await openWorld(10);
    expect(await world.update(1)).toMatchObject(refusal);
    expect(await world.update(1000, true)).toBe('accepted');
  });

  it('never waits for the disk, and asks one look at a time', async () => {
    const world = await openWorld();
    const before = world.looks;
    await world.clock.advance(5000);
    for (let at = 0; at < 50; at += 1) world.watch.admit(1, false);
    expect(world.looks).toBe(before + 1);
    await settle();
    world.watch.admit(1, false);
    expect(world.looks).toBe(before + 1);
  });

  it('leads to looks the more often the less is left', async () => {
    const looksFor = async (free: number) => {
      const world = await openWorld(free);
      for (let at = 0; at < 100; at += 1) {
        await world.update(1);
        await world.clock.advance(60);
      }
      return world.looks;
    };
    expect(await looksFor(RESERVE + 100_000)).toBeLessThan(6);
    expect(await looksFor(RESERVE + 100)).toBeGreaterThan(20);
  });
});

describe('refusing', () => {
  it('ends by itself, when there is clearly more than the reserve', async () => {
    const world = await openWorld(RESERVE);
    expect(await world.update(10)).toMatchObject(refusal);
    expect(world.watch.isRefusing).toBe(true);
    world.free = RESERVE + 50;
    await world.clock.advance(2000);
    expect(world.watch.isRefusing).toBe(true);
    world.free = RESERVE + 150;
    await world.clock.advance(2000);
    expect(world.watch.isRefusing).toBe(false);
    expect(world.told).toEqual(['refused', 'recovered']);
    expect(world.clock.pending).toBe(0);
  });

  it('ends sooner when another refused update has asked', async () => {
    const world = await openWorld(RESERVE);
    await world.update(10);
    world.free = 10_000;
    await world.clock.advance(60);
    expect(await world.update(10)).toMatchObject(refusal);
    expect(await world.update(10)).toBe('accepted');
    expect(world.clock.pending).toBe(0);
  });

  it('tells at each look how much is free', async () => {
    const world = await openWorld(RESERVE);
    await world.update(10);
    await world.clock.advance(4000);
    expect(world.seen).toEqual([RESERVE, RESERVE, RESERVE]);
  });

  it('leaves no timer behind when the store is closed', async () => {
    const world = await openWorld(RESERVE);
    await world.update(10);
    world.watch.close();
    expect(world.clock.pending).toBe(0);
    expect(world.told.at(-1)).toBe('recovered');
    expect(await world.update(10)).toBe('accepted');
  });
});

describe('a disk that tells nothing', () => {
  it('refuses nothing, and says so once until it tells again', async () => {
    const world = await openWorld(new Error('no such call'));
    for (let at = 0; at < 3; at += 1) {
      expect(await world.update(1_000_000)).toBe('accepted');
      await world.clock.advance(2000);
    }
    expect(world.looks).toBeGreaterThan(2);
    expect(world.told).toEqual(['unknown']);
    world.free = 10;
    await world.update(1);
    expect(await world.update(1)).toMatchObject(refusal);
  });
});
