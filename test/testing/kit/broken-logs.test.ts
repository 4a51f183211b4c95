// Logs with one fault each: the suite has a test for it, and that test fails.
import { isSticky, levelWal } from 'sluice';
import { walSuite } from 'sluice/testing';
import type { Wal } from '#sluice/services/ports.js';
import { SharedLog } from '../../core/support/shared-log.js';
import { FaultPlace } from './places.js';
import { rejects } from './rejected.js';

/** A log that does everything as it should, to put something else in the place of a method. */
function like(wal: Wal): Wal {
  return {
    dense: wal.dense,
    open: () => wal.open(),
    append: (records, options) => wal.append(records, options),
    sync: () => wal.sync(),
    read: (from, to) => wal.read(from, to),
    acknowledge: (upTo) => wal.acknowledge(upTo),
    close: () => wal.close(),
    reclaim: async (signal) => wal.reclaim?.(signal),
    bytesOnDisk: async () => wal.bytesOnDisk?.(),
  };
}

function broken(what: string, clause: string, change: (wal: Wal) => Partial<Wal>): void {
  const factory = () =>
    new FaultPlace((db) => {
      const wal = levelWal(db);
      return { wal: { ...like(wal), ...change(wal) } };
    });
  const supports = {
    ...{ kill: true, powerCut: true, failedWrites: true },
    ...{ logReclaim: true, logBytesOnDisk: true },
  };
  rejects(what, clause, (test) => walSuite({ test, factory, supports }));
}

broken('answers before it writes', 'what was appended survives the death of the process', (wal) => {
  let last = 0;
  let writing: Promise<unknown> = Promise.resolve();
  return {
    open: async () => {
      const state = await wal.open();
      last = state.last;
      return state;
    },
    append: async (records, options) => {
      const first = last + 1;
      last += records.length;
      writing = writing
        .then(() => new Promise((resolve) => setTimeout(resolve, 1)))
        .then(() => wal.append(records, options));
      return records.map((_, at) => first + at);
    },
    close: async () => {
      await writing.catch(() => {});
      await wal.close();
    },
  };
});

broken(
  'keeps what is not synced to itself',
  'what was appended is there after the log was closed',
  (wal) => {
    let waiting: Uint8Array[] = [];
    let last = 0;
    const write = async () => {
      if (waiting.length > 0) await wal.append(waiting.splice(0), { sync: false });
    };
    return {
      open: async () => {
        waiting = [];
        const state = await wal.open();
        last = state.last;
        return state;
      },
      append: async (records, { sync }) => {
        const first = last + 1;
        last += records.length;
        waiting.push(...records);
        if (sync) await wal.append(waiting.splice(0), { sync });
        return records.map((_, at) => first + at);
      },
      sync: async () => {
        await write();
        await wal.sync();
      },
      async *read(from, to) {
        await write();
        yield* wal.read(from, to);
      },
      acknowledge: async (upTo) => {
        await write();
        await wal.acknowledge(upTo);
      },
    };
  },
);

const synced = 'what was appended with sync, before a sync or before an open survives a power cut';

broken('takes every append for an unsynced one', synced, (wal) => ({
  append: (records) => wal.append(records, { sync: false }),
}));

broken('has a sync that does nothing', synced, () => ({ sync: async () => {} }));

broken(
  'writes the records of an append one by one',
  'an append is in the log as a whole or not at all',
  (wal) => ({
    append: async (records, options) => {
      const opNums: number[] = [];
      for (const record of records) opNums.push(...(await wal.append([record], options)));
      return opNums;
    },
  }),
);

broken(
  're-orders the records of an append',
  'records come back as they were written, in the order of their numbers',
  (wal) => ({ append: (records, options) => wal.append([...records].reverse(), options) }),
);

broken(
  'leaves a number out',
  'numbers grow in the order of the records, in a dense log by one from 1 on',
  (wal) => ({
    append: async (records, options) => {
      await wal.append([new Uint8Array(1)], options);
      return wal.append(records, options);
    },
  }),
);

broken(
  'reads every record into the same memory',
  'records come back as they were written, in the order of their numbers',
  (wal) => {
    const memory = new Uint8Array(1 << 16);
    return {
      async *read(from, to) {
        for await (const { opNum, data } of wal.read(from, to)) {
          memory.set(data);
          yield { opNum, data: memory.subarray(0, data.length) };
        }
      },
    };
  },
);

broken(
  'skips a record in each read',
  'a read gives each record of its range and no other, and may end early',
  (wal) => ({
    async *read(from, to) {
      let count = 0;
      for await (const record of wal.read(from, to)) {
        count += 1;
        if (count !== 2) yield record;
      }
    },
  }),
);

broken(
  'ends a read when something is acknowledged beside it',
  'a read beside writes leaves out nothing but what is forgotten meanwhile',
  (wal) => {
    let acknowledged = 0;
    return {
      acknowledge: async (upTo) => {
        acknowledged += 1;
        await wal.acknowledge(upTo);
      },
      async *read(from, to) {
        const before = acknowledged;
        for await (const record of wal.read(from, to)) {
          if (acknowledged > before) return;
          yield record;
        }
      },
    };
  },
);

const forgotten = 'acknowledging is remembered, and forgets nothing above its number';

broken('acknowledges too far', forgotten, (wal) => {
  let last = 0;
  return {
    open: async () => {
      const state = await wal.open();
      last = state.last;
      return state;
    },
    append: async (records, options) => {
      const opNums = await wal.append(records, options);
      last = opNums.at(-1) ?? last;
      return opNums;
    },
    acknowledge: (upTo) => wal.acknowledge(Math.min(upTo + 1, last)),
  };
});

broken('does not remember what is acknowledged', forgotten, () => ({
  acknowledge: async () => {},
}));

broken(
  'has another store id each time',
  'a log keeps its store id as long as it exists, and no other log has it',
  (wal) => {
    let openings = 0;
    return {
      open: async () => {
        openings += 1;
        return { ...(await wal.open()), storeId: `${openings}` };
      },
    };
  },
);

broken(
  'tells of records that it does not have',
  'opening tells the newest number and the bytes that are in the log',
  (wal) => ({ open: async () => ({ ...(await wal.open()), bytes: 0 }) }),
);

broken(
  'cannot be closed twice',
  'closing ends the writes in flight, and may be done twice',
  (wal) => {
    let isOpen = false;
    return {
      open: () => {
        isOpen = true;
        return wal.open();
      },
      close: async () => {
        if (!isOpen) throw new Error('it is closed already');
        isOpen = false;
        await wal.close();
      },
    };
  },
);

broken(
  'says of a failed append that nothing was written, and gives its number again',
  'a failed append leaves the log as it was or with the whole of it; no number comes twice',
  (wal) => ({
    append: (records, options) =>
      wal.append(records, options).catch((error: Error) => {
        throw new Error(error.message);
      }),
  }),
);

broken(
  'writes on after a failure',
  'after a failure that leaves open what is written, nothing is written until it is opened',
  (wal) => {
    let hasFailed = false;
    return {
      append: async (records, options) => {
        if (hasFailed) await wal.open();
        hasFailed = false;
        return wal.append(records, options).catch((error: unknown) => {
          hasFailed = isSticky(error);
          throw error;
        });
      },
    };
  },
);

const reclaim = 'giving space back changes nothing, and ends soon after its signal';

broken('gives back the space of what it still needs', reclaim, (wal) => ({
  reclaim: async () => wal.acknowledge((await wal.open()).last),
}));

broken('gives space back after the signal', reclaim, (wal) => ({
  reclaim: async (signal) => {
    await wal.sync();
    if (signal.aborted) await new Promise(() => {});
  },
}));

broken(
  'tells no number of bytes',
  'the bytes that records take are a number, or not known',
  () => ({ bytesOnDisk: async () => Number.NaN }),
);

function brokenWatch(what: string, watch: (wal: Wal, log: SharedLog) => Wal['watch']): void {
  const factory = () => {
    const log = new SharedLog();
    const good = log.client();
    const wal: Wal = { ...good, watch: watch(good, log) as NonNullable<Wal['watch']> };
    const writeElsewhere = async (records: readonly Uint8Array[]) =>
      records.map((data) => log.append(data));
    return { adapters: () => ({ wal }), writeElsewhere };
  };
  const supports = { permanence: false, otherWriters: true };
  const clause = 'records of other writers are told of, as long as somebody watches';
  rejects(what, clause, (test) => walSuite({ test, factory, supports }));
}

brokenWatch('does not tell of records that appeared before it was watched', (wal, log) => {
  return (listener) => {
    const before = log.last;
    return wal.watch?.((last) => last > before && listener(last)) ?? (() => {});
  };
});

brokenWatch('tells on after the end of the watching', (wal) => {
  return (listener) => {
    wal.watch?.(listener);
    return () => {};
  };
});

rejects(
  'has no method to append',
  'the log says whether it has other writers, and has every method',
  (test) => {
    walSuite({ test, factory: () => ({ adapters: () => ({ wal: {} as Wal }) }) });
  },
);
