import type { AnyActorRef, AnyEventObject } from 'xstate';
import type { Timer } from './model.js';

interface Held {
  callback: () => void;
  at: number;
}

/** What XState knows of a timer that it has set. */
type Scheduled = ReturnType<AnyActorRef['system']['getSnapshot']>['_scheduledEvents'][string];

/**
 * Time that stands still until a path lets a timer fire. It fires that one, whichever else is due
 * before it: a graph knows delays by name and goes every way round.
 */
export class HeldClock {
  now = 0;
  readonly #held = new Map<number, Held>();
  readonly #timers = new Map<Scheduled, number>();
  #count = 0;
  #actor: AnyActorRef | undefined;

  /** From now on the timers of this actor are known by their events. */
  watch(actor: AnyActorRef): void {
    this.#actor = actor;
  }

  readonly setTimeout = (callback: () => void, delayMs: number): number => {
    this.#count += 1;
    this.#held.set(this.#count, { callback, at: this.now + delayMs });
    // XState notes what a timer is for right before it sets it: the new note is this timer's.
    for (const scheduled of this.#scheduled()) {
      if (!this.#timers.has(scheduled)) this.#timers.set(scheduled, this.#count);
    }
    return this.#count;
  };

  readonly clearTimeout = (timer: number): void => {
    this.#held.delete(timer);
  };

  /** The actor's timers that have not fired. */
  pending(): Timer[] {
    return this.#scheduled()
      .filter(({ target }) => target === this.#actor)
      .map(({ event, delay, id }) => ({ event, delayMs: delay, id }));
  }

  /** Fires the timer that brings this event; false when there is none. */
  fire(event: AnyEventObject): boolean {
    const wanted = JSON.stringify(event);
    const scheduled = this.#scheduled().find(
      (one) => one.target === this.#actor && JSON.stringify(one.event) === wanted,
    );
    const number = scheduled === undefined ? undefined : this.#timers.get(scheduled);
    const held = number === undefined ? undefined : this.#held.get(number);
    if (number === undefined || held === undefined) return false;
    this.#held.delete(number);
    this.now = Math.max(this.now, held.at);
    held.callback();
    return true;
  }

  #scheduled(): Scheduled[] {
    return Object.values(this.#actor?.system.getSnapshot()._scheduledEvents ?? {});
  }
}
