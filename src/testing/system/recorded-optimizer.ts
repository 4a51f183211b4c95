import type {
  Optimization,
  OptimizationContext,
  SegmentInfo,
  SegmentOptimizer,
} from '../../services/ports.js';
import { type CallRecorder, nothing } from './call-recorder.js';

/** Numbers the runs of all optimizers of a store. */
export interface RunNumbers {
  last: number;
}

/** An optimizer whose runs are written down and can be held and failed. */
export class RecordedOptimizer<Info extends SegmentInfo> implements SegmentOptimizer<Info> {
  readonly name: string;
  readonly #inner: SegmentOptimizer<Info>;
  readonly #recorder: CallRecorder;
  readonly #numbers: RunNumbers;

  constructor(inner: SegmentOptimizer<Info>, recorder: CallRecorder, numbers: RunNumbers) {
    this.name = inner.name;
    this.#inner = inner;
    this.#recorder = recorder;
    this.#numbers = numbers;
  }

  /** Written down only when it fails: whoever looks at the status asks as well. */
  select(segments: readonly Info[], busy: ReadonlySet<number>): readonly number[] {
    return this.#recorder.now(
      'optimizer.select',
      { optimizer: this.name },
      () => this.#inner.select(segments, busy),
      (ids) => ({ ids }),
      true,
    );
  }

  begin(ids: readonly number[]): Optimization | undefined {
    this.#numbers.last += 1;
    const of = { run: this.#numbers.last, optimizer: this.name };
    const begun = this.#recorder.now(
      'optimizer.begin',
      { ...of, ids },
      () => this.#inner.begin(ids),
      (run) => ({ begun: run !== undefined, points: run?.points ?? 0, cpus: run?.cpus ?? 0 }),
    );
    return begun === undefined ? undefined : new RecordedRun(begun, of, this.#recorder);
  }
}

class RecordedRun implements Optimization {
  output?: readonly number[];
  readonly #inner: Optimization;
  readonly #of: { run: number; optimizer: string };
  readonly #recorder: CallRecorder;

  constructor(inner: Optimization, of: { run: number; optimizer: string }, recorder: CallRecorder) {
    this.#inner = inner;
    this.#of = of;
    this.#recorder = recorder;
  }

  get points(): number {
    return this.#inner.points;
  }

  get cpus(): number {
    return this.#inner.cpus;
  }

  copy(context: OptimizationContext): Promise<void> {
    return this.#phase('run.copy', context, () => this.#inner.copy(context));
  }

  index(context: OptimizationContext): Promise<void> {
    return this.#phase('run.index', context, () => this.#inner.index(context));
  }

  catchUp(context: OptimizationContext): Promise<void> {
    return this.#phase('run.catchUp', context, () => this.#inner.catchUp(context));
  }

  swap(): number {
    return this.#recorder.now(
      'run.swap',
      this.#of,
      () => {
        const points = this.#inner.swap();
        const { output } = this.#inner;
        if (output !== undefined) this.output = output;
        return points;
      },
      (points) => ({ points }),
    );
  }

  rollback(): void {
    this.#recorder.now('run.rollback', this.#of, () => this.#inner.rollback(), nothing);
  }

  discard(): Promise<void> {
    return this.#recorder.later('run.discard', this.#of, () => this.#inner.discard(), nothing);
  }

  #phase(
    site: 'run.copy' | 'run.index' | 'run.catchUp',
    { permits, signal }: OptimizationContext,
    work: () => Promise<void>,
  ): Promise<void> {
    return this.#recorder.later(site, { ...this.#of, permits }, work, nothing, signal);
  }
}
