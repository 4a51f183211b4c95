import { KeepFrom } from '../../../services/keep-from.js';
import { META_KEY, recordNumber } from '../../../services/level/keys.js';
import { LevelWal } from '../../../services/level/wal.js';
import { readMeta } from '../../../services/level/wal-meta.js';
import { TickHistory } from '../../../services/tick-history.js';
import { SimulatedDatabase } from '../database.js';
import { type Canary, replace } from './canary.js';

/** Defects of the log. */
export const LOG_CANARIES: readonly Canary[] = [
  {
    name: 'acknowledges before the sync',
    install: () =>
      replace(LevelWal.prototype, 'append', (append) => {
        return function (this: LevelWal, records) {
          return append.call(this, records, { sync: false });
        };
      }),
  },
  {
    name: 'truncates one record too far',
    install: () =>
      replace(LevelWal.prototype, 'acknowledge', (acknowledge) => {
        return function (this: LevelWal, upTo) {
          // The newest record can't be forgotten too early.
          return acknowledge.call(this, upTo + 1).catch(() => acknowledge.call(this, upTo));
        };
      }),
  },
  {
    name: 'ignores what was asked to be kept',
    install: () => {
      const original = Object.getOwnPropertyDescriptor(KeepFrom.prototype, 'lowest') ?? {};
      const get = () => Number.POSITIVE_INFINITY;
      Object.defineProperty(KeepFrom.prototype, 'lowest', { get, configurable: true });
      return () => Object.defineProperty(KeepFrom.prototype, 'lowest', original);
    },
  },
  {
    name: 'gives a number again after a failed append',
    install: () =>
      replace(SimulatedDatabase.prototype, 'iterator', (iterator) => {
        return function (this: SimulatedDatabase, range) {
          const scan = iterator.call(this, range);
          let synced = Number.POSITIVE_INFINITY;
          return {
            close: () => scan.close(),
            nextv: async (size) => {
              const entries = await scan.nextv(size);
              const meta = entries.find(([key]) => key === META_KEY);
              if (meta !== undefined) synced = readMeta(meta[1]).synced;
              // An opening that doesn't look at what may have been written.
              return entries.filter(([key]) => (recordNumber(key) ?? 0) <= synced);
            },
          };
        };
      }),
  },
  {
    name: 'names ticks that a power cut may still take',
    install: () =>
      replace(TickHistory.prototype, 'newest', (newest) => {
        return function (this: TickHistory, visible) {
          return newest.call(this, visible + 1);
        };
      }),
  },
  {
    name: 'takes a sync for one of what is in an older log file, too',
    install: () =>
      replace(SimulatedDatabase.prototype, 'batch', (batch) => {
        const written = new WeakMap<SimulatedDatabase, Set<string>>();
        return function (this: SimulatedDatabase) {
          const filled = batch.call(this);
          const seen = written.get(this) ?? new Set();
          written.set(this, seen);
          return {
            ...filled,
            put: (key, value, options) => {
              // Not written again, though nobody has synced it.
              if (recordNumber(key) !== undefined && seen.has(key)) return;
              seen.add(key);
              filled.put(key, value, options);
            },
          };
        };
      }),
  },
];
