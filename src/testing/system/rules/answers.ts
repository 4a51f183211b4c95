import { SluiceError } from '../../../errors.js';
import type { SubmitResult } from '../../../services/ticket.js';
import type { Facts } from '../facts.js';
import type { Answered, JournalEvent } from '../journal.js';
import { Rule, type Watched } from './rule.js';

/** What callers are told is true at that moment: acknowledged: in the log; completed: safe and applied. */
export class AnswersRule extends Rule {
  readonly name = 'answers come when they are true';

  override hear(event: JournalEvent, facts: Facts): void {
    if (event.type === 'answered' && event.kind === 'submit') this.#submit(event, facts);
    if (event.type === 'answered' && event.kind === 'flush') {
      this.require(!facts.isUnderway('capture.commit'), () => 'a flush was answered in a commit');
    }
  }

  #submit(event: Answered, facts: Facts): void {
    const { opNum, status } = event.result as SubmitResult;
    this.require(opNum <= facts.last, () => `${opNum} was ${status} before the log had it`);
    if (status !== 'completed') return;
    this.require(opNum <= facts.durable, () => `${opNum} was completed before it was synced`);
    this.require(opNum <= facts.applied, () => `${opNum} was completed before it was applied`);
    this.require(!facts.declined.has(opNum), () => `${opNum} was declined, and completed`);
  }
}

/** Each request is answered once, an error has a code, and nobody waits when nothing can come any more. */
export class RequestsRule extends Rule {
  readonly name = 'each request is answered exactly once, by the end at the latest';

  override hear(event: JournalEvent, facts: Facts): void {
    if (event.type !== 'answered' && event.type !== 'refused') return;
    const asked = facts.requests.has(event.request);
    this.require(asked, () => `caller ${event.request} was answered without having asked`);
    if (event.type !== 'refused') return;
    const { error } = event;
    // A bad operation is refused by the codec, in its own words.
    const isClear = error instanceof SluiceError || error instanceof TypeError;
    this.require(isClear, () => `caller ${event.request} was refused without a code: ${error}`);
  }

  override look({ handler, clock, gates }: Watched, facts: Facts): void {
    const waiting = [...facts.requests.values()].map(({ request, kind }) => `${request} (${kind})`);
    const open = () => `nobody will ever answer ${waiting.join(', ')}`;
    if (handler.state === 'stopped') this.require(waiting.length === 0, open);
    // A reader that follows waits for operations that may never come.
    const asks = [...facts.requests.values()].filter(
      ({ kind, facts: given }) => kind !== 'read' || !('follow' in given) || given.follow !== true,
    );
    if (asks.length === 0 || gates.waiting.length > 0) return;
    this.require(clock.pending > 0, open);
  }
}
