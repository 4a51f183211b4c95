import type {
  DiskUse,
  FlushCapture,
  LogNotes,
  SegmentHolder,
  SegmentInfo,
} from '../../services/ports.js';
import { type CallRecorder, nothing } from './call-recorder.js';

/** Segments whose calls are written down and can be held and failed. */
export class RecordedSegments<Op, Info extends SegmentInfo> implements SegmentHolder<Op, Info> {
  readonly touched?: () => readonly number[];
  readonly diskUse?: () => DiskUse;
  readonly reclaim?: (signal: AbortSignal) => Promise<void>;
  readonly garbageBytes?: () => Promise<number | undefined>;
  readonly #inner: SegmentHolder<Op, Info>;
  readonly #recorder: CallRecorder;
  #captures = 0;

  constructor(inner: SegmentHolder<Op, Info>, recorder: CallRecorder) {
    this.#inner = inner;
    this.#recorder = recorder;
    const { touched, diskUse, reclaim, garbageBytes } = inner;
    if (touched !== undefined) this.touched = () => touched.call(inner);
    if (diskUse !== undefined) this.diskUse = () => diskUse.call(inner);
    if (reclaim !== undefined) {
      this.reclaim = (signal) =>
        recorder.later('segments.reclaim', {}, () => reclaim.call(inner, signal), nothing);
    }
    if (garbageBytes !== undefined)
      this.garbageBytes = () => recorder.aside(() => garbageBytes.call(inner));
  }

  open(
    options: Parameters<SegmentHolder<Op, Info>['open']>[0],
  ): ReturnType<SegmentHolder<Op, Info>['open']> {
    return this.#recorder.later(
      'segments.open',
      {},
      () => this.#inner.open(options),
      ({ applied }) => ({ applied }),
      options.signal,
    );
  }

  recovered(): void {
    this.#inner.recovered?.();
  }

  apply(opNum: number, operation: Op): number {
    return this.#recorder.now(
      'segments.apply',
      { opNum, operation },
      () => this.#inner.apply(opNum, operation),
      (affected) => ({ affected }),
    );
  }

  segments(): readonly Info[] {
    return this.#inner.segments();
  }

  ensureCapacity(): void {
    const work = () => this.#inner.ensureCapacity();
    this.#recorder.now('segments.ensureCapacity', {}, work, nothing);
  }

  dirtyBytes(): number {
    return this.#inner.dirtyBytes();
  }

  capture(applied: number, notes: LogNotes): FlushCapture {
    this.#captures += 1;
    const capture = this.#captures;
    const picture = this.#recorder.now(
      'segments.capture',
      { applied, capture },
      () => this.#inner.capture(applied, notes),
      ({ changed }) => ({ changed }),
    );
    return new RecordedCapture(picture, { capture, applied }, this.#recorder);
  }

  close(): Promise<void> {
    return this.#recorder.later('segments.close', {}, () => this.#inner.close(), nothing);
  }
}

class RecordedCapture implements FlushCapture {
  readonly #inner: FlushCapture;
  readonly #of: { capture: number; applied: number };
  readonly #recorder: CallRecorder;

  constructor(
    inner: FlushCapture,
    of: { capture: number; applied: number },
    recorder: CallRecorder,
  ) {
    this.#inner = inner;
    this.#of = of;
    this.#recorder = recorder;
  }

  get changed(): boolean {
    return this.#inner.changed;
  }

  writeBlocks(signal: AbortSignal): Promise<void> {
    const { capture } = this.#of;
    const work = () => this.#inner.writeBlocks(signal);
    return this.#recorder.later('capture.writeBlocks', { capture }, work, nothing, signal);
  }

  commit(): Promise<void> {
    const work = () => this.#inner.commit();
    return this.#recorder.later('capture.commit', { ...this.#of }, work, nothing);
  }

  release(): void {
    const { capture } = this.#of;
    this.#recorder.now('capture.release', { capture }, () => this.#inner.release(), nothing);
  }
}
