// Defects that are put in on purpose, in adapters and in the core: the rule that must notice each does.

import { walk } from 'sluice/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Core } from '#sluice/core.js';
import { ErrorLog } from '#sluice/services/error-log.js';
import { FlushRounds } from '#sluice/services/flush-rounds.js';
import { KeepFrom } from '#sluice/services/keep-from.js';
import { LogNotebook } from '#sluice/services/log-notes.js';
import { OptimizationRuns } from '#sluice/services/optimization-runs.js';
import { Plungers } from '#sluice/services/plungers.js';
import { ResourceBudget } from '#sluice/services/resource-budget.js';
import { Room } from '#sluice/services/room.js';
import { Ticket } from '#sluice/services/ticket.js';
import { WalTail } from '#sluice/services/wal-tail.js';
import { RecordedWal } from '#sluice/testing/system/recorded-wal.js';
import { inMemory, type KvPorts, WalkedKv } from './support/walked-kv.js';

/** Walks until a defect is noticed. */
const WALKS_MAX = 12;
const STEPS = 300;

interface Defect {
  name: string;
  /** The beginning of the name of the rule that must notice it. */
  rule: string;
  /** The seed of the first walk, where others than the first notice it sooner. @default 1 */
  seed?: number;
  /** Puts the defect into the core. */
  core?: () => void;
  /** Puts the defect into the adapters of each opening. */
  adapters?: (ports: KvPorts) => void;
}

const DEFECTS: readonly Defect[] = [
  {
    name: 'the log forgets what somebody keeps',
    rule: 'the log forgets only',
    seed: 21,
    core: () => {
      vi.spyOn(KeepFrom.prototype, 'lowest', 'get').mockReturnValue(Number.POSITIVE_INFINITY);
    },
  },
  {
    name: 'the log forgets what no commit holds',
    rule: 'the log forgets only',
    core: () => {
      const { open } = FlushRounds.prototype;
      vi.spyOn(FlushRounds.prototype, 'open').mockImplementation(function (this: FlushRounds, at) {
        open.call(this, { ...at, committed: Number.MAX_SAFE_INTEGER });
      });
      // Without the check that would notice by itself.
      vi.spyOn(FlushRounds.prototype, 'commit').mockResolvedValue();
    },
  },
  {
    name: 'an operation is completed without a sync of the log',
    rule: 'answers come when',
    core: () => {
      const { append } = RecordedWal.prototype;
      vi.spyOn(RecordedWal.prototype, 'append').mockImplementation(function (
        this: RecordedWal,
        records,
      ) {
        return append.call(this, records, { sync: false });
      });
    },
  },
  {
    name: 'an operation is completed when it is in the log',
    rule: 'answers come when',
    core: () => {
      vi.spyOn(Ticket.prototype, 'appended').mockImplementation(function (this: Ticket, opNum) {
        this.completed(opNum, 1);
      });
    },
  },
  {
    name: 'a plunger is answered at once',
    rule: 'a plunger is answered',
    core: () => {
      vi.spyOn(Plungers.prototype, 'wait').mockResolvedValue();
    },
  },
  {
    name: 'nobody is told that an operation has failed',
    rule: 'each request is answered',
    core: () => {
      vi.spyOn(Ticket.prototype, 'failed').mockReturnValue();
    },
  },
  {
    name: 'a permit is not given back',
    rule: 'permits are given back',
    core: () => {
      const { tryAcquire } = ResourceBudget.prototype;
      vi.spyOn(ResourceBudget.prototype, 'tryAcquire').mockImplementation(function (
        this: ResourceBudget,
        desired,
      ) {
        const permit = tryAcquire.call(this, desired);
        return permit && { count: permit.count, release: () => {} };
      });
    },
  },
  {
    name: 'a commit comes without its blocks',
    rule: 'blocks are synced before',
    core: () => {
      vi.spyOn(FlushRounds.prototype, 'writeBlocks').mockResolvedValue();
    },
  },
  {
    name: 'a sticky error does not break the store',
    rule: 'a broken store writes nothing',
    core: () => {
      vi.spyOn(Core.prototype, 'breakIfSticky').mockReturnValue();
    },
  },
  {
    name: 'the log is synced after it was closed',
    rule: 'stopping ends in order',
    core: () => {
      const { close } = RecordedWal.prototype;
      vi.spyOn(RecordedWal.prototype, 'close').mockImplementation(async function (
        this: RecordedWal,
      ) {
        await close.call(this);
        await this.sync().catch(() => {});
      });
    },
  },
  {
    name: 'the log is synced twice at once',
    rule: 'calls that exclude each other',
    core: () => {
      const { sync } = RecordedWal.prototype;
      vi.spyOn(RecordedWal.prototype, 'sync').mockImplementation(async function (
        this: RecordedWal,
      ) {
        await Promise.all([sync.call(this), sync.call(this)]);
      });
    },
  },
  {
    name: 'what the optimizers want is never begun',
    rule: 'what is planned begins',
    seed: 10,
    core: () => {
      const nothing = { launches: [], short: false, backOffMs: 0 };
      vi.spyOn(OptimizationRuns.prototype, 'plan').mockReturnValue(nothing);
    },
  },
  {
    name: 'the status keeps errors to itself',
    rule: 'the status tells the truth',
    core: () => {
      vi.spyOn(ErrorLog.prototype, 'report').mockReturnValue();
    },
  },
  {
    name: 'the next operation is applied in the place of another',
    rule: 'operations are applied in the order',
    core: () => {
      const { windowed } = WalTail.prototype;
      vi.spyOn(WalTail.prototype, 'windowed').mockImplementation(function (this: WalTail, opNum) {
        return windowed.call(this, opNum + 1) ?? windowed.call(this, opNum);
      });
    },
  },
  {
    name: 'the queue has no limit',
    rule: 'the queue stays within',
    core: () => {
      vi.spyOn(Room.prototype, 'enter').mockImplementation((_size, granted) => {
        granted();
        return () => {};
      });
    },
  },
  {
    name: 'a reader is told that every operation was declined',
    rule: 'readers of the log get',
    core: () => {
      vi.spyOn(LogNotebook.prototype, 'isDeclined').mockReturnValue(true);
    },
  },
  {
    name: 'an entry is gone after a rollback',
    rule: 'readers see exactly',
    adapters: ({ segments, optimizers }) => {
      for (const optimizer of optimizers) {
        const begin = optimizer.begin.bind(optimizer);
        optimizer.begin = (ids) => {
          const run = begin(ids);
          const lose = () => {
            for (const [key, { segment }] of segments.live) {
              if (ids.includes(segment.id)) segments.live.delete(key);
              segment.frozen = false;
            }
          };
          return run && Object.assign(run, { rollback: lose });
        };
      }
    },
  },
  {
    name: 'what was changed or deleted meanwhile is undone by a rollback',
    rule: 'readers see exactly',
    seed: 20,
    adapters: ({ segments, optimizers }) => {
      for (const optimizer of optimizers) {
        const begin = optimizer.begin.bind(optimizer);
        optimizer.begin = (ids) => {
          const run = begin(ids);
          const before = [...segments.live].filter(([, { segment }]) => ids.includes(segment.id));
          const rollback = run?.rollback.bind(run);
          const undo = () => {
            rollback?.();
            for (const [key, held] of before) segments.live.set(key, held);
          };
          return run && Object.assign(run, { rollback: undo });
        };
      }
    },
  },
  {
    name: 'segments stay frozen after a rollback',
    rule: 'no segment is in two runs',
    adapters: ({ optimizers }) => {
      for (const optimizer of optimizers) {
        const begin = optimizer.begin.bind(optimizer);
        optimizer.begin = (ids) => {
          const run = begin(ids);
          return run && Object.assign(run, { rollback: () => {} });
        };
      }
    },
  },
  {
    name: 'the log opens without its last record',
    rule: 'op numbers grow by one',
    adapters: ({ wal }) => {
      const open = wal.open.bind(wal);
      wal.open = async () => {
        const state = await open();
        return { ...state, last: Math.max(state.last - 1, state.acked) };
      };
    },
  },
  {
    name: 'a rejection is left to itself',
    rule: 'no rejection is unhandled',
    adapters: ({ segments }) => {
      const touched = segments.touched.bind(segments);
      segments.touched = () => {
        void Promise.reject(new Error('left to itself'));
        return touched();
      };
    },
  },
];

describe('a planted defect is noticed', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('by each of the rules', async () => {
    const store = new WalkedKv(inMemory());
    const { checks } = await walk(store, { seed: 1, steps: 0 }).finally(() => store.release());
    const rules = [...checks.keys()];
    const idle = rules.filter((name) => !DEFECTS.some(({ rule }) => name.startsWith(rule)));
    expect([rules.length > 15, idle]).toEqual([true, []]);
  });

  it.each(DEFECTS)(
    '$name: by the rule "$rule …"',
    async ({ rule, seed: first = 1, core, adapters }) => {
      core?.();
      const stray: string[] = [];
      const onRejection = (error: unknown) => stray.push(String(error));
      // The runner must not take a planted rejection for its own.
      const others = process.listeners('unhandledRejection');
      process.removeAllListeners('unhandledRejection').on('unhandledRejection', onRejection);
      const noticed = new Set<string>();
      try {
        for (let seed = first; seed < first + WALKS_MAX; seed += 1) {
          const store = new WalkedKv(inMemory(), adapters);
          const options = { seed, steps: STEPS, stray: () => stray.splice(0) };
          const { violations } = await walk(store, options).finally(() => store.release());
          for (const violation of violations) noticed.add(violation.rule);
          if ([...noticed].some((name) => name.startsWith(rule))) return;
        }
      } finally {
        process.removeAllListeners('unhandledRejection');
        for (const listener of others) process.on('unhandledRejection', listener);
      }
      expect([...noticed]).toContain(rule);
    },
    120_000,
  );
});
