import { MemoryLevel } from 'memory-level';
import { expect, it } from 'vitest';
import { SegmentStore } from '#sluice/services/level/segment-store.js';
import type { ManifestBody } from '#sluice/services/points/manifest.js';
import { begin, contents, context, flush, idsOf, openHolder, Writer } from './support/harness.js';

it('a holder keeps its points in a LevelDB segment store, through swaps and reopening', async () => {
  const db = new MemoryLevel<string, Uint8Array>();
  const holder = await openHolder(new SegmentStore<ManifestBody>(db));
  const writer = new Writer(holder);
  writer.upsert([1, 2, 'a'], 1);
  await flush(holder);
  const run = begin(holder, idsOf(holder));
  writer.delete([2]);
  await run.copy(context);
  writer.upsert(['a'], 2);
  const capture = holder.capture(holder.applied);
  await capture.writeBlocks(context.signal);
  expect(run.swap()).toBe(1);
  await capture.commit();
  capture.release();
  const cancelled = begin(holder, idsOf(holder));
  await cancelled.copy(context);
  cancelled.rollback();
  await cancelled.discard();
  await flush(holder);
  const blocks = (await db.keys().all()).filter((key) => key !== 'manifest');
  // Rows of both segments, and the stamp on the point that went from one to the other.
  expect(blocks).toHaveLength(3);
  const expected = await contents(holder);
  await holder.close();
  const again = await openHolder(new SegmentStore<ManifestBody>(db));
  expect(await contents(again)).toEqual(expected);
  expect(again.applied).toBe(3);
  await again.close();
});
