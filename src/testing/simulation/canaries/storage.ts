import { BlockSession } from '../../../services/level/block-session.js';
import type { Entry } from '../../../services/level/database.js';
import { isBlockKey } from '../../../services/level/keys.js';
import { SimulatedDatabase } from '../database.js';
import { Disk } from '../disk.js';
import { type Canary, everyNth, replace } from './canary.js';

/** Defects of what is stored, and of disks. */
export const STORAGE_CANARIES: readonly Canary[] = [
  {
    name: 'commits before the blocks are written',
    install: () =>
      replace(SimulatedDatabase.prototype, 'batch', (batch) => {
        let late: Entry[] = [];
        return function (this: SimulatedDatabase) {
          const filled = batch.call(this);
          let blocks: Entry[] = [];
          return {
            put: (key, value, options) => {
              if (isBlockKey(key)) blocks.push([key, value]);
              else filled.put(key, value, options);
            },
            del: (key, options) => filled.del(key, options),
            write: async (options) => {
              if (blocks.length > 0) {
                late.push(...blocks);
                blocks = [];
                return;
              }
              await filled.write(options);
              if (late.length === 0) return;
              const after = batch.call(this);
              for (const [key, value] of late) {
                after.put(key, value, { keyEncoding: 'utf8', valueEncoding: 'view' });
              }
              late = [];
              await after.write(options);
            },
          };
        };
      }),
  },
  {
    name: 'sweeps a block in use',
    install: () =>
      replace(BlockSession.prototype, 'droppedBy', (droppedBy) => {
        const isNow = everyNth(10);
        return function (this: BlockSession, live) {
          const dropped = droppedBy.call(this, live);
          const [first] = live;
          return first !== undefined && isNow() ? [...dropped, first] : dropped;
        };
      }),
  },
  {
    name: 'a disk that lies about syncs',
    install: () =>
      replace(Disk.prototype, 'write', (write) => {
        return function (this: Disk, one) {
          const { observe } = this;
          observe(one, this.entries);
          this.observe = () => {};
          write.call(this, { ...one, sync: false });
          this.observe = observe;
        };
      }),
  },
  {
    name: 'a disk that tears batches',
    install: () =>
      replace(Disk.prototype, 'writeUnseen', (writeUnseen) => {
        return function (this: Disk, one) {
          const { observe } = this;
          this.observe = () => {};
          const puts = one.puts.slice(one.puts.length >> 1);
          writeUnseen.call(this, { ...one, puts, deletes: [] });
          this.observe = observe;
        };
      }),
  },
];
