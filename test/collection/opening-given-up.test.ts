// An opening that is given up at the moment at which it ends: it has failed, or it hasn't.
import { MemoryLevel } from 'memory-level';
import { pino } from 'pino';
import { openCollection, SluiceError } from 'sluice';
import { expect, it } from 'vitest';

/** Turns of the microtask queue, from what the store tells when it is open to what its caller hears. */
const TURNS = 60;

/** Opens a collection and gives that up so many turns after the log has told of the opening. */
async function openAndGiveUp(turns: number): Promise<'open' | 'given up'> {
  const controller = new AbortController();
  const giveUp = async () => {
    for (let turn = 0; turn < turns; turn += 1) await null;
    controller.abort();
  };
  let isTold = false;
  const write = () => {
    if (isTold) return;
    isTold = true;
    void giveUp();
  };
  const logger = pino({ level: 'info' }, { write });
  const stores = { wal: new MemoryLevel(), segments: new MemoryLevel() };
  try {
    const options = { dimensions: 2, logger, signal: controller.signal };
    await using collection = await openCollection(stores, options);
    await collection.upsert([{ id: 1, vector: [1, 2] }]);
    expect(await collection.count()).toBe(1);
    return 'open';
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'SLUICE_ABORTED') return 'given up';
    throw error;
  }
}

it('gives an open collection or an error, whenever the signal fires', async () => {
  const endings = new Set<string>();
  for (let turns = 0; turns < TURNS; turns += 1) endings.add(await openAndGiveUp(turns));
  expect([...endings].sort()).toEqual(['given up', 'open']);
});
