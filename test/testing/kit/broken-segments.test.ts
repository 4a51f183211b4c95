// Segments, flushes and optimizers with one fault each: the suite has a test for it, which fails.
import { type KeyValues, segmentsSuite } from 'sluice/testing';
import type {
  DeathCounter,
  FlushCapture,
  Optimization,
  SegmentHolder,
  SegmentOptimizer,
} from '#sluice/services/ports.js';
import type { FaultLevel } from '../../support/fault-level.js';
import { type KvOperation, kvAdapters, kvOperations, SegmentsPlace } from './places.js';
import { rejects } from './rejected.js';

type Holder = SegmentHolder<KvOperation>;

/** What a fault may put in the place of a method; `operations` of the place go on through it. */
interface Parts {
  segments: Holder;
  optimizer: SegmentOptimizer;
  db: FaultLevel;
  content(): Map<string, string>;
}

interface Fault {
  segments?: Partial<Holder>;
  capture?: (capture: FlushCapture) => Partial<FlushCapture>;
  optimizer?: Partial<SegmentOptimizer>;
  deathCounter?: (counter: DeathCounter) => Partial<DeathCounter>;
  run?: (run: Optimization, ids: readonly number[]) => Partial<Optimization>;
}

function broken(what: string, clause: string, fault: (parts: Parts) => Fault): void {
  const factory = () => {
    return new SegmentsPlace<KvOperation>((db) => {
      const { segments: holder, optimizers, content, deathCounter } = kvAdapters(db);
      const [good] = optimizers as [SegmentOptimizer];
      const all = () => new Map(content() as KeyValues);
      const change = fault({ segments: holder, optimizer: good, db, content: all });
      const segments: Holder = {
        open: (options) => holder.open(options),
        apply: (opNum, operation) => holder.apply(opNum, operation),
        touched: () => holder.touched?.() ?? [],
        segments: () => holder.segments(),
        ensureCapacity: () => holder.ensureCapacity(),
        dirtyBytes: () => holder.dirtyBytes(),
        close: () => holder.close(),
        reclaim: async () => {},
        garbageBytes: async () => undefined,
        diskUse: () => ({ stored: 1, largest: 1 }),
        ...change.segments,
        capture: (applied, notes) => {
          const capture = (change.segments?.capture ?? holder.capture.bind(holder))(applied, notes);
          return { ...captureLike(capture), ...change.capture?.(capture) };
        },
      };
      const optimizer: SegmentOptimizer = {
        name: good.name,
        select: (infos, busy) => good.select(infos, busy),
        ...change.optimizer,
        begin: (ids) => {
          const run = (change.optimizer?.begin ?? good.begin.bind(good))(ids);
          return run && { ...run, ...change.run?.(run, ids) };
        },
      };
      const counter = deathCounter as DeathCounter;
      const deaths = { ...counter, ...change.deathCounter?.(counter) };
      return { segments, optimizers: [optimizer], content, deathCounter: deaths };
    });
  };
  const supports = {
    ...{ kill: true, powerCut: true, failedWrites: true, blocks: true },
    ...{ refused: true, optimizers: true, notes: true, touched: true },
    ...{ reclaim: true, garbageBytes: true, diskUse: true, deathCounter: true },
  };
  const operations = kvOperations;
  rejects(what, clause, (test) => segmentsSuite({ test, factory, operations, supports }));
}

const captureLike = (capture: FlushCapture): FlushCapture => ({
  changed: capture.changed,
  writeBlocks: (signal) => capture.writeBlocks(signal),
  commit: () => capture.commit(),
  release: () => capture.release(),
});

const refused = 'a refused operation changes nothing, and is refused again when it is replayed';

broken('applies a part of an operation that it refuses', refused, ({ segments }) => ({
  segments: {
    apply: (opNum, operation) => {
      if (operation.type === 'insert')
        segments.apply(opNum, { type: 'delete', key: operation.key });
      return segments.apply(opNum, operation);
    },
  },
}));

{
  let newest = 0;
  broken('forgets what it has refused, and accepts it in a replay', refused, ({ segments }) => ({
    segments: {
      apply: (opNum, operation) => {
        const isReplay = opNum <= newest;
        newest = isReplay ? newest : opNum;
        const type = isReplay && operation.type === 'insert' ? 'put' : operation.type;
        return segments.apply(opNum, { ...operation, type });
      },
    },
  }));
}

broken(
  'captures when it is written, and not when it is asked',
  'a commit holds what was there when it was captured, and nothing later',
  ({ segments }) => ({
    segments: {
      capture: (applied, notes) => {
        const { changed, release } = captureLike(segments.capture(applied, notes));
        release();
        let late: FlushCapture | undefined;
        return {
          changed,
          writeBlocks: (signal) => {
            late = segments.capture(applied, notes);
            return late.writeBlocks(signal);
          },
          commit: async () => late?.commit(),
          release: () => late?.release(),
        };
      },
    },
  }),
);

broken(
  'commits before its blocks are written',
  'opening gives exactly what the last commit wrote, and its number',
  () => ({ capture: () => ({ writeBlocks: async () => {} }) }),
);

broken(
  'commits what is released',
  'a flush that is released without a commit leaves the last commit in force',
  () => ({
    capture: (capture) => {
      let isCommitted = false;
      return {
        commit: async () => {
          await capture.commit();
          isCommitted = true;
        },
        release: () => {
          if (!isCommitted) void capture.commit().catch(() => {});
          capture.release();
        },
      };
    },
  }),
);

broken(
  'says that nothing has changed',
  '`changed` is false when the last commit has it all, true after operations',
  () => ({ capture: () => ({ changed: false }) }),
);

broken(
  'counts bytes that are written as still to be written',
  '`dirtyBytes` is above 0 while something waits to be written, and less afterwards',
  () => ({ segments: { dirtyBytes: () => 1000 } }),
);

broken(
  'goes on writing blocks after the signal',
  'a flush whose signal fires ends soon; if badly, with SLUICE_CANCELLED',
  () => ({
    capture: (capture) => ({
      writeBlocks: async (signal) => {
        await capture.writeBlocks(new AbortController().signal);
        if (signal.aborted) await new Promise(() => {});
      },
    }),
  }),
);

broken(
  'belongs to any log',
  'segments of another log are refused, once anything was committed',
  ({ segments }) => ({
    segments: { open: (options) => segments.open({ ...options, storeId: 'any' }) },
  }),
);

broken(
  'goes on when its opening is refused',
  'an opening that its caller refuses changes nothing, and may be repeated',
  ({ segments }) => ({
    segments: { open: (options) => segments.open({ ...options, check() {} }) },
  }),
);

broken(
  'deletes a block that counts',
  'blocks that count are stored, and after a flush no others',
  ({ db }) => ({
    capture: (capture) => ({
      commit: async () => {
        await capture.commit();
        const [block] = (await db.keys().all()).filter((key) => key.startsWith('b/'));
        if (block !== undefined) await db.del(block);
      },
    }),
  }),
);

broken(
  'leaves the blocks of a cancelled optimization behind',
  'blocks that count are stored, and after a flush no others',
  () => ({ run: () => ({ discard: async () => {} }) }),
);

broken(
  'chooses segments that are busy',
  'optimizers choose segments that are there and not busy, twice the same',
  ({ optimizer }) => ({
    optimizer: { select: (infos) => optimizer.select(infos, new Set()) },
  }),
);

broken('rewrites the same segment for ever', 'the optimizers come to an end', () => ({
  optimizer: {
    select: (infos, busy) => {
      const free = infos.filter(({ id, appendable }) => !appendable && !busy.has(id));
      return free.slice(0, 1).map(({ id }) => id);
    },
  },
}));

broken(
  'loses deletes when it is rolled back',
  'a cancelled optimization leaves everything as if it had never been',
  ({ segments, content }) => ({
    run: (run) => {
      const before = content();
      return {
        rollback: () => {
          run.rollback();
          const now = content();
          for (const [key, value] of before) {
            if (!now.has(key)) segments.apply(1e6, { type: 'put', key, value });
          }
        },
      };
    },
  }),
);

broken(
  'keeps segments frozen after a cancelled optimization',
  'a cancelled optimization leaves everything as if it had never been',
  () => ({ run: () => ({ rollback() {} }) }),
);

broken(
  'swaps in two steps',
  'a swap puts the output in the place of its sources, in one step without a loss',
  () => ({
    run: (run) => ({
      swap: () => {
        void Promise.resolve().then(() => run.swap());
        return run.points;
      },
    }),
  }),
);

broken(
  'copies on after the signal',
  'an optimization whose signal fires ends soon; if badly, with SLUICE_CANCELLED',
  () => ({
    run: (run) => ({
      copy: async (context) => {
        await run.copy({ ...context, signal: new AbortController().signal });
        if (context.signal.aborted) await new Promise(() => {});
      },
    }),
  }),
);

{
  let frozen = 0;
  broken(
    'passes over deletes of frozen entries',
    'operations take effect at once beside an optimization, also on frozen entries',
    ({ segments }) => ({
      segments: {
        open: (options) => {
          frozen = 0;
          return segments.open(options);
        },
        apply: (opNum, operation) =>
          frozen > 0 && operation.type === 'delete' ? 0 : segments.apply(opNum, operation),
      },
      run: (run) => {
        frozen += 1;
        return {
          swap: () => {
            frozen -= 1;
            return run.swap();
          },
          rollback: () => {
            frozen -= 1;
            run.rollback();
          },
        };
      },
    }),
  );
}

broken(
  'freezes what is frozen',
  'segments that are frozen or gone are not frozen again',
  ({ optimizer }) => {
    let last: Optimization | undefined;
    return {
      optimizer: {
        begin: (ids) => {
          last = optimizer.begin(ids) ?? last;
          return last;
        },
      },
    };
  },
);

broken(
  'gives back the space of entries that are there',
  'giving space back changes nothing, and ends soon after its signal',
  ({ segments, content }) => ({
    segments: {
      reclaim: async () => {
        const [key] = content().keys();
        if (key !== undefined) segments.apply(1e6, { type: 'delete', key });
      },
    },
  }),
);

broken(
  'fails to tell how many bytes it could give back',
  'the bytes that reclaiming segments can give back are a number, or not known',
  () => ({ segments: { garbageBytes: () => Promise.reject(new Error('no idea')) } }),
);

broken(
  'counts what was cancelled as under way',
  'the use of the disk counts what is stored, and nothing under way that has ended',
  () => {
    let underway = 0;
    return {
      segments: { diskUse: () => ({ stored: 1, largest: 1, underway }) },
      run: (run) => {
        underway += 1;
        return {
          swap: () => {
            underway -= 1;
            return run.swap();
          },
        };
      },
    };
  },
);

const deaths = 'the death counter gives what was written last, and keeps what was synced';

broken('forgets its deaths when it is closed', deaths, () => {
  let count = 0;
  return {
    deathCounter: () => ({
      read: async () => count,
      write: async (written) => {
        count = written;
      },
    }),
  };
});

broken('takes each count of deaths for an unsynced one', deaths, () => ({
  deathCounter: (counter) => ({ write: (count) => counter.write(count, { sync: false }) }),
}));
