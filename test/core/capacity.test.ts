// A store that knows how much of the disk is free refuses updates before it is full.
import { plainCodec } from 'sluice';
import { describe, expect, test } from 'vitest';
import type { SegmentHolder } from '#sluice/services/ports.js';
import { errorOf, type TinyOperation } from './support/tiny-segments.js';
import { openTiny } from './support/tiny-store.js';

const FREE = 100_000;
const MIB = 1024 * 1024;

async function openOn(disk: { free: number }) {
  return openTiny({
    settings: {
      freeBytes: async () => disk.free,
      diskMarginBytes: 1000,
      codec: { ...plainCodec<TinyOperation>(), frees: (operation) => 'delete' in operation },
    },
  });
}

describe('a nearly full disk', () => {
  test('updates are refused and write nothing, deletes are accepted, and it clears by itself', async () => {
    const disk = { free: FREE };
    const store = await openOn(disk);
    await store.fill(3);
    disk.free = 900;
    await store.clock.advance(2000);
    await store.run(store.put('due'));
    const { last } = store.handler.telemetry().log;
    const error = await store.failure(store.put('more'));
    expect(error).toMatchObject({ code: 'SLUICE_NOT_ENOUGH_SPACE', kind: 'declined' });
    expect(store.handler.telemetry().log.last).toBe(last);
    expect(store.handler.status()).toMatchObject({
      color: 'red',
      reasons: [{ reason: 'error', what: 'capacity', code: 'SLUICE_NOT_ENOUGH_SPACE' }],
    });
    const deleted = store.handler.submit({ delete: 'key1' });
    expect(await store.run(deleted)).toMatchObject({ status: 'completed' });

    disk.free = FREE;
    await store.clock.advance(2000);
    const status = store.handler.status();
    expect(status.color).toBe('green');
    expect(status.errors).toMatchObject([{ what: 'capacity', recoveredAt: expect.any(Number) }]);
    expect(await store.run(store.put('more', 5))).toMatchObject({ status: 'completed' });
    expect(store.content).toEqual({ due: 0, key0: 0, key2: 2, more: 5 });
    await store.run(store.handler.stop());
  });

  test('the first update after opening is refused as well', async () => {
    const store = await openOn({ free: 900 });
    expect(await store.failure(store.put('key'))).toMatchObject({
      code: 'SLUICE_NOT_ENOUGH_SPACE',
    });
    await store.run(store.handler.stop());
    expect(store.clock.pending).toBe(0);
  });

  test('what was applied is committed at once while updates are refused', async () => {
    const disk = { free: FREE };
    const store = await openOn(disk);
    disk.free = 900;
    await store.clock.advance(2000);
    const { commits } = store.handler.telemetry().flush;
    await store.run(store.put('due', 2));
    await store.clock.advance(120);
    await store.failure(store.put('more'));
    await store.clock.advance(10);
    // Long before the next round is due.
    expect(store.handler.telemetry().flush.commits).toBe(commits + 1);
    await store.run(store.handler.stop());
  });

  test('a stopped store refuses as one that is stopped, whatever is free', async () => {
    const disk = { free: FREE };
    const store = await openOn(disk);
    disk.free = 0;
    await store.run(store.handler.stop());
    expect(await store.failure(store.put('key'))).toMatchObject({ code: 'SLUICE_STOPPED' });
  });

  test('space that could not be given back is an error until it could, or until a reopening', async () => {
    const disk = { free: FREE };
    const store = await openOn(disk);
    const errors: unknown[] = [new Error('busy'), undefined, errorOf('sticky')];
    const reclaim = async () => {
      const error = errors.shift();
      if (error !== undefined) throw error;
    };
    Object.defineProperty(store.segments, 'reclaim', { value: reclaim });
    const reclaims = async (key: string) => {
      const { length } = errors;
      disk.free = 1500;
      await store.clock.advance(2000);
      await store.run(store.put(key));
      await store.run(store.handler.flush());
      await store.clock.until(() => errors.length < length);
      disk.free = FREE;
    };
    const standing = () =>
      store.handler.status().errors.filter(({ recoveredAt }) => recoveredAt === null);
    await reclaims('a');
    expect(standing()).toMatchObject([{ what: 'reclaim' }]);
    await reclaims('b');
    expect(standing()).toEqual([]);
    await reclaims('c');
    expect(store.handler.state).toBe('broken');
    await store.run(store.handler.reopen());
    expect(standing()).toEqual([]);
    await store.run(store.handler.stop());
  });

  test('how much could be given back is an error until somebody can tell', async () => {
    const store = await openOn({ free: 2048 * MIB });
    const errors: unknown[] = [errorOf('transient', 'busy'), undefined];
    const garbageBytes = async () => {
      const error = errors.shift();
      if (error !== undefined) throw error;
      return 0;
    };
    Object.assign(store.segments, { garbageBytes });
    const standingAfter = async (key: string) => {
      await store.run(store.put(key));
      await store.run(store.handler.flush());
      await store.clock.advance(10);
      return store.handler.status().errors.filter(({ recoveredAt }) => recoveredAt === null);
    };
    expect(await standingAfter('a')).toMatchObject([{ what: 'reclaim', message: 'busy' }]);
    expect(await standingAfter('b')).toEqual([]);
    expect(store.handler.state).toBe('running');
    await store.run(store.handler.stop());
  });

  test('space is given back when much was deleted: less is enough when there is no more work', async () => {
    const disk = { free: 2048 * MIB };
    const store = await openOn(disk);
    let left = 0;
    let reclaims = 0;
    let isBusy = false;
    let isInTurns = false;
    const meanwhile: Promise<unknown>[] = [];
    const adapter: Partial<SegmentHolder<TinyOperation>> = {
      diskUse: () => ({ stored: 100 * MIB, largest: 0 }),
      garbageBytes: async () => {
        if (isBusy) meanwhile.push(store.put('meanwhile'));
        // Nobody waits when it has been applied, but it isn't committed.
        if (isInTurns) await store.put('in turn');
        return left;
      },
      reclaim: async () => {
        reclaims += 1;
        left = 0;
      },
    };
    Object.assign(store.segments, adapter);
    const reclaimsWith = async (garbage: number) => {
      const before = reclaims;
      left = garbage;
      await store.run(store.put('key'));
      await store.run(store.handler.flush());
      await store.clock.advance(10);
      return reclaims - before;
    };
    expect(await reclaimsWith(12 * MIB)).toBe(0);
    expect(await reclaimsWith(13 * MIB)).toBe(1);
    expect(left).toBe(0);
    isBusy = true;
    expect(await reclaimsWith(99 * MIB)).toBe(0);
    expect(await reclaimsWith(101 * MIB)).toBe(1);
    isBusy = false;
    isInTurns = true;
    expect(await reclaimsWith(99 * MIB)).toBe(0);
    isInTurns = false;
    expect(await reclaimsWith(99 * MIB)).toBe(1);
    await store.run(Promise.all(meanwhile));
    await store.run(store.handler.stop());
  });

  test('what the log has forgotten is given back, and not again for what stays', async () => {
    const disk = { free: 2048 * MIB };
    const use = { onDisk: 0, residue: 0 };
    let reclaims = 0;
    const store = await openOn(disk);
    Object.assign(store.wal, {
      bytesOnDisk: async () => use.onDisk,
      reclaim: async () => {
        reclaims += 1;
        use.onDisk = use.residue;
      },
    });
    const reclaimsWith = async (bytes: number) => {
      const before = reclaims;
      use.onDisk = bytes;
      await store.run(store.put('key'));
      await store.run(store.handler.flush());
      await store.clock.advance(10);
      return reclaims - before;
    };
    expect(await reclaimsWith(3 * MIB)).toBe(0);
    use.residue = 2 * MIB;
    expect(await reclaimsWith(5 * MIB)).toBe(1);
    expect(await reclaimsWith(5 * MIB)).toBe(0);
    expect(await reclaimsWith(7 * MIB)).toBe(1);
    await store.run(store.handler.stop());
  });

  test('who asks for it waits until it is given back, also for what came while it was', async () => {
    const store = await openOn({ free: 2048 * MIB });
    let left = 20 * MIB;
    const begun: (() => void)[] = [];
    Object.assign(store.segments, {
      garbageBytes: async () => left,
      reclaim: () => {
        left = 0;
        return new Promise<void>((resolve) => begun.push(resolve));
      },
    });
    await store.run(store.put('key'));
    let isGiven = false;
    const given = store.handler.reclaim().then(() => {
      isGiven = true;
    });
    await store.clock.until(() => begun.length === 1);
    left = 20 * MIB;
    begun[0]?.();
    await store.clock.until(() => begun.length === 2);
    expect(isGiven).toBe(false);
    begun[1]?.();
    await store.run(given);
    await store.run(store.handler.reclaim());
    expect(begun).toHaveLength(2);
    await store.run(store.handler.stop());
    await expect(store.handler.reclaim()).rejects.toMatchObject({ code: 'SLUICE_STOPPED' });
  });

  test('a stop ends giving back', async () => {
    const disk = { free: 2048 * MIB };
    const store = await openOn(disk);
    const seen: AbortSignal[] = [];
    Object.assign(store.segments, {
      garbageBytes: async () => 1000 * MIB,
      reclaim: (signal: AbortSignal) => {
        seen.push(signal);
        return new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        });
      },
    });
    await store.run(store.put('key'));
    await store.run(store.handler.flush());
    await store.clock.until(() => seen.length > 0);
    await store.run(store.handler.stop());
    expect(seen.map(({ aborted }) => aborted)).toEqual([true]);
    expect(store.handler.status().errors).toEqual([]);
  });
});
