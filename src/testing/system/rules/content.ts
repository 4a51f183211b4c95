import type { Facts } from '../facts.js';
import type { JournalEvent } from '../journal.js';
import { Rule, type Watched } from './rule.js';

type Fold = (content: Map<string, string>, operation: unknown) => void;

/**
 * Readers see what the applied operations come to, folded by something simpler than the store; after
 * an opening what those come to that the last commit held.
 */
export class ContentRule extends Rule {
  readonly name = 'readers see exactly what the applied operations come to';
  readonly #fold: Fold;
  #content = new Map<string, string>();
  /** What the segments may hold on disk, by the number that is stored with it. */
  #onDisk = new Map<number, Map<string, string>>([[0, new Map()]]);

  constructor(fold: Fold) {
    super();
    this.#fold = fold;
  }

  override hear(event: JournalEvent, facts: Facts): void {
    if (event.type === 'begun' && event.site === 'capture.commit') {
      // From here on until it is told otherwise, both may be there.
      const taken = this.#captured.get(event.given.capture);
      if (taken !== undefined) this.#onDisk.set(event.given.applied, taken);
    }
    if (event.type === 'ended' && event.site === 'capture.commit') {
      const held = this.#onDisk.get(event.given.applied);
      if (held !== undefined) this.#onDisk = new Map([[event.given.applied, held]]);
    }
    if (event.type === 'ended' && event.site === 'segments.capture') {
      this.#captured = new Map([[event.given.capture, new Map(this.#content)]]);
    }
    if (event.type === 'ended' && event.site === 'segments.open') this.#opened(event.got.applied);
    if (event.type === 'ended' && event.site === 'segments.apply') {
      const { opNum, operation } = event.given;
      const accepted = this.#accepts(operation);
      this.require(accepted, () => `${opNum} was applied, though it must be declined`);
    }
    const isDeclined = event.type === 'failed' && event.site === 'segments.apply';
    if (!isDeclined || facts.open === false || !isForGood(event.error)) return;
    const accepted = this.#accepts(event.given.operation);
    this.require(!accepted, () => `${event.given.opNum} was declined for nothing`);
  }

  #captured = new Map<number, Map<string, string>>();

  override look(system: Watched, facts: Facts): void {
    if (!facts.open) return;
    const seen = [...system.content()];
    const keys = new Set(seen.map(([key]) => key));
    this.require(keys.size === seen.length, () => 'an entry is visible twice');
    const same =
      keys.size === this.#content.size &&
      seen.every(([key, value]) => this.#content.get(key) === value);
    this.require(same, () => `readers see ${text(seen)}, not ${text(this.#content)}`);
  }

  /** Folds the operation in, unless it is to be declined. */
  #accepts(operation: unknown): boolean {
    try {
      this.#fold(this.#content, operation);
      return true;
    } catch {
      return false;
    }
  }

  #opened(applied: number): void {
    const held = this.#onDisk.get(applied);
    const known = () => `the segments hold ${applied}; committed: ${[...this.#onDisk.keys()]}`;
    this.require(held !== undefined, known);
    if (held === undefined) return;
    this.#onDisk = new Map([[applied, held]]);
    this.#content = new Map(held);
  }
}

const isForGood = (error: unknown) =>
  !(error instanceof Error && 'kind' in error && error.kind !== 'declined');

const text = (entries: Iterable<readonly [string, string]>) =>
  JSON.stringify(Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1))));
