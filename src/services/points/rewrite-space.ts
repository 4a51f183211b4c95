import { SluiceError } from '../../errors.js';

/**
 * Sees to it that segments are rewritten only while there is room on disk: the output lies beside
 * its sources until the next commit, and the database writes it twice. Several at once don't count
 * on the same room.
 */
export class RewriteSpace {
  readonly #freeBytes: (() => Promise<number>) | undefined;
  readonly #reserved: () => number;
  #claimed = 0;

  /** `reserved`: bytes that must stay free beside it; nothing is checked without `freeBytes`. */
  constructor(freeBytes: (() => Promise<number>) | undefined, reserved: () => number) {
    this.#freeBytes = freeBytes;
    this.#reserved = reserved;
  }

  /**
   * Claims room for the rewriting of so many bytes until the returned function is called: when it
   * has been written or given up. Errors: `SLUICE_NOT_ENOUGH_SPACE`.
   */
  async claim(input: number): Promise<() => void> {
    const needed = 2 * input;
    const taken = this.#claimed + this.#reserved();
    this.#claimed += needed;
    const release = () => {
      this.#claimed -= needed;
    };
    try {
      const free = (await this.#freeBytes?.()) ?? Number.POSITIVE_INFINITY;
      if (free - taken >= needed) return release;
      throw new SluiceError(
        'SLUICE_NOT_ENOUGH_SPACE',
        `rewriting ${input} bytes needs ${needed} bytes of free disk, and of ${free} that are ` +
          `left ${taken} are needed otherwise`,
      );
    } catch (error) {
      release();
      throw error;
    }
  }
}
