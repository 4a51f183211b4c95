// Options that are objects or functions, and stores, are looked at before anything is opened.
import { MemoryLevel } from 'memory-level';
import { openCollection, ResourceBudget, SluiceError, systemClock } from 'sluice';
import { describe, expect, it } from 'vitest';
import { newStore, STORES } from '../support/stores.js';

/** What a caller without a compiler might pass. */
type Bad = never;

const budget = new ResourceBudget(1);

function memoryLevel() {
  return new MemoryLevel<string, Uint8Array>({ valueEncoding: 'view' });
}

async function thrownBy(attempt: () => Promise<unknown>): Promise<unknown> {
  return attempt().then(
    () => 'no error',
    (error: unknown) => error,
  );
}

describe.each(STORES)('on $kind', ({ create }) => {
  it.each([
    [{ clock: { now: () => 0 } }, 'clock must be a clock with the methods now, setTimeout'],
    [{ clock: Date.now }, 'clock must be a clock'],
    [
      { logger: true },
      'logger must be a logger with the methods child, debug, info, warn, error, not true',
    ],
    [{ logger: { info: () => {} } }, 'logger must be a logger'],
    [{ inspect: {} }, 'inspect must be true, a function or an inspector'],
    [{ budgets: 4 }, 'budgets must be an object, not 4'],
    [{ budgets: { io: budget } }, 'budgets must be an object with io and cpu'],
    [{ budgets: { io: budget, cpu: 2 } }, 'budgets.cpu must be a ResourceBudget'],
    [{ budgets: { io: budget, cpu: budget, gpu: budget } }, 'unknown option budgets.gpu'],
    [{ signal: {} }, 'signal must be an AbortSignal'],
    [{ dimensions: 65_537 }, 'a whole number of at least 1 and at most 65536, not 65537'],
  ])('the options %j are refused, and nothing is created', async (options, message) => {
    const store = newStore(create);
    const error = await thrownBy(() => store.open({ dimensions: 2, ...options } as Bad));
    expect(error).toBeInstanceOf(SluiceError);
    expect(error).toMatchObject({
      code: 'SLUICE_BAD_OPTION',
      message: expect.stringContaining(message),
    });
    await expect(store.open()).rejects.toMatchObject({ code: 'SLUICE_NOT_FOUND' });
  });

  it('good ones are taken, also those of another make', async () => {
    const logged: unknown[] = [];
    const log = (...entry: unknown[]) => logged.push(entry);
    const logger = { child: () => logger, debug: log, info: log, warn: log, error: log };
    const collection = await newStore(create).open({
      dimensions: 2,
      clock: { ...systemClock },
      logger: logger as Bad,
      inspect: () => {},
      budgets: { io: budget, cpu: budget },
      signal: new AbortController().signal,
    });
    await collection.upsert([{ id: 1, vector: [1, 2] }]);
    expect(logged.length).toBeGreaterThan(0);
  });

  it('optimize refuses what it does not know, and configure nothing at all', async () => {
    const collection = await newStore(create).open({ dimensions: 2 });
    for (const options of [{ signl: 1 }, { signal: 1 }, { onProgress: 1 }]) {
      const error = await thrownBy(() => collection.optimize(options as Bad));
      expect(error, JSON.stringify(options)).toMatchObject({ code: 'SLUICE_BAD_OPTION' });
    }
    await expect(collection.optimize(7 as Bad)).rejects.toThrow(TypeError);
    for (const patch of [undefined, null, 7, []]) {
      await expect(collection.configure(patch as Bad)).rejects.toThrow(TypeError);
    }
    expect((await collection.optimize()).color).toBe('green');
  });
});

describe('two stores', () => {
  it.each([
    ['wal', { wal: {}, segments: memoryLevel() }, 'an object without the method open'],
    ['wal', { wal: 1, segments: 2 }, 'not 1'],
    ['wal', {}, 'not undefined'],
    ['segments', { wal: memoryLevel() }, 'not undefined'],
    ['segments', { wal: memoryLevel(), segments: new Map() }, 'an object without the method open'],
    ['segments', { wal: memoryLevel(), segments: './path' }, 'not "./path"'],
  ])('that are none are wrong use: %s is named', async (name, stores, why) => {
    const error = await thrownBy(() => openCollection(stores as Bad, { dimensions: 2 }));
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({
      message: expect.stringMatching(new RegExp(`^${name} must be an abstract-level store, not `)),
    });
    expect((error as Error).message).toContain(why);
  });

  it.each([[undefined], [null], [7], ['']])('%j is no target at all', async (target) => {
    await expect(openCollection(target as Bad)).rejects.toThrow(
      'openCollection takes a path or { wal, segments }',
    );
  });

  it('that are empty are no collection without dimensions, and stay free to be one', async () => {
    const stores = { wal: memoryLevel(), segments: memoryLevel() };
    await expect(openCollection(stores)).rejects.toMatchObject({ code: 'SLUICE_NOT_FOUND' });
    const collection = await openCollection(stores, { dimensions: 2 });
    expect(await collection.count()).toBe(0);
    await collection.close();
  });
});
