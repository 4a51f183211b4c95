import { Applier } from '../../../services/applier.js';
import { Plungers } from '../../../services/plungers.js';
import { PointHolder } from '../../../services/points/holder.js';
import type { PointOperation } from '../../../services/points/operations.js';
import { SegmentProxy } from '../../../services/points/proxy.js';
import { ResourceBudget } from '../../../services/resource-budget.js';
import { Ticket } from '../../../services/ticket.js';
import { type Canary, everyNth, replace } from './canary.js';

/** Defects of the workers and of the segments. */
export const WORKER_CANARIES: readonly Canary[] = [
  {
    name: 'forgets the deletes under a proxy when a run is cancelled',
    install: () =>
      replace(SegmentProxy.prototype, 'unfreeze', (unfreeze) => {
        return function (this: SegmentProxy) {
          const { segment, pending } = this;
          const mark = segment.mark();
          segment.restore({ ...mark, stamps: mark.stamps - pending });
          unfreeze.call(this);
        };
      }),
  },
  {
    name: 'loses a wake-up',
    install: () =>
      replace(Applier.prototype, 'run', (run) => {
        const isNow = everyNth(7);
        return function (this: Applier<unknown>, listener, signal) {
          return isNow() ? Promise.resolve('caughtUp' as const) : run.call(this, listener, signal);
        };
      }),
  },
  {
    name: 'answers a plunger early',
    install: () =>
      replace(Plungers.prototype, 'wait', (wait) => {
        return function (this: Plungers, submit) {
          return wait.call(this, (id) => {
            submit(id);
            this.answer(id);
          });
        };
      }),
  },
  {
    name: 'loses the wake-up of who waits for a permit',
    install: () =>
      replace(ResourceBudget.prototype, 'acquire', (acquire) => {
        return function (this: ResourceBudget, desired, signal) {
          const permit = acquire.call(this, desired, signal);
          if (this.status().waiting === 0) return permit;
          return new Promise((_, reject) => void permit.catch(reject));
        };
      }),
  },
  {
    name: 'keeps the first permit of a budget',
    install: () => {
      const kept = new WeakSet<ResourceBudget>();
      return replace(ResourceBudget.prototype, 'tryAcquire', (tryAcquire) => {
        return function (this: ResourceBudget, desired) {
          const permit = tryAcquire.call(this, desired);
          if (permit === undefined || kept.has(this)) return permit;
          kept.add(this);
          return { count: permit.count, release: () => {} };
        };
      });
    },
  },
  {
    name: 'drops a reply',
    install: () =>
      replace(Ticket.prototype, 'completed', (completed) => {
        const isNow = everyNth(100);
        return function (this: Ticket, ...answer) {
          if (!isNow()) completed.apply(this, answer);
        };
      }),
  },
  {
    name: 'applies an operation that failed after the next one',
    install: () =>
      replace(PointHolder.prototype, 'apply', (apply) => {
        const isNow = everyNth(40);
        let late: PointOperation | undefined;
        return function (this: PointHolder, opNum, operation) {
          if (late === undefined && isNow()) {
            late = operation;
            return apply.call(this, opNum, { kind: 'delete', selector: [] });
          }
          const again = late;
          late = undefined;
          if (again === undefined) return apply.call(this, opNum, operation);
          try {
            // Between the two numbers, so that the one which failed comes last.
            return apply.call(this, opNum - 0.5, operation);
          } finally {
            apply.call(this, opNum, again);
          }
        };
      }),
  },
];
