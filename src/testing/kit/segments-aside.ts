import type { SegmentsStage } from './segments-stage.js';
import { checkBytes, reclaimBeside } from './space.js';

const COUNTS = 5;

/** Asks segments for what they may have beside what they must have: space, bytes, the death counter. */
export class SegmentsAside<Op> {
  readonly #stage: SegmentsStage<Op>;
  /** Counts of deaths that may be found after a power cut; the last one is the newest. */
  #counts = [0];

  constructor(stage: SegmentsStage<Op>) {
    this.#stage = stage;
  }

  /** Names of what is said to be supported and is not there. */
  get missing(): string[] {
    const { segments, deathCounter } = this.#stage.adapters;
    const { reclaim, garbageBytes, diskUse, deathCounter: deaths } = this.#stage.supports;
    return [
      ...(reclaim && segments.reclaim === undefined ? ['reclaim'] : []),
      ...(garbageBytes && segments.garbageBytes === undefined ? ['garbageBytes'] : []),
      ...(diskUse && segments.diskUse === undefined ? ['diskUse'] : []),
      ...(deaths && deathCounter === undefined ? ['deathCounter'] : []),
    ];
  }

  /** The segments were opened: the counter gives what was written last, or was synced. */
  async opened(isAfterPowerCut: boolean): Promise<void> {
    const { supports, adapters, ledger } = this.#stage;
    if (!supports.deathCounter) return;
    const found = await ledger.sure('deaths', 'read()', () => adapters.deathCounter?.read());
    const allowed = isAfterPowerCut ? this.#counts : this.#counts.slice(-1);
    ledger.check('deaths', allowed.includes(Number(found)), () => {
      return `${found} deaths are remembered, written were ${allowed.join(', ')}`;
    });
    // What a close has left may still be lost.
    if (isAfterPowerCut) this.#counts = [Number(found)];
  }

  /** Whatever is under way; with an operation beside it, if it may. */
  async look(mayApply: boolean): Promise<void> {
    const stage = this.#stage;
    const { supports, ledger, random } = stage;
    const { segments } = stage.adapters;
    if (supports.reclaim) {
      await reclaimBeside(
        { ledger, clause: 'reclaim', random },
        async (signal) => segments.reclaim?.(signal),
        async () => {
          await stage.compare('reclaim');
          if (mayApply) await stage.apply(stage.put(true));
        },
      );
      await stage.compare('reclaim');
    }
    if (supports.garbageBytes) {
      const bytes = await ledger.sure('garbageBytes', 'garbageBytes()', () =>
        segments.garbageBytes?.(),
      );
      checkBytes(ledger, 'garbageBytes', { bytes });
    }
    if (supports.diskUse) this.#lookAtDiskUse();
    if (supports.deathCounter) await this.#countDeath();
  }

  #lookAtDiskUse(): void {
    const { adapters, ledger, busy, model } = this.#stage;
    const use = adapters.segments.diskUse?.();
    ledger.check('diskUse', use !== undefined, 'diskUse() gives nothing');
    const { stored, largest, underway = 0 } = use ?? { stored: 0, largest: 0 };
    checkBytes(ledger, 'diskUse', { stored, largest, underway });
    const isFree = busy.size > 0 || underway === 0;
    ledger.check('diskUse', isFree, `${underway} bytes are under way, and no optimization is`);
    ledger.check('diskUse', model.entries.size === 0 || stored > 0, 'entries take no bytes');
  }

  async #countDeath(): Promise<void> {
    const { adapters, ledger, random } = this.#stage;
    const count = random(COUNTS);
    const sync = random(2) === 0;
    const write = () => adapters.deathCounter?.write(count, { sync });
    await ledger.sure('deaths', 'write()', write);
    this.#counts = sync ? [count] : [...this.#counts, count];
    const found = await ledger.sure('deaths', 'read()', () => adapters.deathCounter?.read());
    ledger.same('deaths', 'the count', count, found);
  }
}
