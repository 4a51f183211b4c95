// Whole stores with one fault each, which shows when they run on the core.
import { SluiceError } from 'sluice';
import { updateHandlerSuite } from 'sluice/testing';
import { isBlockKey, MANIFEST_KEY } from '#sluice/services/level/keys.js';
import { readManifest } from '#sluice/services/level/manifest.js';
import type { FlushCapture } from '#sluice/services/ports.js';
import type { FaultLevel } from '../../support/fault-level.js';
import { type KvStoreAdapters, kvOperations, kvSegments, StorePlace } from './places.js';
import { rejects } from './rejected.js';

function broken(
  what: string,
  clause: string,
  change: (adapters: KvStoreAdapters, db: FaultLevel) => Partial<KvStoreAdapters>,
): void {
  const factory = () => {
    const place = new StorePlace(kvSegments());
    const adapters = () => {
      const good = place.adapters();
      return { ...good, ...change(good, place.db) };
    };
    return {
      adapters,
      crash: (how: 'kill' | 'powerCut') => place.crash(how),
      failWrite: (options: { stored: boolean }) => place.failWrite(options),
      blocks: () => place.blocks(),
    };
  };
  const supports = {
    ...{ kill: true, powerCut: true, failedWrites: true, blocks: true },
    ...{ refused: true, optimizers: true },
  };
  const operations = kvOperations;
  rejects(what, clause, (test) => {
    updateHandlerSuite({
      ...{ factory, operations, supports },
      test: (name, body) => {
        if (name.startsWith('the store on the core')) test(name, body);
      },
    });
  });
}

/** The same object, but for some methods. */
function instead<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get: (_, name) => {
      if (name in methods) return Reflect.get(methods, name);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

broken(
  'lets operations take effect after their answer',
  'what is answered has taken effect, and nothing else has',
  ({ segments }) => ({
    segments: instead(segments, {
      apply: (opNum, operation) => {
        setTimeout(() => segments.apply(opNum, operation), 5);
        return 1;
      },
    }),
  }),
);

broken(
  'swallows its refusals',
  'a refused operation is told to its caller, and has no effect',
  ({ segments }) => ({
    segments: instead(segments, {
      apply: (opNum, operation) =>
        operation.type === 'insert' ? 0 : segments.apply(opNum, operation),
    }),
  }),
);

broken(
  'forgets its last record when it is opened',
  'what was answered survives the death of the process',
  ({ wal }) => ({
    wal: instead(wal, {
      open: async () => {
        const state = await wal.open();
        return { ...state, last: Math.max(state.acked, state.last - 1) };
      },
    }),
  }),
);

/** A flush that has something of its own done before one of its calls. */
const flushing = (
  segments: KvStoreAdapters['segments'],
  change: (capture: FlushCapture, applied: number) => Partial<FlushCapture>,
): KvStoreAdapters['segments'] =>
  instead(segments, {
    capture: (applied, notes) => {
      const capture = segments.capture(applied, notes);
      return instead(capture, change(capture, applied));
    },
  });

broken(
  'has its log forget what a flush is about to commit',
  'what was answered survives a death at each call of a flush',
  ({ wal, segments }) => ({
    segments: flushing(segments, (capture, applied) => ({
      writeBlocks: async (signal) => {
        await capture.writeBlocks(signal);
        await wal.acknowledge(applied);
      },
    })),
  }),
);

broken(
  'drops the old manifest with its swap, and not with the commit',
  'what was answered survives a death at each call of an optimization',
  ({ optimizers = [] }, db) => ({
    optimizers: optimizers.map((optimizer) =>
      instead(optimizer, {
        begin: (ids) => {
          const run = optimizer.begin(ids);
          if (run === undefined) return undefined;
          const swap = () => {
            void db.batch([{ type: 'del', key: MANIFEST_KEY }]);
            return run.swap();
          };
          return instead(run, { swap });
        },
      }),
    ),
  }),
);

broken(
  'takes what a process has left that died for the work of one that lives',
  'after such a death the store takes operations, and comes to rest',
  ({ segments }, db) => {
    let left: string[] = [];
    return {
      segments: instead(segments, {
        open: async (options) => {
          await db.open();
          const manifest = await db.get(MANIFEST_KEY);
          const named = manifest === undefined ? [] : readManifest(manifest).blocks;
          left = (await db.keys().all()).filter((key) => isBlockKey(key) && !named.includes(key));
          return segments.open(options);
        },
        capture: (applied, notes) => {
          if (left.length > 0) throw new SluiceError('SLUICE_IO', `${left[0]} is being written`);
          return segments.capture(applied, notes);
        },
      }),
    };
  },
);

broken(
  'keeps the blocks of a process that has died',
  'at rest after such a death the blocks that count are stored, and no others',
  ({ segments }, db) => {
    let kept: [string, Uint8Array][] = [];
    return {
      segments: instead(
        flushing(segments, (capture) => ({
          commit: async () => {
            await capture.commit();
            await db.batch(kept.map(([key, value]) => ({ type: 'put', key, value })));
          },
        })),
        {
          open: async (options) => {
            await db.open();
            kept = (await db.iterator().all()).filter(([key]) => isBlockKey(key));
            return segments.open(options);
          },
        },
      ),
    };
  },
);
