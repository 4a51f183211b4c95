import { MemoryLevel } from 'memory-level';

// The method that an abstract-level store implements is not in its public types; see fault-level.ts.
type Batch = Parameters<MemoryLevel<string, Uint8Array>['_batch']>;

/** A MemoryLevel whose writes wait until they are let through, one after the other. */
export class SlowLevel extends MemoryLevel<string, Uint8Array> {
  readonly #waiting: (() => void)[] = [];
  #isHeld = false;

  constructor() {
    super({ keyEncoding: 'utf8', valueEncoding: 'view' });
  }

  /** Writes that wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** From now on writes wait. */
  hold(): void {
    this.#isHeld = true;
  }

  /** Lets the oldest write through that waits. */
  pass(): void {
    this.#waiting.shift()?.();
  }

  /** Lets all writes through, from now on too. */
  release(): void {
    this.#isHeld = false;
    for (const go of this.#waiting.splice(0)) go();
  }

  override async _batch(...batch: Batch): Promise<void> {
    if (this.#isHeld) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return super._batch(...batch);
  }
}
