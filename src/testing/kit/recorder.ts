import { SluiceError } from '../../errors.js';
import type { FlushCapture, SegmentHolder, Wal } from '../../services/ports.js';

/** What the adapters of a store were asked, as far as it matters in which order. */
export class Recorder {
  /** Numbers of the operations that took effect or were refused for good, in their order. */
  readonly applied: number[] = [];
  /** The number of the newest commit. */
  committed = 0;
  /** Acknowledged numbers that no commit held. */
  readonly forgottenTooEarly: number[] = [];
  acknowledged = 0;
  /** The next apply fails so that it is tried again. */
  failsNext = false;

  wal(wal: Wal): Wal {
    return instead(wal, {
      acknowledge: async (upTo: number) => {
        this.acknowledged += 1;
        if (upTo > this.committed) this.forgottenTooEarly.push(upTo);
        await wal.acknowledge(upTo);
      },
    });
  }

  segments<Op>(segments: SegmentHolder<Op>): SegmentHolder<Op> {
    return instead(segments, {
      open: async (options: Parameters<typeof segments.open>[0]) => {
        const opened = await segments.open(options);
        this.applied.length = 0;
        this.committed = opened.applied;
        return opened;
      },
      apply: (opNum: number, operation: Op) => {
        if (this.failsNext) {
          this.failsNext = false;
          throw new SluiceError('SLUICE_CRASHED', 'failed by a test', { kind: 'transient' });
        }
        this.applied.push(opNum);
        return segments.apply(opNum, operation);
      },
      capture: (...input: Parameters<typeof segments.capture>) => {
        const capture = segments.capture(...input);
        const commit = async () => {
          await capture.commit();
          this.committed = input[0];
        };
        return instead<FlushCapture>(capture, { commit });
      },
    });
  }
}

/** The same object with other methods in the place of some; its own go on seeing what is private. */
function instead<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get: (_, name) => {
      if (name in methods) return Reflect.get(methods, name);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
