import { MemoryLevel } from 'memory-level';

interface Operation {
  type: 'put' | 'del';
  key: Uint8Array;
  value?: Uint8Array;
}

interface ClearOptions {
  limit: number;
  reverse: boolean;
  gte?: Uint8Array;
  lte?: Uint8Array;
}

// The methods that an abstract-level store implements are not in its public types.
declare module 'memory-level' {
  interface MemoryLevel<KDefault = string, VDefault = string> {
    _open(options: object): Promise<void>;
    _batch(operations: Operation[], options: { sync?: boolean }): Promise<void>;
    _clear(options: ClearOptions): Promise<void>;
  }
}

/** One write as the store saw it. */
export interface LoggedWrite {
  sync: boolean;
  puts: string[];
  deletes: string[];
  cleared: boolean;
  /** Makes the write again, in this database or another. */
  replay: (on?: FaultLevel) => Promise<void>;
}

/**
 * A MemoryLevel that logs its writes, fails some of them and survives power cuts as LevelDB does: a
 * failed write makes every later one fail until the database is closed and opened again, and a
 * power cut may take any unsynced write, also one that is older than a synced one.
 */
export class FaultLevel extends MemoryLevel<string, Uint8Array> {
  /** Everything that is stored came from these writes, in this order. */
  writes: LoggedWrite[] = [];
  #until = Number.POSITIVE_INFINITY;
  #storesFailed = false;
  #error: Error | undefined;
  #failure: Error | undefined;

  constructor() {
    super({ keyEncoding: 'utf8', valueEncoding: 'view' });
  }

  /**
   * Lets `after` more writes pass and fails the next; `stored` tells whether that one is stored
   * nevertheless.
   */
  failWrite({ after = 0, stored = false, error = ioError() } = {}): void {
    this.#until = after;
    this.#storesFailed = stored;
    this.#error = error;
  }

  /** Closes the database; synced writes stay, and those unsynced ones that `survives` picks. */
  async powerCut(survives: (write: LoggedWrite, index: number) => boolean): Promise<void> {
    await this.close();
    const kept = this.writes.filter((write, index) => write.sync || survives(write, index));
    await super._clear({ limit: -1, reverse: false });
    for (const write of kept) await write.replay();
    this.writes = kept.map((write) => ({ ...write, sync: true }));
  }

  /**
   * A new database with what a crash now would leave; this one stays as it is, for those who have it
   * open. The picture is taken before anything is awaited.
   */
  async afterCrash(survives: (write: LoggedWrite, index: number) => boolean): Promise<FaultLevel> {
    const kept = this.writes.filter((write, index) => write.sync || survives(write, index));
    const left = new FaultLevel();
    for (const write of kept) await write.replay(left);
    left.writes = kept.map((write) => ({ ...write, sync: true }));
    return left;
  }

  override async _open(options: object): Promise<void> {
    this.#failure = undefined;
    return super._open(options);
  }

  override _batch(operations: Operation[], options: { sync?: boolean }): Promise<void> {
    const keys = (type: string) =>
      operations.filter((operation) => operation.type === type).map(({ key }) => text(key));
    return this.#write({
      sync: options.sync === true,
      puts: keys('put'),
      deletes: keys('del'),
      cleared: false,
      replay: (on = this) => super._batch.call(on, operations, options),
    });
  }

  override _clear(options: ClearOptions): Promise<void> {
    return this.#write({
      sync: false,
      puts: [],
      deletes: [],
      cleared: true,
      replay: (on = this) => super._clear.call(on, options),
    });
  }

  async #write(write: LoggedWrite): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const fails = this.#until === 0;
    this.#until -= 1;
    if (!fails || this.#storesFailed) {
      this.writes.push(write);
      await write.replay();
    }
    if (fails) {
      this.#failure = this.#error;
      throw this.#failure;
    }
  }
}

function ioError(): Error {
  return Object.assign(new Error('IO error: Input/output error'), { code: 'LEVEL_IO_ERROR' });
}

function text(key: Uint8Array): string {
  return new TextDecoder().decode(key);
}
