import type { DeathCounter, Wal, WalRecord, WalState } from '../../services/ports.js';
import { type CallRecorder, nothing } from './call-recorder.js';

/** A log whose calls are written down and can be held and failed. */
export class RecordedWal implements Wal {
  readonly dense: boolean;
  readonly watch?: (listener: (last: number) => void) => () => void;
  readonly reclaim?: (signal: AbortSignal) => Promise<void>;
  readonly bytesOnDisk?: () => Promise<number | undefined>;
  readonly #inner: Wal;
  readonly #recorder: CallRecorder;

  constructor(inner: Wal, recorder: CallRecorder) {
    this.#inner = inner;
    this.#recorder = recorder;
    this.dense = inner.dense;
    const { watch, reclaim, bytesOnDisk } = inner;
    if (watch !== undefined) {
      this.watch = (listener) =>
        watch.call(inner, (last) => {
          if (!recorder.dropped) listener(last);
        });
    }
    if (reclaim !== undefined) {
      this.reclaim = (signal) =>
        recorder.later('wal.reclaim', {}, () => reclaim.call(inner, signal), nothing);
    }
    if (bytesOnDisk !== undefined)
      this.bytesOnDisk = () => recorder.aside(() => bytesOnDisk.call(inner));
  }

  open(): Promise<WalState> {
    return this.#recorder.later(
      'wal.open',
      {},
      () => this.#inner.open(),
      ({ acked, last }) => ({ acked, last }),
    );
  }

  append(records: readonly Uint8Array[], options: { sync: boolean }): Promise<readonly number[]> {
    return this.#recorder.later(
      'wal.append',
      { records, sync: options.sync },
      () => this.#inner.append(records, options),
      (opNums) => ({ opNums }),
    );
  }

  sync(): Promise<void> {
    return this.#recorder.later('wal.sync', {}, () => this.#inner.sync(), nothing);
  }

  /** Held before its first record. */
  async *read(from: number, to: number): AsyncGenerator<WalRecord> {
    const records = await this.#recorder.later(
      'wal.read',
      { from, to },
      async () => this.#inner.read(from, to)[Symbol.asyncIterator](),
      nothing,
    );
    try {
      for (;;) {
        const next = await this.#recorder.aside(() => records.next());
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await this.#recorder.gates.work(async () => records.return?.());
    }
  }

  acknowledge(upTo: number): Promise<void> {
    const work = () => this.#inner.acknowledge(upTo);
    return this.#recorder.later('wal.acknowledge', { upTo }, work, nothing);
  }

  close(): Promise<void> {
    return this.#recorder.later('wal.close', {}, () => this.#inner.close(), nothing);
  }
}

/** A death counter whose calls are written down and can be held and failed. */
export function recordedDeaths(inner: DeathCounter, recorder: CallRecorder): DeathCounter {
  return {
    read: () =>
      recorder.later(
        'deaths.read',
        {},
        () => inner.read(),
        (count) => ({ count }),
      ),
    write: (count, options) =>
      recorder.later(
        'deaths.write',
        { count, sync: options.sync },
        () => inner.write(count, options),
        nothing,
      ),
  };
}
