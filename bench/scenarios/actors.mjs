// The cost of the actors: durable batches through a collection, or through the same log, codec and
// segments, called one after the other in a plain loop.
import { join } from 'node:path';
import { openCollection } from 'sluice';
import { DEFAULT_SETTINGS } from '#sluice/options.js';
import { systemClock } from '#sluice/services/clock.js';
import { openDirectory } from '#sluice/services/level/directory.js';
import { SegmentStore } from '#sluice/services/level/segment-store.js';
import { LevelWal } from '#sluice/services/level/wal.js';
import { NO_NOTES } from '#sluice/services/log-notes.js';
import { copyRows } from '#sluice/services/optimizers/build-thread.js';
import { PointHolder } from '#sluice/services/points/holder.js';
import { PointOperationCodec } from '#sluice/services/points/operation-codec.js';
import { buildUpsert } from '#sluice/services/points/validate.js';
import { pointsOf } from '../data/dataset.mjs';
import { timed } from '../measure.mjs';

const BATCH = 100;

export async function run({ subject, directory, data, settings }) {
  const path = join(directory, 'db');
  const { dimensions, points } = settings;
  const open = subject === 'plainLoop' ? openPlain : openThroughCore;
  const { write, close } = await open(path, dimensions);
  const { seconds } = await timed(async () => {
    for (let from = 0; from < points; from += BATCH) await write(pointsOf(data, from, BATCH));
  });
  await close();
  return { rate: points / seconds };
}

async function openThroughCore(path, dimensions) {
  const collection = await openCollection(path, { dimensions, optimizersStart: 'onTrigger' });
  return { write: (points) => collection.upsert(points), close: () => collection.close() };
}

async function openPlain(path, dimensions) {
  const directory = await openDirectory(path, { create: true });
  const wal = new LevelWal(directory.wal);
  const codec = new PointOperationCodec(dimensions);
  const segments = new PointHolder({
    store: new SegmentStore(directory.segments),
    clock: systemClock,
    dimensions,
    cpus: 1,
    copyVectors: copyRows,
  });
  const { storeId } = await wal.open();
  await segments.open({
    storeId,
    signal: new AbortController().signal,
    onProgress() {},
    check() {},
    onProblem() {},
  });
  await directory.finishCreation();
  segments.ensureCapacity();
  let applied = 0;
  let flushing;
  const flush = async () => {
    const upTo = applied;
    const picture = segments.capture(upTo, NO_NOTES);
    await wal.sync();
    await picture.writeBlocks(new AbortController().signal);
    await picture.commit();
    await wal.acknowledge(upTo);
    picture.release();
    flushing = undefined;
  };
  return {
    async write(points) {
      const data = codec.encode(buildUpsert(points, dimensions, undefined));
      const [opNum] = await wal.append([data], { sync: true });
      segments.apply(opNum, codec.decode(data));
      applied = opNum;
      if (flushing === undefined && segments.dirtyBytes() >= DEFAULT_SETTINGS.dirtyBytesMax)
        flushing = flush();
    },
    async close() {
      await flushing;
      await segments.close();
      await wal.close();
      await directory.close();
    },
  };
}
