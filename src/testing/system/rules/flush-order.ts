import type { Facts } from '../facts.js';
import type { JournalEvent } from '../journal.js';
import { Rule } from './rule.js';

/** Capture → sync of the log → blocks → commit → acknowledgement, one round at a time. */
export class FlushOrderRule extends Rule {
  readonly name = 'blocks are synced before the commit, and that before the acknowledgement';
  #released = new Set<number>();

  override hear(event: JournalEvent, facts: Facts): void {
    if (event.type === 'life') this.#released = new Set();
    if (event.type === 'ended' && event.site === 'segments.capture') {
      const { applied } = event.given;
      this.require(
        applied === facts.applied,
        () => `a capture says ${applied}, but ${facts.applied} was applied`,
      );
      this.require(facts.captures.size === 0, () => 'a capture was taken before the last release');
    }
    if (event.type === 'ended' && event.site === 'capture.release') {
      const { capture } = event.given;
      this.require(!this.#released.has(capture), () => `capture ${capture} was released twice`);
      this.#released.add(capture);
    }
    if (event.type !== 'begun') return;
    if (event.site === 'capture.writeBlocks') {
      const synced = facts.captures.get(event.given.capture)?.synced ?? false;
      this.require(synced, () => 'blocks were written before the log was synced');
    }
    if (event.site === 'capture.commit') {
      const capture = facts.captures.get(event.given.capture);
      const { durable } = facts;
      this.require(capture?.written ?? false, () => 'a commit came before its blocks');
      this.require(
        (capture?.applied ?? 0) <= durable,
        () => `a commit holds ${capture?.applied}, the log only ${durable}`,
      );
    }
    if (event.site === 'wal.acknowledge') {
      const pending = facts.isUnderway('capture.writeBlocks', 'capture.commit', 'wal.sync');
      this.require(!pending, () => 'the log was to forget while a round was writing');
    }
  }
}
